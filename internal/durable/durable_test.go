package durable_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-73b3884f/parsec-agent/internal/durable"
)

func open(t *testing.T, path string) *durable.Dir {
	t.Helper()
	d, err := durable.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func names(t *testing.T, d *durable.Dir) []string {
	t.Helper()
	list, err := d.Names()
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(list)
	return list
}

func content(t *testing.T, d *durable.Dir, name string) (durable.Stat, []byte) {
	t.Helper()
	f, err := d.OpenFile(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := f.Read(1 << 20)
	if err != nil {
		t.Fatal(err)
	}
	return f.Stat, b
}

func TestCreateReplaceRemove(t *testing.T) {
	defer unix.Umask(unix.Umask(0o277))
	path := t.TempDir()
	if err := os.Chmod(path, 0o700); err != nil {
		t.Fatal(err)
	}
	d := open(t, path)
	if err := d.Create("a", []byte("one")); err != nil {
		t.Fatal(err)
	}
	if err := d.Create("a", []byte("two")); !errors.Is(err, fs.ErrExist) {
		t.Fatalf("created twice: %v", err)
	}
	if st, b := content(t, d, "a"); st.Mode != 0o600 || string(b) != "one" {
		t.Fatalf("mode %o, %q", st.Mode, b)
	}
	if err := d.Replace("a", bytes.Repeat([]byte("x"), 100_000)); err != nil {
		t.Fatal(err)
	}
	if st, b := content(t, d, "a"); st.Mode != 0o600 || len(b) != 100_000 {
		t.Fatalf("mode %o, %d bytes", st.Mode, len(b))
	}
	if got := names(t, d); !slices.Equal(got, []string{"a"}) {
		t.Fatalf("the directory holds %q", got)
	}
	if err := d.Remove("a"); err != nil {
		t.Fatal(err)
	}
	if err := d.Remove("a"); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("removed twice: %v", err)
	}
	if got := names(t, d); len(got) != 0 {
		t.Fatalf("the directory holds %q", got)
	}
}

func TestRename(t *testing.T) {
	d := open(t, t.TempDir())
	for name, text := range map[string]string{"a": "one", "b": "two"} {
		if err := d.Create(name, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Rename("b", "a"); err != nil {
		t.Fatal(err)
	}
	if _, b := content(t, d, "a"); string(b) != "two" || !slices.Equal(names(t, d), []string{"a"}) {
		t.Errorf("%q, %q", b, names(t, d))
	}
	if err := d.Rename("missing", "a"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("renamed nothing: %v", err)
	}
	if _, b := content(t, d, "a"); string(b) != "two" {
		t.Errorf("the target became %q", b)
	}
}

func TestMakeAll(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "b", "c")
	for range 2 {
		if err := durable.MakeAll(path); err != nil {
			t.Fatal(err)
		}
	}
	for dir := path; filepath.Base(dir) != "a"; dir = filepath.Dir(dir) {
		if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%s: %v, %v", dir, info, err)
		}
	}
	if err := os.WriteFile(path+"/f", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := durable.MakeAll(path + "/f/g"); err == nil {
		t.Error("made a directory below a file")
	}
}

func TestOpenFileRefusesOtherTypes(t *testing.T) {
	path := t.TempDir()
	d := open(t, path)
	if err := d.Create("target", []byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("target", filepath.Join(path, "link")); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mkfifo(filepath.Join(path, "fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(path, "dir"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"link", "fifo", "dir"} {
		if _, err := d.OpenFile(name); !errors.Is(err, durable.ErrType) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := d.OpenFile("missing"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
}

func TestReadIsBounded(t *testing.T) {
	d := open(t, t.TempDir())
	if err := d.Create("a", []byte("12345")); err != nil {
		t.Fatal(err)
	}
	f, err := d.OpenFile("a")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Read(4); !errors.Is(err, durable.ErrSize) {
		t.Errorf("read 5 bytes of 4: %v", err)
	}
	if b, err := f.Head(8); err != nil || string(b) != "12345" {
		t.Errorf("head is %q, %v", b, err)
	}
}

func TestLockExcludes(t *testing.T) {
	path := t.TempDir()
	first := open(t, path)
	if err := first.Lock(); err != nil {
		t.Fatal(err)
	}
	second, err := durable.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Lock(); !errors.Is(err, unix.EWOULDBLOCK) {
		t.Errorf("locked twice: %v", err)
	}
	if first.Identity() != second.Identity() || first.Identity() == open(t, t.TempDir()).Identity() {
		t.Error("identities do not identify")
	}
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestLeftover(t *testing.T) {
	for name, want := range map[string]string{
		".00000000000000d8.psa_its.0123456789abcdef.tmp": "00000000000000d8.psa_its",
		".root.key.0123456789abcdef.tmp":                 "root.key",
		"tempfile.psa_its":                               "",
		".0123456789abcdef.tmp":                          "",
		".x.0123456789abcde.tmp":                         "",
		"x.0123456789abcdef.tmp":                         "",
		".x.0123456789abcdef.tmp.bak":                    "",
	} {
		if got, ok := durable.Leftover(name); got != want || ok != (want != "") {
			t.Errorf("Leftover(%q) is %q, %v", name, got, ok)
		}
	}
}

func TestOpenMissing(t *testing.T) {
	if _, err := durable.Open(filepath.Join(t.TempDir(), "missing")); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

func TestDirectoriesInside(t *testing.T) {
	path := t.TempDir()
	d := open(t, path)
	if _, err := d.OpenDir("inner"); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("opened what is not there: %v", err)
	}
	for range 2 {
		if err := d.MakeDir("inner"); err != nil {
			t.Fatal(err)
		}
	}
	inner, err := d.OpenDir("inner")
	if err != nil {
		t.Fatal(err)
	}
	defer inner.Close()
	if st, err := inner.Stat(); err != nil || st.Mode().Perm() != 0o700 || inner.Path() != filepath.Join(path, "inner") {
		t.Errorf("%s: %v, %v", inner.Path(), st, err)
	}
	if err := inner.Add("a", []byte("one")); err != nil {
		t.Fatal(err)
	}
	if err := inner.Add("a", []byte("two")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("added twice: %v", err)
	}
	if err := inner.Confirm("a"); err != nil {
		t.Fatal(err)
	}
	if err := inner.Confirm("b"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("confirmed what is not there: %v", err)
	}
	if _, b := content(t, inner, "a"); string(b) != "one" {
		t.Errorf("it holds %q", b)
	}
	if got := names(t, inner); !slices.Equal(got, []string{"a"}) {
		t.Errorf("the directory holds %q", got)
	}
	if err := os.Symlink("inner", filepath.Join(path, "link")); err != nil {
		t.Fatal(err)
	}
	if _, err := d.OpenDir("link"); err == nil {
		t.Error("followed a link")
	}
}
