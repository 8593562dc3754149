// Package processtest runs parsec-server as a program for tests: built once for a test program, several at once behind a proxy, killed and
// started again. A test package that uses it has
//
//	func TestMain(m *testing.M) { processtest.Main(m) }
package processtest
