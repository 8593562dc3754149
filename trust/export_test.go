package trust

// Window is how many signatures are verified ahead.
const Window = window

// PlainOfRow opens a row for a fuzzer.
func PlainOfRow(k KeepingKey, row []byte) ([]byte, error) { return k.rows.Decrypt(row) }

// RowOfPlain seals what a fuzzer made up.
func RowOfPlain(k KeepingKey, plain []byte) ([]byte, error) { return k.rows.Encrypt(plain) }
