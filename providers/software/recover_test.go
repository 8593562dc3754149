package software_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/providertest"
	"github.com/seed-73b3884f/parsec-agent/providers/software"
)

// board is a Sealer in memory, until it dies. What a real one does is shown with a TPM.
type board struct {
	key  [chacha20poly1305.KeySize]byte
	dead bool
}

var errDead = errors.New("the board is dead")

func newBoard() *board {
	b := &board{}
	_, _ = rand.Read(b.key[:])
	return b
}

func (b *board) Seal(_ context.Context, secret []byte, _ []uint) ([]byte, error) {
	if b.dead {
		return nil, errDead
	}
	aead, err := chacha20poly1305.NewX(b.key[:])
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, aead.NonceSize())
	_, _ = rand.Read(nonce)
	return aead.Seal(nonce, nonce, secret, nil), nil
}

func (b *board) Unseal(_ context.Context, blob []byte) ([]byte, error) {
	if b.dead {
		return nil, errDead
	}
	aead, err := chacha20poly1305.NewX(b.key[:])
	if err != nil {
		return nil, err
	}
	if len(blob) < aead.NonceSize() {
		return nil, errors.New("too short")
	}
	return aead.Open(nil, blob[:aead.NonceSize()], blob[aead.NonceSize():], nil)
}

// on are the options of a store whose root key belongs into a board.
func (b *board) on(dir string) software.Options {
	home := software.RootKeySealed(dir, "tpm", nil, func() (software.Sealer, error) { return b, nil })
	return software.Options{KeyStorePath: dir, RootKey: software.FirstRootKey(software.StoredRootKeyFile(dir), home), Home: home}
}

func seal(t *testing.T, p *software.Provider) []byte {
	t.Helper()
	recovery := software.NewRecoveryKey()
	if _, err := p.SealRoot(t.Context(), recovery); err != nil {
		t.Fatal(err)
	}
	return recovery
}

