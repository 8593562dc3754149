// parsec-pkcs11-helper loads a PKCS#11 library for parsec-agentd, which starts it and
// speaks with it through descriptor 3 (docs/formats/pkcs11-helper.md). It is not for people
// to run.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/module"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "parsec-pkcs11-helper:", err)
		os.Exit(1)
	}
}

// run serves the descriptor that the agent passed.
func run() error {
	const agent = 3
	if err := protect(); err != nil {
		return err
	}
	// The socket stays in blocking mode: for one reader that is faster than a poller.
	conn := os.NewFile(agent, "agent")
	if conn == nil {
		return errStarted
	}
	defer func() { _ = conn.Close() }()
	if info, err := conn.Stat(); err != nil || info.Mode()&os.ModeSocket == 0 {
		return errStarted
	}
	return module.Serve(context.Background(), conn)
}

var errStarted = errors.New("it is started by parsec-agentd, which passes a socket as descriptor 3")

// maxMemory bounds what the library can take from the machine, in bytes, for one that
// believes its own lengths. Those in use take some ten megabytes.
const maxMemory = 1 << 30

// protect keeps the PIN and the plaintexts that pass through out of core dumps and other
// processes' sight, and the library's memory within a bound.
func protect() error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_DATA, &limit); err != nil {
		return fmt.Errorf("cannot read the limit of memory: %w", err)
	}
	limit.Max = min(limit.Max, maxMemory)
	limit.Cur = min(limit.Cur, limit.Max)
	if err := unix.Setrlimit(unix.RLIMIT_DATA, &limit); err != nil {
		return fmt.Errorf("cannot limit the memory: %w", err)
	}
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("cannot forbid core dumps: %w", err)
	}
	return nil
}
