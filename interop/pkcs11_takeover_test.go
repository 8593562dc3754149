//go:build interop

package interop

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/agentd/agentdtest"
	"github.com/seed-73b3884f/parsec-agent/interop/original"
	"github.com/seed-73b3884f/parsec-agent/interop/socket"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/psa/psapb"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/tokentest"
)

// tokenKey is a key on the token, and what the one service made with it for the other.
type tokenKey struct {
	name              string
	attrs             psa.Attributes
	public, signature []byte
}

var tokenHash = bytes.Repeat([]byte{9}, 32)

// TestPKCS11TakeOver: keys that the original made on a token work under the same names with
// our agent, those that ours makes work with the original, and nothing is lost on the way.
func TestPKCS11TakeOver(t *testing.T) {
	tree := openTree(t)
	if err := tree.Need(t.Context(), tokentest.Library, "softhsm2"); err != nil {
		t.Fatal(err)
	}
	for _, manager := range []string{"SQLite", "OnDisk"} {
		t.Run(manager, func(t *testing.T) {
			h := tokentest.New(t)
			dir := sharedDir(t, tree, 0)
			h.Move(filepath.Join(dir, "softhsm"))
			h.Token("takeover")
			s := original.Settings{Dir: dir, Manager: manager, IdleSleep: 1, More: pkcs11Table("manager"), Env: []string{"SOFTHSM2_CONF=" + h.Config}}
			ecdsa := psa.Algorithm{Kind: psa.AlgECDSA, Hash: psa.HashSHA256}
			usage := psa.UsageSignHash | psa.UsageVerifyHash
			keys := []*tokenKey{
				{name: "p256", attrs: psa.Attributes{Type: psa.KeyECCPair, Curve: psa.CurveSECPR1, Bits: 256, Usage: usage, Alg: ecdsa}},
				{name: "p384", attrs: psa.Attributes{Type: psa.KeyECCPair, Curve: psa.CurveSECPR1, Bits: 384, Usage: usage, Alg: ecdsa}},
				{name: "rsa", attrs: psa.Attributes{
					Type: psa.KeyRSAPair, Bits: 2048, Usage: usage, Alg: psa.Algorithm{Kind: psa.AlgRSAPKCS1v15Sign, Hash: psa.HashSHA256},
				}},
			}
			session := socket.Session{Path: filepath.Join(dir, "parsec.sock"), Provider: wire.ProviderPKCS11}
			theirs := func(use func()) {
				t.Helper()
				p, err := tree.Start(t.Context(), s, 0, nil)
				if err != nil {
					t.Fatal(err)
				}
				use()
				if err := p.Stop(); err != nil {
					t.Errorf("the original: %v", err)
				}
			}
			ours := func(use func()) {
				t.Helper()
				a := agentdtest.Start(t, agentdtest.Options{Dir: dir, Config: s.Config(), Env: pkcs11Env(t, h)})
				use()
				a.Stop()
			}
			theirs(func() {
				for _, k := range keys {
					k.generate(t, session)
					k.use(t, session)
				}
			})
			own := &tokenKey{name: "ours", attrs: keys[0].attrs}
			ours(func() {
				for _, k := range keys {
					k.use(t, session)
				}
				own.generate(t, session)
				own.use(t, session)
			})
			keys = append(keys, own)
			theirs(func() {
				for _, k := range keys {
					k.use(t, session)
				}
				own.destroy(t, session)
			})
			ours(func() {
				for _, k := range keys[:3] {
					k.use(t, session)
				}
				if err := own.sign(t, session); wire.StatusOf(err) != wire.StatusDoesNotExist {
					t.Errorf("a key that the original destroyed: %v", err)
				}
			})
		})
	}
}

func (k *tokenKey) generate(t *testing.T, s socket.Session) {
	t.Helper()
	attrs, err := psa.EncodeAttributes(k.attrs)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Do(t.Context(), wire.OpGenerateKey, &psapb.GenerateKey{KeyName: k.name, Attributes: attrs}, nil); err != nil {
		t.Fatalf("generate %s: %v", k.name, err)
	}
}

func (k *tokenKey) destroy(t *testing.T, s socket.Session) {
	t.Helper()
	if err := s.Do(t.Context(), wire.OpDestroyKey, &psapb.KeyRef{KeyName: k.name}, nil); err != nil {
		t.Errorf("destroy %s: %v", k.name, err)
	}
}

func (k *tokenKey) alg(t *testing.T) *psapb.AsymmetricSignature {
	t.Helper()
	alg, err := psa.EncodeSignature(k.attrs.Alg)
	if err != nil {
		t.Fatal(err)
	}
	return alg
}

func (k *tokenKey) sign(t *testing.T, s socket.Session) error {
	t.Helper()
	out := &psapb.Output{}
	err := s.Do(t.Context(), wire.OpSignHash, &psapb.Sign{KeyName: k.name, Alg: k.alg(t), Input: tokenHash}, out)
	k.signature = out.GetOutput()
	return err
}

// use verifies what the other service signed, compares the public halves, and signs.
func (k *tokenKey) use(t *testing.T, s socket.Session) {
	t.Helper()
	out := &psapb.Output{}
	if err := s.Do(t.Context(), wire.OpExportPublicKey, &psapb.KeyRef{KeyName: k.name}, out); err != nil {
		t.Errorf("export %s: %v", k.name, err)
	}
	if k.public != nil && !bytes.Equal(k.public, out.GetOutput()) {
		t.Errorf("%s has the public half %x, had %x", k.name, out.GetOutput(), k.public)
	}
	k.public = out.GetOutput()
	if k.signature != nil {
		if err := s.Do(t.Context(), wire.OpVerifyHash, &psapb.Verify{KeyName: k.name, Alg: k.alg(t), Input: tokenHash, Signature: k.signature}, nil); err != nil {
			t.Errorf("verify what the other service signed with %s: %v", k.name, err)
		}
	}
	if err := k.sign(t, s); err != nil {
		t.Errorf("sign with %s: %v", k.name, err)
	}
}
