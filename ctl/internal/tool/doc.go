// Package tool is parsec-tool 0.7.0 over again, for scripts that call it: the same
// subcommands and options, the same results on standard output byte for byte, the same
// exit statuses (0 or 1), and log lines of the same shape on standard error. The facts are
// in docs/spec/parsec-service.md section 7.2.
//
// Two things it does better. Without PARSEC_SERVICE_ENDPOINT it also finds the socket of
// the user's own agent; and create-csr signs for a key that permits any hash with SHA-256,
// where the original asks the service for "any" and is refused.
//
// It calls the service as the original does, one request per connection and without our
// flag, so that it sees exactly what the original would.
//
// The texts of errors are our own; what stands in parentheses behind them is the
// original's.
package tool
