package pkcs11_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/tokentest"
	"github.com/seed-73b3884f/parsec-agent/providers/providertest"
)

// made is a token on which pkcs11-tool made keys.
type made struct {
	*tokentest.SoftHSM
	t *testing.T
}

func newMade(t *testing.T) made {
	t.Helper()
	h := tokentest.New(t)
	h.Token("adoption")
	return made{h, t}
}

// tool runs pkcs11-tool logged in.
func (m made) tool(args ...string) string {
	m.t.Helper()
	return m.Tool(append([]string{"--login", "--pin", tokentest.PIN}, args...)...)
}

func (m made) generate(kind, id, label string) {
	m.t.Helper()
	m.tool("--keypairgen", "--key-type", kind, "--id", id, "--label", label)
}

// certificate writes a certificate for a key beside it.
func (m made) certificate(p *pkcs11.Provider, key providers.Key, id string) []byte {
	m.t.Helper()
	point, err := p.ExportPublicKey(m.t.Context(), key)
	if err != nil {
		m.t.Fatal(err)
	}
	public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		m.t.Fatal(err)
	}
	ca, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		m.t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "beside"}, NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<33, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, ca)
	if err != nil {
		m.t.Fatal(err)
	}
	m.write(der, "cert", id)
	return der
}

func (m made) write(content []byte, kind, id string) {
	m.t.Helper()
	path := filepath.Join(m.t.TempDir(), "object")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		m.t.Fatal(err)
	}
	m.tool("--write-object", path, "--type", kind, "--id", id, "--label", "from outside")
}

func unnamed(t *testing.T, p *pkcs11.Provider, known ...providers.KeyID) map[string]providers.Found {
	t.Helper()
	found, more, err := p.Unnamed(t.Context(), known)
	if err != nil || more {
		t.Fatalf("the list: more %v, %v", more, err)
	}
	all := map[string]providers.Found{}
	for _, f := range found {
		if _, twice := all[f.Locator]; twice {
			t.Errorf("two objects have the locator %s", f.Locator)
		}
		all[f.Locator] = f
	}
	return all
}

// TestAdoptForeignKeys lists, adopts and uses what pkcs11-tool made. Nothing on the token
// changes by it, and the list shrinks by what is known.
func TestAdoptForeignKeys(t *testing.T) {
	m := newMade(t)
	m.generate("EC:prime256v1", "01", "web server/ä")
	m.generate("rsa:2048", "0203", "both")
	m.generate("EC:secp384r1", "04", "large")
	m.tool("--keygen", "--key-type", "AES:32", "--id", "05", "--label", "box")
	p := open(t, options(t))
	before := m.snapshot()

	list := unnamed(t, p)
	for locator, want := range map[string]string{
		"id:01": "private key, ecc 256 ecdsa:sha256", "id:0203": "private key, rsa 2048 rsa-pkcs1:sha256",
		"id:04": "private key, ecc 384 ecdsa:sha384", "id:05": "secret key, aes 256 gcm",
	} {
		f := list[locator]
		if got := fmt.Sprintf("%s, %s %d %s", f.Kind, f.Attributes.Type, f.Attributes.Bits, f.Attributes.Alg); got != want || f.Problem != "" {
			t.Errorf("%s is %q (%s), want %q", locator, got, f.Problem, want)
		}
	}
	if len(list) != 4 || list["id:01"].Label != "web server/ä" {
		t.Errorf("the list is %v", list)
	}

	var known []providers.KeyID
	for locator := range list {
		k := providertest.Adopt(t, p, providers.Adoption{Locator: locator, Known: known})
		known = append(known, k.ID)
		use(t, p, k)
		if got := p.Locate(k); !strings.HasPrefix(got, locator+"/type:") {
			t.Errorf("%s is at %s", locator, got)
		}
		_, _, err := p.AdoptKey(t.Context(), providers.Adoption{Locator: locator, Known: known})
		providertest.Status(t, "adopting twice", err, wire.StatusAlreadyExists)
	}
	if left := unnamed(t, p, known...); len(left) > 0 {
		t.Errorf("adopted keys are listed: %v", left)
	}
	if found, err := p.Examine(t.Context(), known); err != nil || len(found) > 0 {
		t.Errorf("the examination finds %v, %v", found, err)
	}
	if after := m.snapshot(); after != before {
		t.Errorf("the token changed:\n%s\nbefore:\n%s", after, before)
	}

	// Known to a provider that starts again, also by a key of our own.
	own := providertest.Generate(t, p, p256)
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	o := options(t)
	o.KnownIDs = append(known, own.ID)
	again := open(t, o)
	if left := unnamed(t, again, o.KnownIDs...); len(left) > 0 {
		t.Errorf("after a restart these have no name: %v", left)
	}
	if left := unnamed(t, again, known...); len(left) != 1 {
		t.Errorf("without our own key: %v", left)
	}
}

