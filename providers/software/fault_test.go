package software_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-73b3884f/parsec-agent/internal/disktest"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/providertest"
	"github.com/seed-73b3884f/parsec-agent/providers/software"
)

// failure checks an error of the storage: status, reason without a path, cause.
func failure(t *testing.T, what string, err error, want wire.Status, cause error, dir string) {
	t.Helper()
	providertest.Status(t, what, err, want)
	if !errors.Is(err, cause) {
		t.Errorf("%s: the cause of %v is not %v", what, err, cause)
	}
	if e, ok := errors.AsType[*wire.Error](err); !ok || strings.Contains(e.Error(), dir) || e.Reason == "" || e.Remedy == "" {
		t.Errorf("%s: the caller sees %#v", what, e)
	}
}

func TestFullDisk(t *testing.T) {
	for _, form := range []providers.Protection{providers.ProtectionEncrypted, providers.ProtectionCompatible} {
		t.Run(string(form), func(t *testing.T) {
			dir := disktest.Tiny(t)
			p := open(t, software.Options{KeyStorePath: dir, Storage: form})
			key := providertest.Generate(t, p, p256)
			disktest.Fill(t, dir)
			before, content := list(t, dir), read(t, fileOf(dir, key))

			_, err := p.GenerateKey(t.Context(), p256)
			failure(t, "generate", err, wire.StatusInsufficientStorage, unix.ENOSPC, dir)
			_, err = p.ImportKey(t.Context(), p256, bytes.Repeat([]byte{1}, 32))
			failure(t, "import", err, wire.StatusInsufficientStorage, unix.ENOSPC, dir)
			other := map[providers.Protection]providers.Protection{
				providers.ProtectionEncrypted: providers.ProtectionCompatible, providers.ProtectionCompatible: providers.ProtectionEncrypted,
			}[form]
			if err := p.Protect(t.Context(), key, other); err == nil {
				t.Error("rewrote a key on a full disk")
			}
			providertest.Exercise(t, p, key)
			if after := list(t, dir); !slices.Equal(before, after) {
				t.Errorf("the store became %q, was %q", after, before)
			}
			if !bytes.Equal(read(t, fileOf(dir, key)), content) {
				t.Error("the key file changed")
			}

			disktest.Free(t, dir)
			if err := p.Protect(t.Context(), key, other); err != nil {
				t.Errorf("with space again: %v", err)
			}
			providertest.Exercise(t, p, providertest.Generate(t, p, p256))
		})
	}
}

func TestFullDiskAtFirstStart(t *testing.T) {
	dir := disktest.Tiny(t)
	disktest.Fill(t, dir)
	_, err := software.Open(t.Context(), software.Options{KeyStorePath: dir})
	if !errors.Is(err, unix.ENOSPC) || !strings.Contains(err.Error(), "cannot create the root key in "+dir) {
		t.Error(err)
	}
	if names := list(t, dir); !slices.Equal(names, []string{"filler"}) {
		t.Errorf("the store holds %q", names)
	}
}

