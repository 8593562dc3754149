package software_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/providertest"
	"github.com/seed-73b3884f/parsec-agent/providers/software"
)

// fixed is a source whose key is given, as another package would write one.
type fixed byte

func (f fixed) Load(context.Context) (*software.RootKey, error) {
	if f == 0 {
		return nil, software.ErrNoRootKey
	}
	return software.NewRootKey(bytes.Repeat([]byte{byte(f)}, software.RootKeySize))
}

func (f fixed) String() string { return "the test's source" }

func TestRootKeyIsMadeOnce(t *testing.T) {
	dir := t.TempDir()
	o := software.Options{KeyStorePath: dir}
	p := open(t, o)
	made := read(t, filepath.Join(dir, "root.key"))
	key := providertest.Generate(t, p, p256)
	for range 2 {
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
		p = open(t, o)
		providertest.Exercise(t, p, key)
	}
	if !bytes.Equal(made, read(t, filepath.Join(dir, "root.key"))) {
		t.Error("the root key changed")
	}
}

// TestCompatibleNeedsNoRootKey: it is made when the first key is encrypted.
func TestCompatibleNeedsNoRootKey(t *testing.T) {
	dir := t.TempDir()
	p := open(t, software.Options{KeyStorePath: dir, Storage: providers.ProtectionCompatible})
	key := providertest.Generate(t, p, p256)
	providertest.Exercise(t, p, key)
	if names := list(t, dir); len(names) != 1 {
		t.Errorf("the store holds %q", names)
	}
	if err := p.Protect(t.Context(), key, providers.ProtectionEncrypted); err != nil {
		t.Fatal(err)
	}
	if names := list(t, dir); len(names) != 2 || names[1] != "root.key" {
		t.Errorf("the store holds %q", names)
	}
}

func TestLostRootKey(t *testing.T) {
	dir := t.TempDir()
	p := open(t, software.Options{KeyStorePath: dir, CacheKeys: 8})
	key := providertest.Generate(t, p, p256)
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, "root.key"), filepath.Join(dir, "elsewhere")); err != nil {
		t.Fatal(err)
	}
	before := list(t, dir)
	_, err := software.Open(t.Context(), software.Options{KeyStorePath: dir})
	if err == nil || !strings.Contains(err.Error(), "key store "+dir+" holds 1 key files encrypted under root key ") ||
		!strings.Contains(err.Error(), "no new one is made") {
		t.Errorf("opened without the root key: %v", err)
	}
	compatible := open(t, software.Options{KeyStorePath: dir, Storage: providers.ProtectionCompatible})
	_, err = compatible.ExportKey(t.Context(), key)
	providertest.Status(t, "use an encrypted key", err, wire.StatusStorageFailure)
	if !errors.Is(err, software.ErrNoRootKey) || strings.Contains(err.Error(), dir) {
		t.Errorf("the error is %v", err)
	}
	plain := providertest.Generate(t, compatible, p256)
	providertest.Status(t, "encrypt a key", compatible.Protect(t.Context(), plain, providers.ProtectionEncrypted), wire.StatusStorageFailure)
	providertest.Exercise(t, compatible, plain)
	if after := list(t, dir); len(after) != len(before)+1 {
		t.Errorf("the store became %q", after)
	}
}

func TestForeignRootKey(t *testing.T) {
	dir := t.TempDir()
	p := open(t, software.Options{KeyStorePath: dir, RootKey: fixed(1)})
	key := providertest.Generate(t, p, p256)
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := software.Open(t.Context(), software.Options{KeyStorePath: dir, RootKey: fixed(2)})
	if err == nil || !strings.Contains(err.Error(), "but the test's source has root key ") {
		t.Errorf("opened with a foreign root key: %v", err)
	}
	if !lockable(t, dir) {
		t.Error("a refused store stays locked")
	}
	// One key of the right root key is enough: the foreign file is that key's problem.
	p = open(t, software.Options{KeyStorePath: dir, RootKey: fixed(1)})
	mine := providertest.Generate(t, p, p256)
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	foreign := t.TempDir()
	q := open(t, software.Options{KeyStorePath: foreign, RootKey: fixed(2)})
	stranger := providertest.Generate(t, q, p256)
	write(t, fileOf(dir, key), read(t, fileOf(foreign, stranger)), 0o600)
	p = open(t, software.Options{KeyStorePath: dir, RootKey: fixed(1)})
	providertest.Exercise(t, p, mine)
	_, err = p.ExportKey(t.Context(), key)
	providertest.Status(t, "a key of another root key", err, wire.StatusDataCorrupt)
	if !strings.Contains(err.Error(), "is encrypted under root key") {
		t.Errorf("the error is %v", err)
	}
}

func TestNewerVersionForbidsNewRootKey(t *testing.T) {
	dir := t.TempDir()
	p := open(t, software.Options{KeyStorePath: dir})
	key := providertest.Generate(t, p, p256)
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	b := read(t, fileOf(dir, key))
	b[8] = 2 // the version
	write(t, fileOf(dir, key), b, 0o600)
	if err := os.Remove(filepath.Join(dir, "root.key")); err != nil {
		t.Fatal(err)
	}
	_, err := software.Open(t.Context(), software.Options{KeyStorePath: dir})
	if err == nil || !strings.Contains(err.Error(), "1 key files that cannot be read") {
		t.Errorf("made a root key beside files of a newer version: %v", err)
	}
}

func TestSourceThatCannotCreate(t *testing.T) {
	_, err := software.Open(t.Context(), software.Options{KeyStorePath: t.TempDir(), RootKey: fixed(0)})
	if !errors.Is(err, software.ErrNoRootKey) || !strings.Contains(err.Error(), "the test's source") {
		t.Error(err)
	}
}

func TestUnsafeRootKey(t *testing.T) {
	dir := t.TempDir()
	if err := open(t, software.Options{KeyStorePath: dir}).Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, "root.key"), 0o640); err != nil {
		t.Fatal(err)
	}
	_, err := software.Open(t.Context(), software.Options{KeyStorePath: dir})
	if err == nil || !strings.Contains(err.Error(), filepath.Join(dir, "root.key")+": not safe: mode 0640") {
		t.Errorf("opened with a root key that others can read: %v", err)
	}
}

func TestCredential(t *testing.T) {
	dir, credentials := t.TempDir(), t.TempDir()
	t.Setenv("CREDENTIALS_DIRECTORY", credentials)
	write(t, filepath.Join(credentials, "named"), bytes.Repeat([]byte("ab"), 32), 0o400)
	p := open(t, software.Options{KeyStorePath: dir, Credential: "named"})
	key := providertest.Generate(t, p, p256)
	if names := list(t, dir); len(names) != 1 {
		t.Errorf("the store holds %q", names)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	p = open(t, software.Options{KeyStorePath: dir, RootKey: fixed(0xab)})
	providertest.Exercise(t, p, key)
}