// use signs, encrypts or agrees.
func use(t *testing.T, p *pkcs11.Provider, k providers.Key) {
	t.Helper()
	alg := k.Attributes.Alg
	var err error
	switch {
	case alg.Kind.Signature():
		hash := make([]byte, alg.Hash.Size())
		var sig []byte
		if sig, err = p.SignHash(t.Context(), k, alg, hash); err == nil {
			err = p.VerifyHash(t.Context(), k, alg, hash, sig)
		}
		if err == nil {
			sig[len(sig)-1] ^= 1
			providertest.Status(t, "a wrong signature", p.VerifyHash(t.Context(), k, alg, hash, sig), wire.StatusInvalidSignature)
		}
	case alg.Kind.Encryption():
		var c, back []byte
		if c, err = p.AsymmetricEncrypt(t.Context(), k, alg, []byte("text"), nil); err == nil {
			back, err = p.AsymmetricDecrypt(t.Context(), k, alg, c, nil)
		}
		if err == nil && string(back) != "text" {
			t.Errorf("%s came back as %q", alg, back)
		}
	case alg.Kind.AEAD():
		var c []byte
		in := providers.AEADInput{Nonce: make([]byte, 12), Data: []byte("text")}
		if c, err = p.AEADEncrypt(t.Context(), k, alg, in); err == nil {
			in.Data = c
			in.Data, err = p.AEADDecrypt(t.Context(), k, alg, in)
		}
		if err == nil && string(in.Data) != "text" {
			t.Errorf("%s came back as %q", alg, in.Data)
		}
	}
	if err != nil {
		t.Errorf("%s: %v", alg, err)
	}
}

// snapshot is all that pkcs11-tool shows of the token.
func (m made) snapshot() string {
	m.t.Helper()
	return m.tool("--list-objects")
}

