// Package pgtest starts PostgreSQL for tests: real servers, each with a data directory and
// a Unix socket of its own in a directory that only its owner enters, as a user without
// privilege. They end with the test or with the test program, however that ends. Without
// PostgreSQL the test is skipped, under CI it fails.
//
// A package whose tests need no more than a database of their own shares one server:
//
//	func TestMain(m *testing.M) { pgtest.Exit(m.Run()) }
//	...
//	url := pgtest.Database(t)
//
// A test that stops, kills or sets up its server starts its own with Start.
//
// Writes are not synchronised to the disk unless asked for: killing a process loses nothing
// that the kernel has, and a test cannot cut the power.
package pgtest
