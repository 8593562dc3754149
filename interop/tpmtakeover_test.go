//go:build interop

package interop

import (
	"bytes"
	"crypto/sha256"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/seed-73b3884f/parsec-agent/agentd/agentdtest"
	"github.com/seed-73b3884f/parsec-agent/interop/original"
	"github.com/seed-73b3884f/parsec-agent/interop/socket"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/psa/psapb"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers/tpm/tpmtest"
)

// TestTPMTakeover makes keys in a TPM with the original, uses them with ours, makes more
// there, and uses all of them with the original again: state and TPM stay where they are.
func TestTPMTakeover(t *testing.T) {
	for _, manager := range []string{"SQLite", "OnDisk"} {
		t.Run(manager, func(t *testing.T) {
			tree := openTree(t)
			dir := sharedDir(t, tree, 0)
			v := tpmtest.StartTCP(t)
			s := original.Settings{Dir: dir, IdleSleep: 1, Timeout: 20000, Manager: manager, More: tpmConfig("manager", v.TCTI())}
			u := &tpmUser{t: t, session: socket.Session{Path: dir + "/parsec.sock", Provider: wire.ProviderTPM}, publics: map[string][]byte{}}

			theirs := func(f func()) {
				t.Helper()
				p, err := tree.Start(t.Context(), s, 0, nil)
				if err != nil {
					t.Fatal(err)
				}
				f()
				if err := p.Stop(); err != nil {
					t.Fatal(err)
				}
			}
			theirs(func() { u.make("theirs-"); u.use("theirs-") })
			a := agentdtest.Start(t, agentdtest.Options{Dir: dir, Config: s.Config()})
			u.use("theirs-")
			u.make("ours-")
			u.use("ours-")
			a.Stop()
			theirs(func() { u.use("theirs-"); u.use("ours-") })
		})
	}
}

// tpmUser is a caller of either service.
type tpmUser struct {
	t       *testing.T
	session socket.Session
	publics map[string][]byte
	cipher  map[string][]byte
}

func (u *tpmUser) do(op wire.Opcode, in proto.Message) []byte {
	u.t.Helper()
	out := &psapb.Output{}
	if err := u.session.Do(u.t.Context(), op, in, out); err != nil {
		u.t.Fatalf("%v %v: %v", op, in, err)
	}
	return out.GetOutput()
}

// tpmKinds are kinds of keys that the original can make and use in a TPM.
var tpmKinds = map[string]psa.Attributes{
	"p256":  {Type: psa.KeyECCPair, Curve: psa.CurveSECPR1, Bits: 256, Usage: tpmSigning, Alg: psa.Algorithm{Kind: psa.AlgECDSA, Hash: psa.HashSHA256}},
	"p384":  {Type: psa.KeyECCPair, Curve: psa.CurveSECPR1, Bits: 384, Usage: tpmSigning, Alg: psa.Algorithm{Kind: psa.AlgECDSA, Hash: psa.HashSHA256}},
	"rsa":   {Type: psa.KeyRSAPair, Bits: 2048, Usage: tpmSigning, Alg: psa.Algorithm{Kind: psa.AlgRSAPKCS1v15Sign, Hash: psa.HashSHA256}},
	"oaep":  {Type: psa.KeyRSAPair, Bits: 2048, Usage: tpmCrypting, Alg: psa.Algorithm{Kind: psa.AlgRSAOAEP, Hash: psa.HashSHA256}},
	"crypt": {Type: psa.KeyRSAPair, Bits: 1024, Usage: tpmCrypting, Alg: psa.Algorithm{Kind: psa.AlgRSAPKCS1v15Crypt}},
}

const (
	tpmSigning  = psa.UsageSignHash | psa.UsageVerifyHash | psa.UsageSignMessage | psa.UsageVerifyMessage
	tpmCrypting = psa.UsageEncrypt | psa.UsageDecrypt
)

// make makes a key of each kind, and imports the public half of one.
func (u *tpmUser) make(prefix string) {
	u.t.Helper()
	for name, a := range tpmKinds {
		u.do(wire.OpGenerateKey, &psapb.GenerateKey{KeyName: prefix + name, Attributes: encoded(u.t, a)})
	}
	for name, typ := range map[string]psa.KeyType{"p256": psa.KeyECCPublic, "rsa": psa.KeyRSAPublic} {
		a := tpmKinds[name]
		a.Type = typ
		if prefix == "ours-" {
			a.Bits = 0 // then the real size must reach the row
		}
		public := u.do(wire.OpExportPublicKey, &psapb.KeyRef{KeyName: prefix + name})
		u.do(wire.OpImportKey, &psapb.ImportKey{KeyName: prefix + name + "-public", Attributes: encoded(u.t, a), Data: public})
	}
}

func encoded(t *testing.T, a psa.Attributes) *psapb.KeyAttributes {
	t.Helper()
	m, err := psa.EncodeAttributes(a)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// use signs, verifies, encrypts and decrypts with every key; labels end in the zero byte
// that the original's TPM wants.
func (u *tpmUser) use(prefix string) {
	u.t.Helper()
	hash := sha256.Sum256([]byte(prefix))
	for name, a := range tpmKinds {
		public := u.do(wire.OpExportPublicKey, &psapb.KeyRef{KeyName: prefix + name})
		if was, ok := u.publics[prefix+name]; ok && !bytes.Equal(was, public) {
			u.t.Errorf("%s%s has another public half than before", prefix, name)
		}
		u.publics[prefix+name] = public
		alg := encoded(u.t, a).GetKeyPolicy().GetKeyAlgorithm()
		if a.Alg.Kind.Signature() {
			signature := u.do(wire.OpSignHash, &psapb.Sign{KeyName: prefix + name, Alg: alg.GetAsymmetricSignature(), Input: hash[:]})
			for _, suffix := range []string{"", "-public"} {
				if suffix == "" || name == "p256" || name == "rsa" {
					u.do(wire.OpVerifyHash, &psapb.Verify{KeyName: prefix + name + suffix, Alg: alg.GetAsymmetricSignature(), Input: hash[:], Signature: signature})
				}
			}
			continue
		}
		u.decrypt(prefix+name, a, alg.GetAsymmetricEncryption())
	}
}

// decrypt opens what the last user encrypted, and leaves something for the next.
func (u *tpmUser) decrypt(name string, a psa.Attributes, alg *psapb.AsymmetricEncryption) {
	u.t.Helper()
	var salt []byte
	if a.Alg.Kind == psa.AlgRSAOAEP {
		salt = []byte("label\x00")
	}
	if u.cipher == nil {
		u.cipher = map[string][]byte{}
	}
	fresh := u.do(wire.OpAsymmetricEncrypt, &psapb.AsymmetricCrypt{KeyName: name, Alg: alg, Input: []byte(name), Salt: salt})
	for _, c := range [][]byte{u.cipher[name], fresh} {
		if c == nil {
			continue
		}
		if got := u.do(wire.OpAsymmetricDecrypt, &psapb.AsymmetricCrypt{KeyName: name, Alg: alg, Input: c, Salt: salt}); string(got) != name {
			u.t.Errorf("%s decrypts to %q", name, got)
		}
	}
	u.cipher[name] = fresh
}