// TestAdoptionIsNeverWider: what an object does not allow is refused, and says why.
func TestAdoptionIsNeverWider(t *testing.T) {
	newMade(t)
	p := open(t, options(t))
	pkcs1 := psa.Algorithm{Kind: psa.AlgRSAPKCS1v15Sign, Hash: psa.HashSHA512}
	oaep := psa.Algorithm{Kind: psa.AlgRSAOAEP, Hash: psa.HashSHA256}
	pss := psa.Algorithm{Kind: psa.AlgRSAPSS, Hash: psa.HashSHA256}
	ecdh := psa.Algorithm{Kind: psa.AlgECDH}
	// pkcs11-tool leaves flags to the token, and SoftHSM2 then sets them all.
	for label, attrs := range map[string]psa.Attributes{
		"signs": {Type: psa.KeyRSAPair, Bits: 2048, Usage: psa.UsageSignHash, Alg: pkcs1}, "pss": {Type: psa.KeyRSAPair, Bits: 2048, Usage: psa.UsageSignHash, Alg: pss},
		"decrypts": {Type: psa.KeyRSAPair, Bits: 2048, Usage: psa.UsageDecrypt | psa.UsageEncrypt, Alg: oaep},
		"derives":  {Type: psa.KeyECCPair, Curve: psa.CurveSECPR1, Bits: 256, Usage: psa.UsageDerive, Alg: ecdh},
	} {
		if _, err := p.GenerateLabelled(t.Context(), attrs, label); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		locator string
		usage   psa.Usage
		alg     psa.Algorithm
		granted psa.Usage
		words   string
	}{
		{"label:signs", 0, psa.Algorithm{}, anySign | anyVerify, ""},
		{"label:signs", psa.UsageSignHash, pkcs1, anySign, ""},
		{"label:signs", psa.UsageVerifyHash, pkcs1, anyVerify, ""},
		{"label:signs", psa.UsageVerifyMessage, pkcs1, psa.UsageVerifyMessage, ""},
		{"label:signs", 0, pss, 0, "CKA_ALLOWED_MECHANISMS lack CKM_RSA_PKCS_PSS,"},
		{"label:signs", 0, oaep, 0, "CKA_ALLOWED_MECHANISMS lack CKM_RSA_X_509,"},
		{"label:signs", 0, psa.Algorithm{Kind: psa.AlgRSAPKCS1v15Crypt}, 0, "CKA_DECRYPT is not set"},
		{"label:signs", psa.UsageDecrypt, psa.Algorithm{}, 0, "rsa-pkcs1:sha256 its attributes do not allow decrypt"},
		{"label:signs", psa.UsageSignHash | psa.UsageDecrypt, pkcs1, 0, "do not allow decrypt"},
		{"label:signs", 0, ecdh, 0, "does not fit"},
		{"label:decrypts", 0, psa.Algorithm{}, psa.UsageEncrypt | psa.UsageDecrypt, ""},
		{"label:decrypts", psa.UsageDecrypt, oaep, psa.UsageDecrypt, ""},
		{"label:decrypts", 0, pkcs1, 0, "CKA_ALLOWED_MECHANISMS lack CKM_RSA_PKCS,"},
		{"label:decrypts", psa.UsageExport | psa.UsageDecrypt, oaep, 0, "do not allow export"},
		{"label:derives", 0, psa.Algorithm{}, psa.UsageDerive, ""},
		{"label:derives", 0, psa.Algorithm{Kind: psa.AlgECDSA, Hash: psa.HashSHA256}, 0, "CKA_ALLOWED_MECHANISMS lack CKM_ECDSA,"},
		{"label:derives", 0, psa.Algorithm{Kind: psa.AlgDeterministicECDSA, Hash: psa.HashSHA256}, 0, "not available on tokens"},
		{"label:pss", 0, psa.Algorithm{}, anySign | anyVerify, ""},
		{"label:pss", 0, pkcs1, 0, "CKA_ALLOWED_MECHANISMS lack CKM_RSA_PKCS,"},
	} {
		_, attrs, err := p.AdoptKey(t.Context(), providers.Adoption{Locator: c.locator, Usage: c.usage, Algorithm: c.alg})
		switch {
		case c.words == "" && (err != nil || attrs.Usage != c.granted || c.alg.Kind != 0 && attrs.Alg != c.alg):
			t.Errorf("%s for %v with %s: %+v, %v", c.locator, c.usage.Names(), c.alg, attrs, err)
		case c.words != "" && (err == nil || !strings.Contains(err.Error(), c.words)):
			t.Errorf("%s for %v with %s: %v, want %q", c.locator, c.usage.Names(), c.alg, err, c.words)
		}
	}
	if k := providertest.Adopt(t, p, providers.Adoption{Locator: "label:pss"}); k.Attributes.Alg != pss {
		t.Errorf("a key for PSS only is adopted for %s", k.Attributes.Alg)
	}
	use(t, p, providertest.Adopt(t, p, providers.Adoption{Locator: "label:decrypts"}))
}

const (
	anySign   = psa.UsageSignHash | psa.UsageSignMessage
	anyVerify = psa.UsageVerifyHash | psa.UsageVerifyMessage
)

