// Package host is the process around the agent: command line, start, reload, watchdog and
// stop, and the socket.
//
// The order of a start is: signals, configuration, root check, hardening of the process
// (no core dump, no debugger, umask 077), log, directories (user mode), socket, key info
// managers and providers, metrics, READY. Whatever fails ends the start with one error that
// says what, on what, why, and leaves nothing behind.
//
// Sockets come from the service manager (LISTEN_FDS), or one is bound here. Nothing that is
// not ours is removed: what is at the path must be a socket of ours or root's on which
// nobody answers. It is replaced in one step by one that has its mode already, under a lock
// that the process holds as long as it lives.
//
// A reload never closes the listening socket nor a connection; when the new configuration
// is bad the old one stays, and the log and the service manager are told.
//
// Run is called once in a process: it changes the process (umask, limits, environment).
//
// Specification: docs/spec/parsec-service.md sections 4.3, 4.5 and 4.6.
package host
