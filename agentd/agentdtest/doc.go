// Package agentdtest runs real agents for tests: the program parsec-agentd as a process
// of its own, built once per test program, on a socket with a short path.
//
//	func TestMain(m *testing.M) { os.Exit(agentdtest.Main(m)) }
//
//	func TestX(t *testing.T) {
//		a := agentdtest.Start(t, agentdtest.Options{})
//		conn, err := net.Dial("unix", a.Socket)
//		…
//	}
//
// The agent ends with the test; a test fails if its agent ended by itself, does not end in
// time, or reports a race or panic. Process is the part that knows nothing of tests and of this agent: it
// starts any service of the protocol, and serves benchmarks and the tests against the
// original too.
//
// Start and the methods of an Agent belong to the goroutine of the test; Log and PID may
// be called from any.
package agentdtest
