package rootkey_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/providers/software/internal/rootkey"
)

func write(t *testing.T, path string, b []byte, mode fs.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func TestFileCreateLoad(t *testing.T) {
	f := rootkey.File{Path: filepath.Join(t.TempDir(), "root.key")}
	if _, err := f.Load(t.Context()); !errors.Is(err, rootkey.ErrAbsent) {
		t.Fatalf("loaded nothing: %v", err)
	}
	made, err := f.Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer made.Wipe()
	if _, err := f.Create(t.Context()); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a root key was replaced: %v", err)
	}
	st, err := os.Stat(f.Path)
	if err != nil || st.Mode() != 0o600 || st.Size() != rootkey.FileSize {
		t.Errorf("the file has mode %v, %d bytes, %v", st.Mode(), st.Size(), err)
	}
	read, err := f.Load(t.Context())
	if err != nil || read.ID() != made.ID() {
		t.Fatalf("read another key: %v", err)
	}
	read.Wipe()
}

func TestFileCreateInMissingDirectory(t *testing.T) {
	f := rootkey.File{Path: filepath.Join(t.TempDir(), "missing", "root.key")}
	if _, err := f.Create(t.Context()); !errors.Is(err, fs.ErrNotExist) || !strings.HasPrefix(err.Error(), "cannot create the root key in "+f.Path) {
		t.Error(err)
	}
}

func TestFileRefusesUnsafe(t *testing.T) {
	content := marshal(t, newKey(t, secret))
	for _, mode := range []fs.FileMode{0o640, 0o604, 0o660, 0o700, 0o610, 0o644} {
		path := filepath.Join(t.TempDir(), "root.key")
		write(t, path, content, mode)
		_, err := rootkey.File{Path: path}.Load(t.Context())
		if !errors.Is(err, rootkey.ErrUnsafe) || !strings.Contains(err.Error(), path) {
			t.Errorf("mode %o: %v", mode, err)
		}
	}
	for _, mode := range []fs.FileMode{0o600, 0o400} {
		path := filepath.Join(t.TempDir(), "root.key")
		write(t, path, content, mode)
		k, err := rootkey.File{Path: path}.Load(t.Context())
		if err != nil {
			t.Errorf("mode %o: %v", mode, err)
			continue
		}
		k.Wipe()
	}
}

func TestFileRefusesOtherOwner(t *testing.T) {
	path := filepath.Join(t.TempDir(), "root.key")
	write(t, path, marshal(t, newKey(t, secret)), 0o600)
	if err := os.Chown(path, 12345, -1); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip("needs the right to give files away (run as root)")
	}
	_, err := rootkey.File{Path: path}.Load(t.Context())
	if !errors.Is(err, rootkey.ErrUnsafe) || !strings.Contains(err.Error(), "uid 12345") {
		t.Error(err)
	}
}

func TestFileRefusesLinkAndDamage(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "real"), marshal(t, newKey(t, secret)), 0o600)
	if err := os.Symlink("real", filepath.Join(dir, "root.key")); err != nil {
		t.Fatal(err)
	}
	if _, err := (rootkey.File{Path: filepath.Join(dir, "root.key")}).Load(t.Context()); err == nil || errors.Is(err, rootkey.ErrAbsent) {
		t.Errorf("a link was followed: %v", err)
	}
	for name, b := range map[string][]byte{"empty": {}, "short": make([]byte, 63), "long": make([]byte, 65), "huge": make([]byte, 1<<20)} {
		path := filepath.Join(dir, name)
		write(t, path, b, 0o600)
		if _, err := (rootkey.File{Path: path}).Load(t.Context()); err == nil || errors.Is(err, rootkey.ErrAbsent) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCredential(t *testing.T) {
	dir := t.TempDir()
	for name, test := range map[string]struct {
		mode fs.FileMode
		safe bool
	}{"a": {0o400, true}, "b": {0o440, true}, "c": {0o444, false}} {
		write(t, filepath.Join(dir, name), secret, test.mode)
		k, err := rootkey.Credential{Directory: dir, Name: name}.Load(t.Context())
		if test.safe != (err == nil) || !test.safe && !errors.Is(err, rootkey.ErrUnsafe) {
			t.Errorf("mode %o: %v", test.mode, err)
		}
		if k != nil {
			k.Wipe()
		}
	}
	for _, absent := range []rootkey.Credential{{}, {Name: "a"}, {Directory: dir, Name: "missing"}, {Directory: filepath.Join(dir, "missing"), Name: "a"}} {
		if _, err := absent.Load(t.Context()); !errors.Is(err, rootkey.ErrAbsent) {
			t.Errorf("%v: %v", absent, err)
		}
	}
	for _, name := range []string{"../a", ".", "..", "", "x/y"} {
		if _, err := (rootkey.Credential{Directory: dir, Name: name}).Load(t.Context()); err == nil || errors.Is(err, rootkey.ErrAbsent) {
			t.Errorf("the name %q was taken: %v", name, err)
		}
	}
}

func TestFirst(t *testing.T) {
	dir := t.TempDir()
	file := rootkey.File{Path: filepath.Join(dir, "root.key")}
	credential := rootkey.Credential{Directory: dir, Name: "parsec-root-key"}
	first := rootkey.First{credential, file}
	if got, want := first.String(), `credential "parsec-root-key", else `+file.Path; got != want {
		t.Errorf("String() is %s", got)
	}
	if _, err := first.Load(t.Context()); !errors.Is(err, rootkey.ErrAbsent) {
		t.Fatal(err)
	}
	made, err := first.Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer made.Wipe()
	load := func() *rootkey.Key {
		t.Helper()
		k, err := first.Load(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(k.Wipe)
		return k
	}
	if load().ID() != made.ID() {
		t.Error("the file's key was not loaded")
	}
	write(t, filepath.Join(dir, credential.Name), secret, 0o400)
	if load().ID() != newKey(t, secret).ID() {
		t.Error("the credential does not come first")
	}
	write(t, filepath.Join(dir, credential.Name), secret[1:], 0o600)
	if _, err := first.Load(t.Context()); !errors.Is(err, rootkey.ErrFormat) {
		t.Errorf("a damaged credential was passed over: %v", err)
	}
	if _, err := (rootkey.First{credential}).Create(t.Context()); err == nil {
		t.Error("a credential was created")
	}
}
