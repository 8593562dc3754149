package command

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
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
	if err := becomeOwner(o.dataDir); err != nil {
		return nil, err
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

// becomeOwner lets root go on as the account that a directory belongs to: what is written there stays that account's.
func becomeOwner(dir string) error {
	info, err := os.Stat(dir)
	if err != nil || os.Geteuid() != 0 {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok || owner.Uid == 0 {
		return nil
	}
	uid, gid := int(owner.Uid), int(owner.Gid)
	err = syscall.Setgroups([]int{gid})
	if err == nil {
		err = syscall.Setresgid(gid, gid, gid)
	}
	if err == nil {
		err = syscall.Setresuid(uid, uid, uid)
	}
	if err != nil {
		return fmt.Errorf("cannot become the owner of %s: %w", dir, err)
	}
	return nil
}

// defaultConfig is the file that the service manager, or the system for root, has for the server; empty where there is none.
func defaultConfig(uid int, getenv func(string) string) string {
	dir := getenv("CONFIGURATION_DIRECTORY")
	if dir == "" && uid == 0 {
		dir = "/etc/parsec-server"
	}
	path := filepath.Join(dir, "config.toml")
	if _, err := os.Stat(path); dir == "" || errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	return path
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
