//go:build interop

package interop

import (
	"bytes"
	"path/filepath"
	"slices"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/agentd/agentdtest"
	"github.com/seed-73b3884f/parsec-agent/interop/original"
	"github.com/seed-73b3884f/parsec-agent/interop/socket"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/psa/psapb"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// serviceUID is the user that both services run as, one after the other.
const serviceUID = 4711

// onlyOurs are the recorded keys that the original can make and not use: each has a row
// in Differences.
var onlyOurs = map[string]string{
	"det_ecdsa": "software-deterministic-ecdsa", "des3_cbc": "software-cipher", "hmac_sha256": "software-policy-of-row",
	"cmac_trunc8": "software-policy-of-row",
}

// generated are keys that a service makes.
var generated = map[string]psa.Attributes{
	"gen p256":  signing(psa.KeyECCPair, psa.CurveSECPR1, 256, psa.Algorithm{Kind: psa.AlgECDSA, Hash: psa.HashSHA256}),
	"gen p521":  signing(psa.KeyECCPair, psa.CurveSECPR1, 521, psa.Algorithm{Kind: psa.AlgECDSA, Hash: psa.HashSHA512}),
	"gen k256":  signing(psa.KeyECCPair, psa.CurveSECPK1, 256, psa.Algorithm{Kind: psa.AlgECDSA, Hash: psa.HashSHA256}),
	"gen bp384": signing(psa.KeyECCPair, psa.CurveBrainpoolPR1, 384, psa.Algorithm{Kind: psa.AlgECDSA, Hash: psa.HashSHA384}),
	"gen rsa":   signing(psa.KeyRSAPair, psa.CurveNone, 2048, psa.Algorithm{Kind: psa.AlgRSAPKCS1v15Sign, Hash: psa.HashSHA256}),
	"gen pss":   signing(psa.KeyRSAPair, psa.CurveNone, 1024, psa.Algorithm{Kind: psa.AlgRSAPSS, Hash: psa.HashAny}),
}

func signing(t psa.KeyType, c psa.Curve, bits uint64, alg psa.Algorithm) psa.Attributes {
	return psa.Attributes{
		Type: t, Curve: c, Bits: bits, Alg: alg, Usage: (psa.UsageSignHash | psa.UsageVerifyHash | psa.UsageExport).Expand(),
	}
}

// TestTakeover makes a state directory with the real service, serves it with ours in
// place, and gives it back.
func TestTakeover(t *testing.T) {
	tree := openTree(t)
	for _, manager := range []string{"SQLite", "OnDisk"} {
		t.Run(manager, func(t *testing.T) {
			dir := sharedDir(t, tree, serviceUID)
			o := &takeover{
				t: t, tree: tree, file: loadKIM(t), settings: original.Settings{Dir: dir, Manager: manager, IdleSleep: 1},
				session: socket.Session{Path: dir + "/parsec.sock", Provider: wire.ProviderMbedCrypto}, public: map[string][]byte{},
			}
			o.made()
			o.taken()
			o.givenBack()
		})
	}
}

// takeover is one state directory on its way.
type takeover struct {
	t        *testing.T
	tree     *original.Tree
	file     kimFile
	settings original.Settings
	session  socket.Session
	public   map[string][]byte // of generated keys
}

// start starts the real service.
func (o *takeover) start() *agentdtest.Process {
	o.t.Helper()
	p, err := o.tree.Start(o.t.Context(), o.settings, serviceUID, nil)
	if err != nil {
		o.t.Fatal(err)
	}
	return p
}

func (o *takeover) stop(p *agentdtest.Process) {
	o.t.Helper()
	if err := p.Stop(); err != nil {
		o.t.Errorf("%v\n%s", err, p.Log())
	}
}

// fill imports the recorded keys and generates others, under names with a prefix.
func (o *takeover) fill(prefix string) {
	o.t.Helper()
	for _, k := range o.file.Keys {
		m := &psapb.ImportKey{}
		if err := psa.Unmarshal(unhex(o.t, k.Import), m); err != nil {
			o.t.Fatal(err)
		}
		m.KeyName = prefix + m.GetKeyName()
		if err := o.session.Do(o.t.Context(), wire.OpImportKey, m, nil); err != nil {
			o.t.Fatalf("importing %s: %v", m.GetKeyName(), err)
		}
	}
	for name, a := range generated {
		attrs, err := psa.EncodeAttributes(a)
		if err != nil {
			o.t.Fatal(err)
		}
		m := &psapb.GenerateKey{KeyName: prefix + name, Attributes: attrs}
		if err := o.session.Do(o.t.Context(), wire.OpGenerateKey, m, nil); err != nil {
			o.t.Fatalf("generating %s: %v", m.GetKeyName(), err)
		}
		o.public[m.GetKeyName()] = o.export(m.GetKeyName())
	}
}

func (o *takeover) export(name string) []byte {
	o.t.Helper()
	out := &psapb.Output{}
	if err := o.session.Do(o.t.Context(), wire.OpExportPublicKey, &psapb.KeyRef{KeyName: name}, out); err != nil {
		o.t.Fatalf("exporting %s: %v", name, err)
	}
	return out.GetOutput()
}

// use uses the keys with a prefix, but for some.
func (o *takeover) use(prefix string, except map[string]string) {
	o.t.Helper()
	u := &using{t: o.t, session: o.session}
	for _, k := range o.file.Keys {
		if _, skip := except[k.Name]; !skip {
			k.Name = prefix + k.Name
			o.t.Run(k.Name, func(t *testing.T) { u.use(t, k) })
		}
	}
	for name, a := range generated {
		o.t.Run(prefix+name, func(t *testing.T) {
			if got := o.export(prefix + name); !bytes.Equal(got, o.public[prefix+name]) {
				t.Errorf("public key %x, was %x", got, o.public[prefix+name])
			}
			k := &usedKey{u: u, t: t, name: prefix + name, attrs: a}
			alg, op := k.operation()
			digest := bytes.Repeat([]byte{1}, op.Hash.Size())
			k.verifies(alg, digest, k.must(wire.OpSignHash, &psapb.Sign{KeyName: k.name, Alg: alg, Input: digest}))
		})
	}
}

// made is the real service making its state.
func (o *takeover) made() {
	o.t.Helper()
	p := o.start()
	defer o.stop(p)
	o.fill("")
	o.use("", onlyOurs)
}

// taken is our agent on the state: old keys work, all of them, and new ones are made.
func (o *takeover) taken() {
	o.t.Helper()
	before := o.keyFiles()
	a := agentdtest.Start(o.t, agentdtest.Options{Dir: o.settings.Dir, Config: o.settings.Config(), UID: serviceUID})
	o.use("", nil)
	o.fill("new-")
	o.use("new-", nil)
	// The original would not start on a cipher policy, its own keys included.
	for _, name := range []string{"des3_cbc", "new-des3_cbc"} {
		if err := o.session.Do(o.t.Context(), wire.OpDestroyKey, &psapb.KeyRef{KeyName: name}, nil); err != nil {
			o.t.Errorf("destroying %s: %v", name, err)
		}
	}
	a.Stop()
	if after := o.keyFiles(); len(after) != 2*len(before)-2 {
		o.t.Errorf("%d key files became %d, want twice as many but 2", len(before), len(after))
	}
}

func (o *takeover) keyFiles() []string {
	o.t.Helper()
	files, err := filepath.Glob(o.settings.Dir + "/*.psa_its")
	if err != nil {
		o.t.Fatal(err)
	}
	return files
}

// givenBack is the real service on what ours left: it starts, deletes nothing, and uses
// old and new keys.
func (o *takeover) givenBack() {
	o.t.Helper()
	before := o.names()
	p := o.start()
	defer o.stop(p)
	if after := o.list(); !slices.Equal(before, after) {
		o.t.Errorf("the original lists %q, ours left %q", after, before)
	}
	o.use("", onlyOurs)
	o.use("new-", onlyOurs)
	if got := o.keyFiles(); len(got) != len(before) {
		o.t.Errorf("%d key files for %d keys", len(got), len(before))
	}
}

// names are the keys that there should be in the end.
func (o *takeover) names() []string {
	var all []string
	for _, prefix := range []string{"", "new-"} {
		for _, k := range o.file.Keys {
			if k.Name != "des3_cbc" {
				all = append(all, prefix+k.Name)
			}
		}
		for name := range generated {
			all = append(all, prefix+name)
		}
	}
	slices.Sort(all)
	return all
}

func (o *takeover) list() []string {
	o.t.Helper()
	m := &psapb.ListKeysResult{}
	if err := o.session.Do(o.t.Context(), wire.OpListKeys, nil, m); err != nil {
		o.t.Fatal(err)
	}
	var names []string
	for _, k := range m.GetKeys() {
		names = append(names, k.GetName())
	}
	slices.Sort(names)
	return names
}