func TestReadOnlyStore(t *testing.T) {
	dir := disktest.Tiny(t)
	p := open(t, software.Options{KeyStorePath: dir})
	key := providertest.Generate(t, p, p256)
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, ".0000000000000002.psa_its.0123456789abcdef.tmp"), nil, 0o600)
	disktest.ReadOnly(t, dir)
	before := list(t, dir)
	var l providertest.Logs
	p = open(t, software.Options{KeyStorePath: dir, Logger: l.Logger()})
	providertest.Exercise(t, p, key)
	_, err := p.GenerateKey(t.Context(), p256)
	failure(t, "generate", err, wire.StatusStorageFailure, unix.EROFS, dir)
	failure(t, "protect", p.Protect(t.Context(), key, providers.ProtectionCompatible), wire.StatusStorageFailure, unix.EROFS, dir)
	failure(t, "destroy", p.DestroyKey(t.Context(), key), wire.StatusStorageFailure, unix.EROFS, dir)
	providertest.Exercise(t, p, key)
	if after := list(t, dir); !slices.Equal(before, after) {
		t.Errorf("the store became %q, was %q", after, before)
	}
	if !strings.Contains(l.String(), "cannot remove a temporary file") {
		t.Errorf("the log says %s", l.String())
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestForbiddenDirectory is a read-only directory for agents that are not root.
func TestForbiddenDirectory(t *testing.T) {
	if os.Geteuid() == 0 {
		return // permissions do not bind root; TestReadOnlyStore shows the same with a file system
	}
	dir := t.TempDir()
	p := open(t, software.Options{KeyStorePath: dir})
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	_, err := p.GenerateKey(t.Context(), p256)
	failure(t, "generate", err, wire.StatusStorageFailure, fs.ErrPermission, dir)
}

func TestMissingFile(t *testing.T) {
	dir := t.TempDir()
	p := open(t, software.Options{KeyStorePath: dir, KnownIDs: []providers.KeyID{keyWith(7).ID}})
	key := keyWith(7)
	_, err := p.SignHash(t.Context(), key, p256.Alg, make([]byte, 32))
	failure(t, "sign", err, wire.StatusInvalidHandle, fs.ErrNotExist, dir)
	if err.Error() != "the key file is missing from the key store" {
		t.Errorf("the reason is %q", err)
	}
	_, err = p.Protection(t.Context(), key)
	failure(t, "protection", err, wire.StatusInvalidHandle, fs.ErrNotExist, dir)
	providertest.Status(t, "destroy", p.DestroyKey(t.Context(), key), wire.StatusDoesNotExist)
	if got := idOf(providertest.Generate(t, p, p256)); got != 8 {
		t.Errorf("the id of a missing file was given out again: %d", got)
	}
}

// TestTampered changes every byte of both forms. An encrypted file never yields a key; a
// compatible one, which nothing protects, yields the same key, another valid one, or an error.
func TestTampered(t *testing.T) {
	dir := t.TempDir()
	p := open(t, software.Options{KeyStorePath: dir})
	key := providertest.Generate(t, p, p256)
	path := fileOf(dir, key)
	content := read(t, path)
	for i := range content {
		b := bytes.Clone(content)
		b[i] ^= 0x55
		write(t, path, b, 0o600)
		_, err := p.ExportPublicKey(t.Context(), key)
		providertest.Status(t, "use", err, wire.StatusDataCorrupt)
		_, err = p.ExportKey(t.Context(), key)
		providertest.Status(t, "export", err, wire.StatusDataCorrupt)
		if t.Failed() {
			t.Fatalf("byte %d", i)
		}
	}
	write(t, path, content, 0o600)
	providertest.Exercise(t, p, key)
	if err := p.Protect(t.Context(), key, providers.ProtectionCompatible); err != nil {
		t.Fatal(err)
	}
	content = read(t, path)
	for i := range 36 { // what follows is policy, which the row has, and the key
		b := bytes.Clone(content)
		b[i] ^= 0x55
		write(t, path, b, 0o600)
		_, err := p.ExportPublicKey(t.Context(), key)
		if s := wire.StatusOf(err); s != wire.StatusDataCorrupt && s != wire.StatusDataInvalid {
			t.Errorf("byte %d: %v", i, err)
		}
	}
	for n := range content {
		write(t, path, content[:n], 0o600)
		_, err := p.ExportPublicKey(t.Context(), key)
		providertest.Status(t, "a cut file", err, wire.StatusDataCorrupt)
	}
	if err := p.DestroyKey(t.Context(), key); err != nil {
		t.Errorf("a damaged key cannot be destroyed: %v", err)
	}
}

// TestInvalidKeyInFile has a whole file whose key is not one.
func TestInvalidKeyInFile(t *testing.T) {
	dir := t.TempDir()
	p := open(t, software.Options{KeyStorePath: dir, Storage: providers.ProtectionCompatible})
	key := providertest.Generate(t, p, p256)
	b := read(t, fileOf(dir, key))
	clear(b[52:])
	write(t, fileOf(dir, key), b, 0o600)
	_, err := p.ExportPublicKey(t.Context(), key)
	providertest.Status(t, "a scalar of zero", err, wire.StatusDataInvalid)
}

// TestSwappedFiles gives an encrypted file to another key.
func TestSwappedFiles(t *testing.T) {
	dir := t.TempDir()
	p := open(t, software.Options{KeyStorePath: dir})
	a, b := providertest.Generate(t, p, p256), providertest.Generate(t, p, p256)
	write(t, fileOf(dir, a), read(t, fileOf(dir, b)), 0o600)
	_, err := p.ExportKey(t.Context(), a)
	providertest.Status(t, "swapped", err, wire.StatusDataCorrupt)
}

func TestNotAFile(t *testing.T) {
	dir := t.TempDir()
	p := open(t, software.Options{KeyStorePath: dir})
	key := providertest.Generate(t, p, p256)
	path := fileOf(dir, key)
	elsewhere := filepath.Join(t.TempDir(), "moved")
	if err := os.Rename(path, elsewhere); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(elsewhere, path); err != nil {
		t.Fatal(err)
	}
	_, err := p.ExportKey(t.Context(), key)
	providertest.Status(t, "a link", err, wire.StatusDataCorrupt)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	write(t, path, make([]byte, 1<<20), 0o600)
	_, err = p.ExportKey(t.Context(), key)
	providertest.Status(t, "a large file", err, wire.StatusDataCorrupt)
}
