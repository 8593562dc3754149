package original

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// Tree is the Debian tree with the original's programs.
type Tree struct {
	script, root string
}

// Open finds the tree, and makes it if it is not there, which takes some minutes.
func Open(ctx context.Context) (*Tree, error) {
	if os.Getuid() != 0 {
		return nil, errors.New("the original's programs run in a tree of their own, which takes root")
	}
	script, err := Script()
	if err != nil {
		return nil, err
	}
	t := &Tree{script: script}
	if t.root, err = t.peers(ctx, "root"); err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(t.root, "usr/bin/parsec-tool")); err == nil {
		return t, nil
	}
	_, err = t.peers(ctx, "setup", "parsec-service", "parsec-tool")
	return t, err
}

// Need installs a Debian package in the tree, unless a file of it is there.
func (t *Tree) Need(ctx context.Context, file, pkg string) error {
	if _, err := os.Stat(filepath.Join(t.root, file)); err == nil {
		return nil
	}
	_, err := t.peers(ctx, "setup", pkg)
	return err
}

// Script returns the path of the script that starts the original's programs.
func Script() (string, error) { return find("interop/peers") }

// find returns a file of this module, from any directory within it.
func find(name string) (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(dir, name), nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("cannot find %s: not within the module", name)
		}
		dir = filepath.Dir(dir)
	}
}

// peers runs the script and returns what it prints.
func (t *Tree) peers(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, t.script, args...) //nolint:gosec // our own script
	out, err := cmd.Output()
	if err != nil {
		msg := ""
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			msg = string(exit.Stderr)
		}
		return "", fmt.Errorf("peers %s: %w\n%s", strings.Join(args, " "), err, msg)
	}
	return strings.TrimSpace(string(out)), nil
}

// Share makes a directory visible within the tree at the same path until the returned
// function is called.
func (t *Tree) Share(ctx context.Context, dir string) (unshare func() error, err error) {
	if _, err := t.peers(ctx, "share", dir); err != nil {
		return nil, err
	}
	inside := filepath.Join(t.root, dir)
	return func() error {
		if err := syscall.Unmount(inside, syscall.MNT_DETACH); err != nil {
			return fmt.Errorf("cannot unmount %s: %w", inside, err)
		}
		return os.Remove(inside)
	}, nil
}

// Command prepares a program of the tree: a path within it, and its arguments.
func (t *Tree) Command(ctx context.Context, argv ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...) //nolint:gosec // programs that tests name
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: t.root}
	cmd.Dir = "/tmp"
	cmd.Env = []string{"PATH=/usr/bin:/bin", "HOME=/tmp"}
	return cmd
}

// Boot starts a copy of the tree under its own systemd, runs a shell script there as root
// and returns what it prints. The directories are visible at the same paths.
func (t *Tree) Boot(ctx context.Context, script string, dirs ...string) (string, error) {
	cmd := exec.CommandContext(ctx, t.script, "boot", script) //nolint:gosec // our own script
	cmd.Env = append(os.Environ(), "PEERS_BIND="+strings.Join(dirs, " "), "PEERS_BOOT_S=240")
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("peers boot: %w\n%s", err, out)
	}
	return string(out), err
}
