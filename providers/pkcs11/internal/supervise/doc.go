// Package supervise runs parsec-pkcs11-helper as a child process and speaks with it. A
// Helper is one process from its start to its end: it does not restart, so that whoever
// uses it knows that a new process knows nothing of the old one's sessions.
//
// Requests run concurrently and are answered in any order. The helper is killed when an
// answer is overdue, when it sends what is no frame, or when it answers what was not asked;
// whatever ends it, every request that waits fails with an *Ended that says how it ended.
// What the process writes to its standard error goes to the log, quoted and bounded.
//
// It does not judge what the library answers, and it does not protect secrets from the
// helper, which gets the PIN.
package supervise