func shut(t *testing.T, p *software.Provider) {
	t.Helper()
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestSealStates goes through every state of the disk that sealing passes, the first time
// and again, with the board alive and dead.
func TestSealStates(t *testing.T) {
	alive := newBoard()
	dir := t.TempDir()
	p := open(t, alive.on(dir))
	key := providertest.Generate(t, p, p256)
	file := func(name string) []byte { return read(t, filepath.Join(dir, name)) }
	plain := file("root.key")
	first := seal(t, p)
	copy1, sealed1 := file("root.recovery"), file("root.sealed")
	second := seal(t, p)
	copy2, sealed2 := file("root.recovery"), file("root.sealed")
	shut(t, p)
	if got := list(t, dir); slices.Contains(got, "root.key") {
		t.Errorf("the plain root key stayed: %q", got)
	}
	for what, state := range map[string]struct {
		key, recovery, sealed []byte
		with                  []byte // the recovery key that opens
	}{
		"before":             {plain, nil, nil, nil},
		"copy written":       {plain, copy1, nil, first},
		"sealed":             {plain, copy1, sealed1, first},
		"done":               {nil, copy1, sealed1, first},
		"again, copy":        {nil, copy2, sealed1, second},
		"again, done":        {nil, copy2, sealed2, second},
		"recovered to file":  {plain, copy2, sealed2, second},
		"sealed file lost":   {nil, copy1, nil, first},
		"recovery copy lost": {nil, nil, sealed1, nil},
	} {
		t.Run(what, func(t *testing.T) {
			for name, content := range map[string][]byte{"root.key": state.key, "root.recovery": state.recovery, "root.sealed": state.sealed} {
				err := os.Remove(filepath.Join(dir, name))
				if content != nil {
					err = os.WriteFile(filepath.Join(dir, name), content, 0o600)
				}
				if err != nil && !errors.Is(err, os.ErrNotExist) {
					t.Fatal(err)
				}
			}
			for _, b := range []*board{alive, {dead: true}} {
				p := open(t, b.on(dir))
				if state.key != nil || state.sealed != nil && !b.dead {
					providertest.Exercise(t, p, key)
				} else {
					waiting(t, p, key)
				}
				shut(t, p)
			}
			if state.with == nil {
				return
			}
			p := open(t, software.Options{KeyStorePath: dir, RootKey: software.StoredRootKeyFile(dir), Home: software.StoredRootKeyFile(dir)})
			if state.key == nil {
				waiting(t, p, key)
			}
			if _, err := p.RecoverRoot(t.Context(), state.with); err != nil {
				t.Fatal(err)
			}
			providertest.Exercise(t, p, key)
			if !bytes.Equal(file("root.key"), plain) {
				t.Error("the root key that came back is another one")
			}
		})
	}
}

// waiting shows a provider that runs without its root key, and makes none.
func waiting(t *testing.T, p *software.Provider, key providers.Key) {
	t.Helper()
	hash := make([]byte, 32)
	_, err := p.SignHash(t.Context(), key, p256.Alg, hash)
	providertest.Status(t, "sign", err, wire.StatusBadState)
	if e, ok := errors.AsType[*wire.Error](err); !ok || !strings.Contains(e.Remedy, "parsecctl key recover") {
		t.Errorf("%v", err)
	}
	_, err = p.GenerateKey(t.Context(), p256)
	providertest.Status(t, "generate", err, wire.StatusBadState)
	found, err := p.Examine(t.Context(), []providers.KeyID{key.ID})
	if err != nil || len(found) == 0 || found[0].Object != "root key" || found[0].Remedy != "parsecctl key recover" {
		t.Errorf("%+v, %v", found, err)
	}
	for _, f := range found[1:] {
		if f.Severity == "error" {
			t.Errorf("%+v", f)
		}
	}
}

// TestSealRefusals: what fails changes nothing.
func TestSealRefusals(t *testing.T) {
	b := newBoard()
	dir := t.TempDir()
	p := open(t, b.on(dir))
	key := providertest.Generate(t, p, p256)
	recovery := seal(t, p)
	before := contents(t, dir)
	unchanged := func(what string, err error, want wire.Status, reason string) {
		t.Helper()
		providertest.Status(t, what, err, want)
		if err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("%s: %v, want %q", what, err, reason)
		}
		if !slices.Equal(contents(t, dir), before) {
			t.Errorf("%s changed the store", what)
		}
		providertest.Exercise(t, p, key)
	}
	typo := bytes.Clone(recovery)
	typo[8] = map[bool]byte{true: 'A', false: 'B'}[typo[8] != 'A']
	_, err := p.RecoverRoot(t.Context(), typo)
	unchanged("typo", err, wire.StatusInvalidArgument, "group 2 of the recovery key is mistyped")
	_, err = p.RecoverRoot(t.Context(), software.NewRecoveryKey())
	unchanged("another recovery key", err, wire.StatusInvalidArgument, "not the recovery key of this store")
	_, err = p.SealRoot(t.Context(), typo)
	unchanged("sealing with a typo", err, wire.StatusInvalidArgument, "mistyped")
	b.dead = true
	_, err = p.RecoverRoot(t.Context(), recovery)
	unchanged("a dead board", err, wire.StatusStorageFailure, "cannot keep the root key")
	b.dead = false
	good := read(t, filepath.Join(dir, "root.recovery"))
	for _, bad := range [][]byte{good[:50], append(bytes.Clone(good[:103]), good[103]^1)} {
		if err := os.WriteFile(filepath.Join(dir, "root.recovery"), bad, 0o600); err != nil {
			t.Fatal(err)
		}
		before = contents(t, dir)
		_, err = p.RecoverRoot(t.Context(), recovery)
		unchanged("a damaged copy", err, wire.StatusDataInvalid, "recovery copy")
	}
	if err := os.Remove(filepath.Join(dir, "root.recovery")); err != nil {
		t.Fatal(err)
	}
	before = contents(t, dir)
	_, err = p.RecoverRoot(t.Context(), recovery)
	unchanged("no copy", err, wire.StatusDoesNotExist, "no copy of the root key")
	other := open(t, software.Options{KeyStorePath: t.TempDir()})
	_, err = other.SealRoot(t.Context(), recovery)
	providertest.Status(t, "no TPM configured", err, wire.StatusNotSupported)
	_, err = other.RecoverRoot(t.Context(), recovery)
	providertest.Status(t, "a credential", err, wire.StatusNotSupported)
}

// TestForeignCopy: a copy of another root key than that of the key files is refused.
func TestForeignCopy(t *testing.T) {
	dirs := []string{t.TempDir(), t.TempDir()}
	var recovery []byte
	for _, dir := range dirs {
		p := open(t, newBoard().on(dir))
		providertest.Generate(t, p, p256)
		recovery = seal(t, p)
		shut(t, p)
	}
	if err := os.WriteFile(filepath.Join(dirs[0], "root.recovery"), read(t, filepath.Join(dirs[1], "root.recovery")), 0o600); err != nil {
		t.Fatal(err)
	}
	p := open(t, (&board{dead: true}).on(dirs[0]))
	before := contents(t, dirs[0])
	_, err := p.RecoverRoot(t.Context(), recovery)
	providertest.Status(t, "a foreign copy", err, wire.StatusDataInvalid)
	if !slices.Equal(contents(t, dirs[0]), before) {
		t.Error("the store changed")
	}
}

func contents(t *testing.T, dir string) []string {
	t.Helper()
	var all []string
	for _, name := range list(t, dir) {
		all = append(all, fmt.Sprintf("%s %x", name, read(t, filepath.Join(dir, name))))
	}
	return all
}
