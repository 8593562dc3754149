package command

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// mocked is the database that goes with the process.
const mocked = "MOCKED"

// place decides where everything is, and returns what cleans up.
func (o *runOptions) place(getenv func(string) string) (func() error, error) {
	clean := func() error { return nil }
	if o.db == mocked {
		dir, err := os.MkdirTemp("", "parsec-server-")
		if err != nil {
			return nil, err
		}
		clean = func() error { return os.RemoveAll(dir) }
		o.dataDir, o.db = dir, ""
	}
	if o.dataDir == "" {
		o.dataDir = dataDir(os.Getuid(), getenv)
	}
	if err := os.MkdirAll(o.dataDir, 0o700); err != nil {
		return nil, fmt.Errorf("cannot make the data directory: %w", err)
	}
	if o.db == "" {
		o.db = "sqlite:" + filepath.Join(o.dataDir, "server.sqlite3")
	}
	if len(o.blocks) == 0 {
		o.blocks = []string{"directory:" + strings.ReplaceAll(filepath.Join(o.dataDir, "blocks"), ":", `\:`)}
	}
	if o.keyFile == "" {
		o.keyFile = filepath.Join(o.dataDir, "server.key")
	}
	return clean, nil
}

// dataDir is the service manager's, the system's for root, or the person's.
func dataDir(uid int, getenv func(string) string) string {
	if dir := getenv("STATE_DIRECTORY"); dir != "" {
		return dir
	}
	if uid == 0 {
		return "/var/lib/parsec-server"
	}
	if dir := getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "parsec-server")
	}
	return filepath.Join(getenv("HOME"), ".local/state/parsec-server")
}