// TestLocators: objects without an id, with the id of others, and with nothing of their own.
func TestLocators(t *testing.T) {
	m := newMade(t)
	m.generate("EC:prime256v1", "0a", "first")
	m.generate("EC:prime256v1", "0a", "second")
	m.generate("EC:prime256v1", "0b", "twin")
	m.generate("EC:prime256v1", "0b", "twin")
	m.tool("--keypairgen", "--key-type", "EC:prime256v1", "--label", "no id")
	m.tool("--keygen", "--key-type", "AES:16", "--id", "0c", "--label", "shared")
	m.generate("EC:prime256v1", "0c", "shared")
	p := open(t, options(t))
	list, _, err := p.Unnamed(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, f := range list {
		got[f.Locator] = f.Problem
	}
	for _, want := range []string{"id:0a/label:first", "id:0a/label:second", "label:no%20id", "id:0c/type:private", "id:0c/type:secret-key"} {
		if problem, ok := got[want]; !ok || problem != "" {
			t.Errorf("no key is at %s: %q in %v", want, problem, got)
			continue
		}
		use(t, p, providertest.Adopt(t, p, providers.Adoption{Locator: want}))
	}
	for locator, problem := range got {
		if strings.Contains(locator, "twin") && !strings.Contains(problem, "nothing tells it from other objects") {
			t.Errorf("%s has the problem %q", locator, problem)
		}
	}
	first := providertest.Adopt(t, p, providers.Adoption{Locator: "pkcs11:id=%0A;object=first;type=private"})
	second := providertest.Adopt(t, p, providers.Adoption{Locator: "id:0a/label:second", Known: []providers.KeyID{first.ID}})
	if bytes.Equal(first.ID, second.ID) {
		t.Error("two keys have one id")
	}
	for locator, want := range map[string]wire.Status{
		"id:0a": wire.StatusInvalidArgument, "id:0c": wire.StatusInvalidArgument, "id:ff": wire.StatusDoesNotExist,
		"id:0b/label:twin": wire.StatusInvalidArgument, "": wire.StatusInvalidArgument, "id:0": wire.StatusInvalidArgument,
		"id:0a/id:0a": wire.StatusInvalidArgument, "type:private": wire.StatusInvalidArgument, "0a": wire.StatusInvalidArgument,
		"pkcs11:token=x": wire.StatusInvalidArgument, "label:%zz": wire.StatusInvalidArgument, "id:0a/type:door": wire.StatusInvalidArgument,
	} {
		_, _, err := p.AdoptKey(t.Context(), providers.Adoption{Locator: locator})
		providertest.Status(t, locator, err, want)
	}
	_, _, err = p.AdoptKey(t.Context(), providers.Adoption{Locator: "id:0a/label:first", Content: []byte{1}})
	providertest.Status(t, "with a file", err, wire.StatusInvalidArgument)
}

// TestAdoptedCertificate: a certificate is listed with its key, known by the key's id, and alone
// where its key is not there.
func TestAdoptedCertificate(t *testing.T) {
	m := newMade(t)
	m.generate("EC:prime256v1", "01", "key")
	p := open(t, options(t))
	k := providertest.Adopt(t, p, providers.Adoption{Locator: "id:01"})
	if der, err := p.Certificate(t.Context(), k); err != nil || der != nil {
		t.Errorf("a key without a certificate has %x, %v", der, err)
	}
	want := m.certificate(p, k, "01")
	m.write(want, "cert", "77")
	p = reopen(t, p)
	if der, err := p.Certificate(t.Context(), k); err != nil || !bytes.Equal(der, want) {
		t.Errorf("the certificate is %x, %v", der, err)
	}
	list := unnamed(t, p)
	if f := list["id:01"]; !bytes.Equal(f.Certificate, want) {
		t.Errorf("the key is listed as %+v", f)
	}
	alone := list["id:77/label:from%20outside/type:cert"]
	if len(list) != 2 || alone.Kind != "certificate" || !strings.Contains(alone.Problem, "its key is not on the token") {
		t.Errorf("the list is %v", list)
	}
	if list := unnamed(t, p, k.ID); len(list) != 1 {
		t.Errorf("a certificate of a known key is listed: %v", list)
	}
	_, _, err := p.AdoptKey(t.Context(), providers.Adoption{Locator: "id:77"})
	providertest.Status(t, "a certificate alone", err, wire.StatusNotSupported)

	// The certificate stands for a public key that is not there.
	m.tool("--delete-object", "--type", "pubkey", "--id", "01")
	p = reopen(t, p)
	use(t, p, providertest.Adopt(t, p, providers.Adoption{Locator: "id:01"}))
	use(t, p, k)
	m.tool("--delete-object", "--type", "cert", "--id", "01")
	p = reopen(t, p)
	_, _, err = p.AdoptKey(t.Context(), providers.Adoption{Locator: "id:01"})
	providertest.Status(t, "a key that nothing shows the public half of", err, wire.StatusNotSupported)
	use(t, p, k) // adopted before: known by the serial number of the token
}

func reopen(t *testing.T, p *pkcs11.Provider) *pkcs11.Provider {
	t.Helper()
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	return open(t, options(t))
}

// TestAnotherKeyUnderTheID: a CKA_ID such as 01 is on many tokens; the adopted key is not taken
// for another.
func TestAnotherKeyUnderTheID(t *testing.T) {
	m := newMade(t)
	m.generate("EC:prime256v1", "01", "key")
	p := open(t, options(t))
	k := providertest.Adopt(t, p, providers.Adoption{Locator: "id:01"})
	for _, kind := range []string{"privkey", "pubkey"} {
		m.tool("--delete-object", "--type", kind, "--id", "01")
	}
	p = reopen(t, p)
	providertest.Status(t, "a key that is gone", sign(t, p, k), wire.StatusDoesNotExist)
	m.generate("EC:prime256v1", "01", "key")
	p = reopen(t, p)
	err := sign(t, p, k)
	providertest.Status(t, "another key", err, wire.StatusDoesNotExist)
	if err == nil || !strings.Contains(err.Error(), "another key with id:01") {
		t.Errorf("another key: %v", err)
	}
	_, err = p.Remove(t.Context(), k)
	providertest.Status(t, "removing another key", err, wire.StatusDoesNotExist)
	if found, err := p.Examine(t.Context(), []providers.KeyID{k.ID}); err != nil || len(found) != 1 {
		t.Errorf("the examination finds %v, %v", found, err)
	}
	m.generate("EC:prime256v1", "01", "third")
	p = reopen(t, p)
	providertest.Status(t, "two keys", sign(t, p, k), wire.StatusDataInvalid)
}

// TestRemoveAdopted removes the key and its public half, and nothing else.
func TestRemoveAdopted(t *testing.T) {
	m := newMade(t)
	m.generate("EC:prime256v1", "01", "goes")
	m.generate("EC:prime256v1", "02", "stays")
	p := open(t, options(t))
	k := providertest.Adopt(t, p, providers.Adoption{Locator: "id:01"})
	m.certificate(p, k, "01")
	p = reopen(t, p)
	providertest.Status(t, "destroying an adopted key", p.DestroyKey(t.Context(), k), wire.StatusInvalidEncoding)
	use(t, p, k)
	removed, err := p.Remove(t.Context(), k)
	if err != nil || strings.Join(removed, ", ") != "private key id:01, public key id:01/label:goes" {
		t.Errorf("removed %q, %v", removed, err)
	}
	providertest.Status(t, "a removed key", sign(t, p, k), wire.StatusDoesNotExist)
	text := m.snapshot()
	if strings.Contains(text, "goes") || strings.Count(text, "stays") != 2 || !strings.Contains(text, "Certificate Object") {
		t.Errorf("the token has\n%s", text)
	}
}

// TestLabels: keys that are made with a label have it where a login is needed to read it.
func TestLabels(t *testing.T) {
	m := newMade(t)
	p := open(t, options(t))
	label := "web/tls " + strings.Repeat("ä", 100)
	if _, err := p.GenerateLabelled(t.Context(), p256, label); err != nil {
		t.Fatal(err)
	}
	aes := psa.Attributes{Type: psa.KeyAES, Bits: 128, Usage: psa.UsageEncrypt | psa.UsageDecrypt, Alg: psa.Algorithm{Kind: psa.AlgGCM}}
	if _, err := p.ImportLabelled(t.Context(), aes, make([]byte, 16), "imported"); err != nil {
		t.Fatal(err)
	}
	inside, outside := m.snapshot(), m.Tool("--list-objects")
	if strings.Count(inside, "web/tls "+strings.Repeat("ä", 60)) != 1 || strings.Contains(inside, strings.Repeat("ä", 61)) ||
		strings.Count(inside, "imported") != 1 {
		t.Errorf("after a login:\n%s", inside)
	}
	if strings.Contains(outside, "web/tls") || !strings.Contains(outside, "Public Key Object") {
		t.Errorf("without a login:\n%s", outside)
	}
}

// TestReadOnlyToken: what cannot be written is listed, adopted and used.
func TestReadOnlyToken(t *testing.T) {
	m := newMade(t)
	m.generate("EC:prime256v1", "01", "key")
	shim := tokentest.NewShim(t)
	shim.Set("C_OpenSession protected", "C_GetTokenInfo flags 0x2")
	o := options(t)
	o.Library = shim.Library
	p := open(t, o)
	if list := unnamed(t, p); len(list) != 1 {
		t.Errorf("the list is %v", list)
	}
	k := providertest.Adopt(t, p, providers.Adoption{Locator: "id:01"})
	use(t, p, k)
	_, err := p.Remove(t.Context(), k)
	if err == nil {
		t.Error("a key is removed from a token that cannot be written")
	}
	mentions(t, err, "CKR_SESSION_READ_ONLY")
	use(t, p, k)
	_, err = p.GenerateKey(t.Context(), p256)
	mentions(t, err, "CKR_SESSION_READ_ONLY")
}

// TestRefusedLabel: a token that refuses labels gets keys without them, and nothing else less.
func TestRefusedLabel(t *testing.T) {
	m := newMade(t)
	shim := tokentest.NewShim(t)
	shim.Set("C_GenerateKeyPair attribute 0x3")
	o := options(t)
	log := &providertest.Logs{}
	o.Library, o.Logger = shim.Library, log.Logger()
	p := open(t, o)
	k, err := p.GenerateLabelled(t.Context(), p256, "web")
	if err != nil {
		t.Fatal(err)
	}
	use(t, p, providers.Key{ID: k, Attributes: p256})
	if n := shim.Count("C_GenerateKeyPair"); n != 2 {
		t.Errorf("%d templates were tried", n)
	}
	if text := log.String(); !strings.Contains(text, "left_out=CKA_LABEL ") {
		t.Errorf("the log is %s", text)
	}
	if strings.Contains(m.snapshot(), "web") {
		t.Error("the key has a label")
	}
}
