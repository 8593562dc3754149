package tpm_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/providertest"
	"github.com/seed-73b3884f/parsec-agent/providers/tpm"
	"github.com/seed-73b3884f/parsec-agent/providers/tpm/tpmtest"
)

// foreign is a TPM that tpm2-tools used before us. It serves one program at a time.
type foreign struct {
	t   *testing.T
	tpm *tpmtest.TPM
	dir string
}

func newForeign(t *testing.T) *foreign {
	t.Helper()
	if _, err := exec.LookPath("tpm2_encodeobject"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("tpm2_encodeobject is missing: install the Debian package tpm2-tools")
		}
		t.Skip("install the Debian package tpm2-tools")
	}
	return &foreign{t, tpmtest.StartTCP(t), t.TempDir()}
}

// tool runs a tool of tpm2-tools, and flushes what it leaves behind.
func (f *foreign) tool(args ...string) {
	f.t.Helper()
	f.run(args...)
	f.run("tpm2_flushcontext", "-t")
}

func (f *foreign) run(args ...string) string {
	f.t.Helper()
	cmd := exec.CommandContext(f.t.Context(), args[0], args[1:]...)
	cmd.Dir = f.dir
	tcti := f.tpm.TCTI()
	cmd.Env = append(os.Environ(), fmt.Sprintf("TPM2TOOLS_TCTI=swtpm:host=%s,port=%d", tcti.Host, tcti.Port))
	out, err := cmd.CombinedOutput()
	if err != nil {
		f.t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// parent makes a storage key.
func (f *foreign) parent(name string, args ...string) {
	f.t.Helper()
	f.tool(append([]string{"tpm2_createprimary", "-C", "o", "-c", name + ".ctx"}, args...)...)
}

const signAttributes = "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign"

// create makes a key below a parent, as NAME.pub and NAME.priv.
func (f *foreign) create(parent, name string, args ...string) {
	f.t.Helper()
	f.tool(append([]string{"tpm2_create", "-C", parent, "-u", name + ".pub", "-r", name + ".priv"}, args...)...)
}

// persist puts a key under a handle.
func (f *foreign) persist(parent, name, handle string) {
	f.t.Helper()
	f.tool("tpm2_load", "-C", parent, "-u", name+".pub", "-r", name+".priv", "-c", name+".ctx")
	f.tool("tpm2_evictcontrol", "-C", "o", "-c", name+".ctx", handle)
}

func (f *foreign) read(name string) []byte {
	f.t.Helper()
	b, err := os.ReadFile(filepath.Join(f.dir, name))
	if err != nil {
		f.t.Fatal(err)
	}
	return b
}

// pair is the content of a key in the two files of tpm2-tools.
func (f *foreign) pair(name string) []byte {
	f.t.Helper()
	return append(f.read(name+".pub"), f.read(name+".priv")...)
}

// state is all that can be read of the persistent objects.
func (f *foreign) state() string {
	f.t.Helper()
	handles := f.run("tpm2_getcap", "handles-persistent")
	var out strings.Builder
	for h := range strings.FieldsSeq(strings.NewReplacer("-", " ").Replace(handles)) {
		out.WriteString(h + "\n" + f.run("tpm2_readpublic", "-c", h))
	}
	return out.String()
}

// useAdopted does what the key is for.
func useAdopted(t *testing.T, p *tpm.Provider, k providers.Key) {
	t.Helper()
	alg := k.Attributes.Alg
	var err error
	switch {
	case alg.Kind.Signature():
		hash := bytes.Repeat([]byte{5}, alg.Hash.Size())
		var sig []byte
		if sig, err = p.SignHash(t.Context(), k, alg, hash); err == nil {
			err = p.VerifyHash(t.Context(), k, alg, hash, sig)
		}
	case alg.Kind.Encryption():
		var c, back []byte
		if c, err = p.AsymmetricEncrypt(t.Context(), k, alg, []byte("text"), nil); err == nil {
			back, err = p.AsymmetricDecrypt(t.Context(), k, alg, c, nil)
		}
		if err == nil && string(back) != "text" {
			t.Errorf("%s came back as %q", alg, back)
		}
	case alg.Kind == psa.AlgHMAC:
		var mac []byte
		if mac, err = p.MACCompute(t.Context(), k, alg, []byte("text")); err == nil {
			err = p.MACVerify(t.Context(), k, alg, []byte("text"), mac)
		}
	case alg.Kind == psa.AlgECDH:
		var point []byte
		if point, err = p.ExportPublicKey(t.Context(), k); err == nil {
			_, err = p.RawKeyAgreement(t.Context(), k, alg, point)
		}
	}
	if err != nil {
		t.Errorf("%s: %v", alg, err)
	}
}

func closed(t *testing.T, p *tpm.Provider) {
	t.Helper()
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
}

func ends(t *testing.T, what string, err error, status wire.Status, word string) {
	t.Helper()
	if wire.StatusOf(err) != status || !strings.Contains(fmt.Sprint(err), word) {
		t.Errorf("%s: %v, want status %d and %q", what, err, status, word)
	}
}

// TestAdoptPersistentKeys lists, adopts and uses what tpm2-tools put under handles. Nothing
// there changes but by Remove.
func TestAdoptPersistentKeys(t *testing.T) {
	f := newForeign(t)
	f.parent("prim")
	f.create("prim.ctx", "ecc", "-G", "ecc:ecdsa-sha256", "-a", signAttributes)
	f.create("prim.ctx", "any", "-G", "rsa2048")
	f.create("prim.ctx", "dh", "-G", "ecc384", "-a", "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|decrypt")
	f.create("prim.ctx", "mac", "-G", "hmac:sha256", "-a", signAttributes)
	f.create("prim.ctx", "locked", "-G", "ecc", "-p", "secret", "-a", signAttributes+"|noda")
	f.create("prim.ctx", "aes", "-G", "aes128")
	for i, name := range []string{"ecc", "any", "dh", "mac", "locked", "aes"} {
		f.persist("prim.ctx", name, fmt.Sprintf("0x8100001%d", i))
	}
	f.tool("tpm2_evictcontrol", "-C", "o", "-c", "prim.ctx", "0x81000001")
	before := f.state()

	o := tpm.Options{TCTI: f.tpm.TCTI(), Root: &tpmtest.Memory{}}
	p := open(t, o)
	found, more, err := p.Unnamed(t.Context(), nil)
	if err != nil || more || len(found) != 7 {
		t.Fatalf("the list is %v, more %v, %v", found, more, err)
	}
	list := map[string]string{}
	for _, one := range found {
		a := one.Attributes
		list[one.Locator] = one.Problem + fmt.Sprintf("%s %d %s %v", a.Type, a.Bits, a.Alg, a.Usage.Names())
	}
	for locator, want := range map[string]string{
		"handle:81000010": "ecc 256 ecdsa:sha256 [sign-message verify-message sign-hash verify-hash]",
		"handle:81000011": "rsa 2048 rsa-pkcs1:sha256", "handle:81000012": "ecc 384 ecdh [derive]",
		"handle:81000013": "hmac 0 hmac:sha256 [sign-message verify-message]", "handle:81000014": "ecc 256 ecdsa:sha256",
		"handle:81000015": "symmetric cipher", "handle:81000001": "it is a storage key",
	} {
		if !strings.HasPrefix(list[locator], want) && !strings.Contains(list[locator], want) {
			t.Errorf("%s is %q, want %q", locator, list[locator], want)
		}
	}
	var known []providers.KeyID
	for _, a := range []providers.Adoption{
		{Locator: "handle:81000010"},
		{Locator: "handle:0x81000011", Algorithm: psa.Algorithm{Kind: psa.AlgRSAOAEP, Hash: psa.HashSHA512}},
		{Locator: "handle:81000012"},
		{Locator: "handle:81000013"},
		{Locator: "handle:81000014", Auth: []byte("secret")},
	} {
		k := providertest.Adopt(t, p, a)
		for range 3 {
			useAdopted(t, p, k)
		}
		known = append(known, k.ID)
		a.Known = known
		_, _, err := p.AdoptKey(t.Context(), a)
		ends(t, a.Locator+" twice", err, wire.StatusAlreadyExists, "has a name already")
	}
	if found, _, err = p.Unnamed(t.Context(), known); err != nil || len(found) != 2 {
		t.Errorf("without a name are %v, %v", found, err)
	}
	if found, err := p.Examine(t.Context(), known); err != nil || len(found) != 1 {
		t.Errorf("the examination finds %v, %v", found, err)
	}

	_, _, err = p.AdoptKey(t.Context(), providers.Adoption{Locator: "handle:81000010", Algorithm: psa.Algorithm{Kind: psa.AlgECDSA, Hash: psa.HashSHA384}})
	ends(t, "another hash", err, wire.StatusNotPermitted, "it is made for ecdsa:sha256")
	_, _, err = p.AdoptKey(t.Context(), providers.Adoption{Locator: "handle:81000010", Algorithm: psa.Algorithm{Kind: psa.AlgECDH}})
	ends(t, "agreement with a signing key", err, wire.StatusNotPermitted, "it is made for ecdsa:sha256")
	_, _, err = p.AdoptKey(t.Context(), providers.Adoption{Locator: "handle:81000012", Algorithm: psa.Algorithm{Kind: psa.AlgECDSA, Hash: psa.HashSHA256}})
	ends(t, "signing with an agreement key", err, wire.StatusNotPermitted, "its attribute sign is not set")
	_, _, err = p.AdoptKey(t.Context(), providers.Adoption{Locator: "handle:81000010", Usage: psa.UsageDecrypt})
	ends(t, "decrypting with a signing key", err, wire.StatusNotPermitted, "do not allow decrypt")
	_, _, err = p.AdoptKey(t.Context(), providers.Adoption{Locator: "handle:81000014"})
	ends(t, "without the authorisation value", err, wire.StatusNotPermitted, "none was given")
	_, _, err = p.AdoptKey(t.Context(), providers.Adoption{Locator: "handle:81000014", Auth: []byte("wrong")})
	ends(t, "with a wrong one", err, wire.StatusNotPermitted, "authorisation value is wrong")
	_, _, err = p.AdoptKey(t.Context(), providers.Adoption{Locator: "handle:81000001"})
	ends(t, "a storage key", err, wire.StatusNotSupported, "it is a storage key")
	_, _, err = p.AdoptKey(t.Context(), providers.Adoption{Locator: "handle:81000099"})
	ends(t, "an empty handle", err, wire.StatusDoesNotExist, "no object at the handle 81000099")
	for _, locator := range []string{"handle:80000000", "handle:", "x", "", "file/parent:1"} {
		_, _, err = p.AdoptKey(t.Context(), providers.Adoption{Locator: locator, Content: nil})
		ends(t, locator, err, wire.StatusInvalidArgument, "")
	}

	// Another start, and a key of our own in between.
	closed(t, p)
	if after := f.state(); after != before {
		t.Errorf("the TPM has\n%s\nand had\n%s", after, before)
	}
	p = open(t, o)
	ecc := providers.Key{ID: known[0], Attributes: psa.Attributes{
		Type: psa.KeyECCPair, Curve: psa.CurveSECPR1, Bits: 256, Usage: signing, Alg: psa.Algorithm{Kind: psa.AlgECDSA, Hash: psa.HashSHA256},
	}}
	useAdopted(t, p, ecc)
	if got := p.Locate(ecc); got != "handle:81000010" {
		t.Errorf("the key is at %s", got)
	}
	removed, err := p.Remove(t.Context(), ecc)
	if err != nil || fmt.Sprint(removed) != "[persistent key handle:81000010]" {
		t.Errorf("removed %q, %v", removed, err)
	}
	hash := sha256.Sum256(nil)
	_, err = p.SignHash(t.Context(), ecc, ecc.Attributes.Alg, hash[:])
	ends(t, "a removed key", err, wire.StatusDoesNotExist, "no object at the handle 81000010 any more")
	closed(t, p)
	if after := f.state(); strings.Contains(after, "81000010") || !strings.Contains(after, "81000011") {
		t.Errorf("the TPM has\n%s", after)
	}

	// Another key under the handle is not taken for it.
	f.create("prim.ctx", "other", "-G", "ecc:ecdsa-sha256", "-a", signAttributes)
	f.persist("prim.ctx", "other", "0x81000010")
	p = open(t, o)
	_, err = p.SignHash(t.Context(), ecc, ecc.Attributes.Alg, hash[:])
	ends(t, "another key", err, wire.StatusDoesNotExist, "another object at the handle 81000010")
	_, err = p.Remove(t.Context(), ecc)
	ends(t, "removing another key", err, wire.StatusDoesNotExist, "another object")
	if found, err := p.Examine(t.Context(), known[:1]); err != nil || len(found) != 2 || !strings.Contains(found[0].Problem, "another object") {
		t.Errorf("the examination finds %v, %v", found, err)
	}
}

// TestAdoptKeyFiles adopts key files of other programs, below all parents that they use.
func TestAdoptKeyFiles(t *testing.T) {
	f := newForeign(t)
	srk := "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|noda|restricted|decrypt"
	for name, args := range map[string][]string{
		"tools-rsa": nil, "tools-ecc": {"-G", "ecc"}, "srk-rsa": {"-G", "rsa2048:aes128cfb", "-a", srk}, "srk-ecc": {"-G", "ecc:aes128cfb", "-a", srk},
	} {
		f.parent(name, args...)
		f.create(name+".ctx", name, "-G", "ecc", "-a", signAttributes)
	}
	f.tool("tpm2_encodeobject", "-C", "srk-ecc.ctx", "-u", "srk-ecc.pub", "-r", "srk-ecc.priv", "-o", "hierarchy.pem")
	f.parent("own", "-g", "sha384", "-G", "ecc", "-a", srk)
	f.tool("tpm2_evictcontrol", "-C", "o", "-c", "own.ctx", "0x81000002")
	f.create("0x81000002", "child", "-G", "rsa2048", "-p", "password", "-a", signAttributes)
	f.tool("tpm2_encodeobject", "-C", "0x81000002", "-u", "child.pub", "-r", "child.priv", "-o", "child.pem", "-p")
	before := f.state()

	o := tpm.Options{TCTI: f.tpm.TCTI(), Root: &tpmtest.Memory{}}
	p := open(t, o)
	own := providers.Key{ID: nil, Attributes: ecc(256)}
	var err error
	if own.ID, err = p.GenerateKey(t.Context(), own.Attributes); err != nil {
		t.Fatal(err)
	}
	var keys []providers.Key
	for what, a := range map[string]providers.Adoption{
		"a pair below tpm2-tools' RSA parent": {Locator: "file", Content: f.pair("tools-rsa")},
		"a pair below tpm2-tools' ECC parent": {Locator: "file", Content: f.pair("tools-ecc")},
		"a pair below an RSA SRK":             {Locator: "file", Content: f.pair("srk-rsa")},
		"a PEM below an ECC SRK":              {Locator: "file", Content: f.read("hierarchy.pem")},
		"a PEM below a handle":                {Locator: "file", Content: f.read("child.pem"), Auth: []byte("password")},
	} {
		a.Usage = psa.UsageSignHash
		t.Run(what, func(t *testing.T) {
			k := providertest.Adopt(t, p, a)
			k.Attributes.Usage = signing
			useAdopted(t, p, k)
			sign(t, p, own)
			useAdopted(t, p, k)
			keys = append(keys, k)
			a.Known = []providers.KeyID{k.ID}
			_, _, err := p.AdoptKey(t.Context(), a)
			ends(t, "twice", err, wire.StatusAlreadyExists, "has a name already")
		})
	}
	k := providertest.Adopt(t, p, providers.Adoption{Locator: "file/parent:81000002", Content: f.pair("child"), Auth: []byte("password")})
	if got := p.Locate(k); got != "file/parent:81000002" {
		t.Errorf("the key is at %s", got)
	}
	useAdopted(t, p, k)
	_, _, err = p.AdoptKey(t.Context(), providers.Adoption{Locator: "file", Content: f.read("child.pem"), Auth: []byte("wrong")})
	ends(t, "a wrong password", err, wire.StatusNotPermitted, "authorisation value is wrong")
	_, _, err = p.AdoptKey(t.Context(), providers.Adoption{Locator: "file", Content: f.pair("child")})
	ends(t, "no parent said", err, wire.StatusNotSupported, "below none of the usual parents")
	for what, content := range map[string][]byte{
		"nothing": nil, "text": []byte("hello"), "another PEM": []byte("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
		"public alone": f.read("child.pub"), "cut": f.pair("child")[:100], "too long": make([]byte, 20<<10), "DER": {0x30, 0},
	} {
		_, _, err := p.AdoptKey(t.Context(), providers.Adoption{Locator: "file", Content: content})
		ends(t, what, err, wire.StatusInvalidArgument, "key file")
	}
	damaged := f.pair("srk-rsa")
	damaged[len(damaged)-1] ^= 1
	_, _, err = p.AdoptKey(t.Context(), providers.Adoption{Locator: "file", Content: damaged})
	ends(t, "damaged", err, wire.StatusNotSupported, "below none of the usual parents")

	// All of them after another start.
	closed(t, p)
	if after := f.state(); after != before {
		t.Errorf("the TPM has\n%s\nand had\n%s", after, before)
	}
	p = open(t, o)
	for range 2 {
		for _, k := range append(keys, k) {
			useAdopted(t, p, k)
		}
		sign(t, p, own)
	}
	if removed, err := p.Remove(t.Context(), k); err != nil || len(removed) != 1 {
		t.Errorf("removed %q, %v", removed, err)
	}
	closed(t, p)
	if after := f.state(); after != before {
		t.Errorf("removing a key file changed the TPM:\n%s", after)
	}
}
