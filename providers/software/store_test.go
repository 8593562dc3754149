package software_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/providertest"
	"github.com/seed-73b3884f/parsec-agent/providers/software"
)

func TestFirstID(t *testing.T) {
	p := open(t, software.Options{KeyStorePath: t.TempDir()})
	if got := idOf(providertest.Generate(t, p, p256)); got != 2 {
		t.Errorf("the first id is %d", got)
	}
	if got := idOf(providertest.Generate(t, p, p256)); got != 3 {
		t.Errorf("the second id is %d", got)
	}
}

func TestIDsAreNotReused(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "0000000000000005.psa_its"), []byte("rubbish"), 0o600)
	write(t, filepath.Join(dir, "00000000ffffff52.psa_its"), []byte("not a user key"), 0o600)
	write(t, filepath.Join(dir, "0000000100000009.psa_its"), []byte("not ours"), 0o600)
	known := []providers.KeyID{keyWith(9).ID, keyWith(4).ID, keyWith(0xffffffff).ID, {1, 2}}
	p := open(t, software.Options{KeyStorePath: dir, KnownIDs: known})
	key := providertest.Generate(t, p, p256)
	if idOf(key) != 10 {
		t.Errorf("the next id is %d, want 10", idOf(key))
	}
	if err := p.DestroyKey(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	if got := idOf(providertest.Generate(t, p, p256)); got != 11 {
		t.Errorf("the id after a destroyed key is %d", got)
	}
	if got := string(read(t, filepath.Join(dir, "0000000000000005.psa_its"))); got != "rubbish" {
		t.Errorf("a file was overwritten: %q", got)
	}
}

func TestFileThatAppearsIsNotOverwritten(t *testing.T) {
	dir := t.TempDir()
	p := open(t, software.Options{KeyStorePath: dir})
	write(t, filepath.Join(dir, "0000000000000002.psa_its"), []byte("foreign"), 0o600)
	if got := idOf(providertest.Generate(t, p, p256)); got != 3 {
		t.Errorf("the id is %d", got)
	}
	if got := string(read(t, filepath.Join(dir, "0000000000000002.psa_its"))); got != "foreign" {
		t.Errorf("a file was overwritten: %q", got)
	}
}

func TestIDsRunOut(t *testing.T) {
	dir := t.TempDir()
	p := open(t, software.Options{KeyStorePath: dir, KnownIDs: []providers.KeyID{keyWith(0x3ffffffe).ID}})
	if got := idOf(providertest.Generate(t, p, p256)); got != 0x3fffffff {
		t.Errorf("the last id is %x", got)
	}
	before := list(t, dir)
	for range 2 {
		_, err := p.GenerateKey(t.Context(), p256)
		providertest.Status(t, "generate", err, wire.StatusInsufficientMemory)
	}
	if after := list(t, dir); !slices.Equal(before, after) {
		t.Errorf("the store became %q", after)
	}
}

// TestOneProcess takes the lock as another process would, through an open file of its own.
func TestOneProcess(t *testing.T) {
	dir := t.TempDir()
	other, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := unix.Flock(int(other.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	_, err = software.Open(t.Context(), software.Options{KeyStorePath: dir})
	if want := "cannot open key store " + dir + ": another process has it open"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if names := list(t, dir); len(names) != 0 {
		t.Errorf("the store became %q", names)
	}
}

// TestReload opens the new provider before the old one is closed, as a reload does.
func TestReload(t *testing.T) {
	dir := t.TempDir()
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	old := open(t, software.Options{KeyStorePath: dir})
	first := providertest.Generate(t, old, p256)
	next := open(t, software.Options{KeyStorePath: link, KnownIDs: []providers.KeyID{first.ID}})
	keys := []providers.Key{first, providertest.Generate(t, next, p256), providertest.Generate(t, old, p256), providertest.Generate(t, next, p256)}
	for i, key := range keys {
		if int(idOf(key)) != i+2 {
			t.Errorf("key %d has id %d", i, idOf(key))
		}
		providertest.Exercise(t, old, key)
		providertest.Exercise(t, next, key)
	}
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := old.SignHash(t.Context(), first, p256.Alg, make([]byte, 32))
	providertest.Status(t, "use after close", err, wire.StatusBadState)
	providertest.Exercise(t, next, first)
	if lockable(t, dir) {
		t.Error("the lock was given up by the first of two")
	}
	if err := next.Close(); err != nil {
		t.Fatal(err)
	}
	if !lockable(t, dir) {
		t.Error("the lock was not given up by the last")
	}
}

func lockable(t *testing.T, dir string) bool {
	t.Helper()
	f, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil
}

func TestLeftoversAreRemovedAtStart(t *testing.T) {
	dir := t.TempDir()
	ours := []string{".0000000000000002.psa_its.0123456789abcdef.tmp", ".root.key.0123456789abcdef.tmp"}
	foreign := []string{"tempfile.psa_its", ".other.0123456789abcdef.tmp", ".0000000000000002.psa_its.tmp", "notes.txt"}
	for _, name := range append(slices.Clone(ours), foreign...) {
		write(t, filepath.Join(dir, name), []byte("x"), 0o600)
	}
	var l providertest.Logs
	open(t, software.Options{KeyStorePath: dir, Storage: providers.ProtectionCompatible, Logger: l.Logger()})
	slices.Sort(foreign)
	if got := list(t, dir); !slices.Equal(got, foreign) {
		t.Errorf("left are %q, want %q", got, foreign)
	}
	for _, name := range ours {
		if !strings.Contains(l.String(), name) {
			t.Errorf("%s was removed without a word", name)
		}
	}
}

// TestJoiningRemovesNothing: a provider that joins must not remove what another writes.
func TestJoiningRemovesNothing(t *testing.T) {
	dir := t.TempDir()
	open(t, software.Options{KeyStorePath: dir})
	name := ".0000000000000002.psa_its.0123456789abcdef.tmp"
	write(t, filepath.Join(dir, name), []byte("x"), 0o600)
	open(t, software.Options{KeyStorePath: dir})
	if !slices.Contains(list(t, dir), name) {
		t.Error("a file that may be being written was removed")
	}
}

func TestOpenRefuses(t *testing.T) {
	writable := t.TempDir()
	if err := os.Chmod(writable, 0o777); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, nil, 0o600)
	for want, o := range map[string]software.Options{
		"the software provider needs a key_store_path":                              {},
		`key_storage "plain" is neither "encrypted" nor "compatible"`:               {KeyStorePath: t.TempDir(), Storage: "plain"},
		"-1 keys cannot be cached":                                                  {KeyStorePath: t.TempDir(), CacheKeys: -1},
		writable + ": every local user can write to it; chmod it to 0700":           {KeyStorePath: writable},
		"cannot create key store " + file + ": mkdir " + file + ": not a directory": {KeyStorePath: file},
	} {
		_, err := software.Open(t.Context(), o)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v\nwant %s", err, want)
		}
	}
	if !lockable(t, writable) {
		t.Error("a refused store stays locked")
	}
}

func TestStoreIsCreated(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	open(t, software.Options{KeyStorePath: dir})
	st, err := os.Stat(dir)
	if err != nil || st.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", st, err)
	}
}
