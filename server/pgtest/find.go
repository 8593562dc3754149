package pgtest

import (
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
)

// account is who PostgreSQL runs as: it refuses to be root.
type account struct{ id, group int }

// tools is an installed PostgreSQL and who is to run it.
type tools struct {
	bin  string
	user account
}

const missing = "PostgreSQL is missing: install the Debian package postgresql"

// find skips the test where there is no PostgreSQL; under CI the test fails.
func find(t testing.TB) tools {
	t.Helper()
	bin, ok := binaries()
	if !ok {
		if os.Getenv("CI") != "" {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	who, err := unprivileged()
	if err != nil {
		t.Fatal(err)
	}
	return tools{bin: bin, user: who}
}

// binaries returns the newest version that Debian's packages installed, or what is in the path.
func binaries() (string, bool) {
	const lib = "/usr/lib/postgresql"
	versions, _ := os.ReadDir(lib) // absent elsewhere
	best := 0
	for _, v := range versions {
		n, err := strconv.Atoi(v.Name())
		if err == nil && n > best && exists(filepath.Join(lib, v.Name(), "bin", "postgres"), filepath.Join(lib, v.Name(), "bin", "initdb")) {
			best = n
		}
	}
	if best > 0 {
		return filepath.Join(lib, strconv.Itoa(best), "bin"), true
	}
	path, err := exec.LookPath("initdb")
	if err != nil {
		return "", false
	}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return "", false
	}
	return filepath.Dir(path), exists(filepath.Join(filepath.Dir(path), "postgres"))
}

// Installed says whether there is a PostgreSQL to start.
func Installed() bool {
	_, ok := binaries()
	return ok
}

func exists(paths ...string) bool {
	return !slices.ContainsFunc(paths, func(p string) bool {
		_, err := os.Stat(p)
		return err != nil
	})
}

// unprivileged is this process's user, or in place of root the one of Debian's package.
func unprivileged() (account, error) {
	if os.Getuid() != 0 {
		return account{os.Getuid(), os.Getgid()}, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		u, err = user.Lookup("nobody")
	}
	if err != nil {
		return account{}, err
	}
	id, err := strconv.Atoi(u.Uid)
	if err != nil {
		return account{}, err
	}
	group, err := strconv.Atoi(u.Gid)
	return account{id, group}, err
}
