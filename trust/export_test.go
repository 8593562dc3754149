package trust

// Window is how many signatures are verified ahead.
const Window = window
