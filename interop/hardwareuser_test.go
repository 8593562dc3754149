//go:build interop

package interop

import (
	"bytes"
	"crypto/sha256"
	"maps"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/seed-73b3884f/parsec-agent/agentd/agentdtest"
	"github.com/seed-73b3884f/parsec-agent/interop/original"
	"github.com/seed-73b3884f/parsec-agent/interop/socket"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/psa/psapb"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// hardwareUser is a caller of either service, in turn, on one state directory: what the one
// service signed or encrypted, the other one verifies or decrypts.
type hardwareUser struct {
	t       *testing.T
	session socket.Session
	// kinds are pairs that the original can make and use, by name.
	kinds map[string]psa.Attributes
	// label is the salt for OAEP.
	label []byte

	publics, signatures, ciphertexts map[string][]byte
}

const (
	hardwareSigning  = psa.UsageSignHash | psa.UsageVerifyHash | psa.UsageSignMessage | psa.UsageVerifyMessage
	hardwareCrypting = psa.UsageEncrypt | psa.UsageDecrypt
)

// hardwareKinds are pairs that the original makes on a token and in a TPM.
var hardwareKinds = map[string]psa.Attributes{
	"p256":  {Type: psa.KeyECCPair, Curve: psa.CurveSECPR1, Bits: 256, Usage: hardwareSigning, Alg: psa.Algorithm{Kind: psa.AlgECDSA, Hash: psa.HashSHA256}},
	"p384":  {Type: psa.KeyECCPair, Curve: psa.CurveSECPR1, Bits: 384, Usage: hardwareSigning, Alg: psa.Algorithm{Kind: psa.AlgECDSA, Hash: psa.HashSHA256}},
	"rsa":   {Type: psa.KeyRSAPair, Bits: 2048, Usage: hardwareSigning, Alg: psa.Algorithm{Kind: psa.AlgRSAPKCS1v15Sign, Hash: psa.HashSHA256}},
	"crypt": {Type: psa.KeyRSAPair, Bits: 1024, Usage: hardwareCrypting, Alg: psa.Algorithm{Kind: psa.AlgRSAPKCS1v15Crypt}},
}

// with returns the kinds with more.
func with(kinds, more map[string]psa.Attributes) map[string]psa.Attributes {
	all := maps.Clone(kinds)
	maps.Copy(all, more)
	return all
}

func newHardwareUser(t *testing.T, dir string, provider wire.ProviderID, kinds map[string]psa.Attributes) *hardwareUser {
	return &hardwareUser{
		t: t, session: socket.Session{Path: dir + "/parsec.sock", Provider: provider}, kinds: kinds,
		publics: map[string][]byte{}, signatures: map[string][]byte{}, ciphertexts: map[string][]byte{},
	}
}

// alternate returns what runs a function on the original, and on ours, on one state.
func alternate(t *testing.T, tree *original.Tree, s original.Settings, env []string) (theirs, ours func(func())) {
	t.Helper()
	theirs = func(f func()) {
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
	ours = func(f func()) {
		t.Helper()
		a := agentdtest.Start(t, agentdtest.Options{Dir: s.Dir, Config: s.Config(), Env: env})
		f()
		a.Stop()
	}
	return theirs, ours
}

// takeOver lets both services work in turn: the original makes keys, ours takes them over
// and makes more, both use and destroy what the other one made.
func (u *hardwareUser) takeOver(theirs, ours func(func())) {
	theirs(func() { u.make("theirs-"); u.use("theirs-") })
	ours(func() {
		u.use("theirs-")
		u.make("ours-")
		u.use("ours-")
	})
	theirs(func() {
		u.use("theirs-")
		u.use("ours-")
		u.destroy("ours-p256")
	})
	ours(func() {
		u.gone("ours-p256")
		u.destroy("theirs-p384")
		u.destroy("theirs-rsa-public")
	})
	theirs(func() { u.gone("theirs-p384"); u.gone("theirs-rsa-public") })
	u.list(theirs, ours)
}

// list compares what both say of what is left.
func (u *hardwareUser) list(theirs, ours func(func())) {
	u.t.Helper()
	var lists [2][]byte
	for i, side := range []func(func()){theirs, ours} {
		side(func() {
			m := &psapb.ListKeysResult{}
			if err := u.session.Do(u.t.Context(), wire.OpListKeys, nil, m); err != nil {
				u.t.Fatal(err)
			}
			lists[i], _ = psa.Marshal(m) // as it came
			if want := 2*(len(u.kinds)+2) - 3; len(m.GetKeys()) != want {
				u.t.Errorf("%d keys are left, want %d", len(m.GetKeys()), want)
			}
		})
	}
	if diff := sameSet(lists[0], lists[1], &psapb.ListKeysResult{}); diff != "" {
		u.t.Error(diff)
	}
}

func (u *hardwareUser) do(op wire.Opcode, in proto.Message) []byte {
	u.t.Helper()
	out := &psapb.Output{}
	if err := u.session.Do(u.t.Context(), op, in, out); err != nil {
		u.t.Fatalf("%v %v: %v", op, in, err)
	}
	return out.GetOutput()
}

func (u *hardwareUser) destroy(name string) {
	u.t.Helper()
	u.do(wire.OpDestroyKey, &psapb.KeyRef{KeyName: name})
}

// gone checks that a key that the other service destroyed is no more.
func (u *hardwareUser) gone(name string) {
	u.t.Helper()
	if err := u.session.Do(u.t.Context(), wire.OpExportPublicKey, &psapb.KeyRef{KeyName: name}, nil); wire.StatusOf(err) != wire.StatusDoesNotExist {
		u.t.Errorf("%s, which was destroyed: %v", name, err)
	}
}

// make makes a key of each kind, and imports the public half of two.
func (u *hardwareUser) make(prefix string) {
	u.t.Helper()
	for _, name := range slices.Sorted(maps.Keys(u.kinds)) {
		u.do(wire.OpGenerateKey, &psapb.GenerateKey{KeyName: prefix + name, Attributes: encoded(u.t, u.kinds[name])})
	}
	for name, typ := range map[string]psa.KeyType{"p256": psa.KeyECCPublic, "rsa": psa.KeyRSAPublic} {
		a := u.kinds[name]
		a.Type = typ
		if prefix == "ours-" {
			a.Bits = 0 // then a TPM's row gets the real size
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

// use signs, verifies, encrypts and decrypts with every key, also what the last user left,
// and leaves something for the next.
func (u *hardwareUser) use(prefix string) {
	u.t.Helper()
	for kind, a := range u.kinds {
		name := prefix + kind
		public := u.do(wire.OpExportPublicKey, &psapb.KeyRef{KeyName: name})
		if was, ok := u.publics[name]; ok && !bytes.Equal(was, public) {
			u.t.Errorf("%s has another public half than before", name)
		}
		u.publics[name] = public
		alg := encoded(u.t, a).GetKeyPolicy().GetKeyAlgorithm()
		if a.Alg.Kind.Signature() {
			u.sign(name, alg.GetAsymmetricSignature(), kind == "p256" || kind == "rsa")
		} else {
			u.decrypt(name, a, alg.GetAsymmetricEncryption())
		}
	}
}

func (u *hardwareUser) sign(name string, alg *psapb.AsymmetricSignature, public bool) {
	u.t.Helper()
	hash := sha256.Sum256([]byte(name))
	fresh := u.do(wire.OpSignHash, &psapb.Sign{KeyName: name, Alg: alg, Input: hash[:]})
	for _, signature := range [][]byte{u.signatures[name], fresh} {
		if signature == nil {
			continue
		}
		u.do(wire.OpVerifyHash, &psapb.Verify{KeyName: name, Alg: alg, Input: hash[:], Signature: signature})
		if public {
			u.do(wire.OpVerifyHash, &psapb.Verify{KeyName: name + "-public", Alg: alg, Input: hash[:], Signature: signature})
		}
	}
	u.signatures[name] = fresh
}

func (u *hardwareUser) decrypt(name string, a psa.Attributes, alg *psapb.AsymmetricEncryption) {
	u.t.Helper()
	var salt []byte
	if a.Alg.Kind == psa.AlgRSAOAEP {
		salt = u.label
	}
	fresh := u.do(wire.OpAsymmetricEncrypt, &psapb.AsymmetricCrypt{KeyName: name, Alg: alg, Input: []byte(name), Salt: salt})
	for _, c := range [][]byte{u.ciphertexts[name], fresh} {
		if c == nil {
			continue
		}
		if got := u.do(wire.OpAsymmetricDecrypt, &psapb.AsymmetricCrypt{KeyName: name, Alg: alg, Input: c, Salt: salt}); string(got) != name {
			u.t.Errorf("%s decrypts to %q", name, got)
		}
	}
	u.ciphertexts[name] = fresh
}
