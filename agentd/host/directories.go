package host

import (
	"fmt"
	"os"
	"syscall"

	"github.com/seed-73b3884f/parsec-agent/agentd/config"
)

// makeDirectories creates the private directories of a user's agent. The system's agent
// creates none: whoever packages it knows the owner.
func makeDirectories(l config.Layout) error {
	if !l.User {
		return nil
	}
	for _, dir := range []string{l.StateDir, l.RuntimeDir} {
		if err := makePrivate(dir); err != nil {
			return fmt.Errorf("cannot use the directory %s: %w", dir, err)
		}
	}
	return nil
}

const private = 0o700

// makePrivate creates a directory, or closes one of ours to others.
func makePrivate(dir string) error {
	if err := os.MkdirAll(dir, private); err != nil {
		return err
	}
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if st, ok := info.Sys().(*syscall.Stat_t); ok && int(st.Uid) != os.Geteuid() {
		return fmt.Errorf("it belongs to uid %d", st.Uid)
	}
	if info.Mode().Perm()&^private != 0 {
		return os.Chmod(dir, private)
	}
	return nil
}
