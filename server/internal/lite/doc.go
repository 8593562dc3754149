// Package lite is a connection to a file of SQLite with its prepared statements, without database/sql: a statement of the server finds one row
// in a few microseconds, and database/sql with the driver's rows costs several times that. It is what SQLite's own interface offers, over the library of
// modernc.org/sqlite/lib, which the driver is made of too.
//
// One goroutine at a time uses a Conn. Memory of SQLite is only looked at while a row is there, and arguments are copied to memory of its own.
package lite
