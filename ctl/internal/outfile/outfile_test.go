package outfile_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/ctl/internal/outfile"
)

func names(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return strings.Join(list, " ")
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestNothingIsReplacedUnasked(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	if err := outfile.Write(path, []byte("one"), outfile.Options{}); err != nil {
		t.Fatal(err)
	}
	err := outfile.Write(path, []byte("two"), outfile.Options{})
	if err == nil || err.Error() != path+" exists already: choose another name, or replace it with --force" {
		t.Errorf("got %v", err)
	}
	if read(t, path) != "one" || names(t, dir) != "f" {
		t.Errorf("%q, %s", read(t, path), names(t, dir))
	}
	if err := outfile.Write(path, []byte("two"), outfile.Options{Force: true}); err != nil || read(t, path) != "two" {
		t.Error(err)
	}
}

// TestWhoComesFirstKeepsTheName has another program make the file while it is written.
func TestWhoComesFirstKeepsTheName(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	f, err := outfile.Create(path, outfile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("theirs"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := f.Commit(); err == nil || !strings.Contains(err.Error(), "exists already") {
		t.Errorf("got %v", err)
	}
	if read(t, path) != "theirs" || names(t, dir) != "f" {
		t.Errorf("%q, %s", read(t, path), names(t, dir))
	}
}

func TestDiscardLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	f, err := outfile.Create(filepath.Join(dir, "f"), outfile.Options{Secret: true})
	if err != nil {
		t.Fatal(err)
	}
	info, err := f.Stat()
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	f.Discard()
	f.Discard()
	if got := names(t, dir); got != "" {
		t.Errorf("left: %s", got)
	}
}

func TestSecretReplacesOpenFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := outfile.Write(path, []byte("x"), outfile.Options{Secret: true, Force: true}); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

func TestLinkIsNotFollowed(t *testing.T) {
	dir := t.TempDir()
	target, link := filepath.Join(dir, "target"), filepath.Join(dir, "link")
	if err := errors.Join(os.WriteFile(target, []byte("old"), 0o600), os.Symlink(target, link)); err != nil {
		t.Fatal(err)
	}
	if err := outfile.Write(link, []byte("new"), outfile.Options{Force: true}); err != nil {
		t.Fatal(err)
	}
	info, err := os.Lstat(link)
	if err != nil || info.Mode().Type() == fs.ModeSymlink || read(t, target) != "old" {
		t.Errorf("%v, target %q, %v", info.Mode(), read(t, target), err)
	}
}
