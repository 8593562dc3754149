package providertest

import (
	"bytes"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
)

// testImport exports a key and imports it again, with and without its size.
func testImport(t *testing.T, p providers.Provider, key providers.Key) {
	exporter, exports := p.(providers.Exporter)
	importer, imports := p.(providers.Importer)
	if !exports || !imports || canImport(p, key.Attributes) != nil {
		return
	}
	u := user{t: t, p: p, key: key, name: Name(key.Attributes)}
	data, err := exporter.ExportKey(t.Context(), key)
	if !u.status("export", err, wire.StatusSuccess) {
		return
	}
	for _, bits := range []uint64{key.Attributes.Bits, 0} {
		attrs := key.Attributes
		attrs.Bits = bits
		id, err := importer.ImportKey(t.Context(), attrs, data)
		if !u.status("import", err, wire.StatusSuccess) {
			continue
		}
		copied := providers.Key{ID: id, Attributes: attrs}
		again, err := exporter.ExportKey(t.Context(), copied)
		if u.status("export again", err, wire.StatusSuccess) {
			u.equal("imported and exported", again, data)
		}
		if bits != 0 { // without a size the peers of an agreement cannot be generated
			Exercise(t, p, copied)
		}
		testDestroy(t, p, copied)
	}
	attrs := key.Attributes
	attrs.Bits += 8
	_, err = importer.ImportKey(t.Context(), attrs, data)
	if err == nil {
		t.Errorf("imported as a key of %d bits", attrs.Bits)
	}
	_, err = importer.ImportKey(t.Context(), key.Attributes, nil)
	u.status("import nothing", err, wire.StatusInvalidArgument)
	if key.Attributes.Type.Pair() {
		_, err = importer.ImportKey(t.Context(), key.Attributes, append(bytes.Clone(data), 0))
		if s := wire.StatusOf(err); s != wire.StatusInvalidArgument && s != wire.StatusNotSupported {
			t.Errorf("import with a trailing byte: %v", err)
		}
	}
}

func canImport(p providers.Provider, attrs psa.Attributes) error {
	if a, ok := p.(providers.Advisor); ok {
		return a.CanDo(providers.Capability{Check: psa.CheckImport, Attributes: attrs})
	}
	return nil
}

// testImportPublic imports the public half of a pair and checks that both belong together.
func testImportPublic(t *testing.T, p providers.Provider, key providers.Key) {
	exporter, exports := p.(providers.PublicExporter)
	importer, imports := p.(providers.Importer)
	attrs := key.Attributes
	if !exports || !imports || !attrs.Type.Pair() {
		return
	}
	attrs.Type = map[psa.KeyType]psa.KeyType{
		psa.KeyRSAPair: psa.KeyRSAPublic, psa.KeyECCPair: psa.KeyECCPublic, psa.KeyDHPair: psa.KeyDHPublic,
	}[attrs.Type]
	if canImport(p, attrs) != nil {
		return
	}
	u := user{t: t, p: p, key: key, name: Name(attrs)}
	public, err := exporter.ExportPublicKey(t.Context(), key)
	if !u.status("export public", err, wire.StatusSuccess) {
		return
	}
	id, err := importer.ImportKey(t.Context(), attrs, public)
	if !u.status("import public", err, wire.StatusSuccess) {
		return
	}
	half := providers.Key{ID: id, Attributes: attrs}
	again, err := exporter.ExportPublicKey(t.Context(), half)
	if u.status("export the public half again", err, wire.StatusSuccess) {
		u.equal("the public half", again, public)
	}
	Exercise(t, p, half)
	u.crossVerify(half)
	testDestroy(t, p, half)
}

// crossVerify signs with the pair and verifies with its public half.
func (u user) crossVerify(half providers.Key) {
	u.t.Helper()
	alg := specific(u.key.Attributes.Alg)
	signer, signs := u.p.(providers.HashSigner)
	verifier, verifies := u.p.(providers.HashVerifier)
	if !signs || !verifies || !alg.Kind.Signature() || alg.Kind == psa.AlgPureEdDSA {
		return
	}
	hash := random(max(alg.Hash.Size(), 20))
	signature, err := signer.SignHash(u.t.Context(), u.key, alg, hash)
	if u.status("sign", err, wire.StatusSuccess) {
		u.status("verify with the public half", verifier.VerifyHash(u.t.Context(), half, alg, hash, signature), wire.StatusSuccess)
	}
	if _, err = signer.SignHash(u.t.Context(), half, alg, hash); err == nil {
		u.t.Errorf("%s: a public key signed", u.name)
	}
}

func testDestroy(t *testing.T, p providers.Provider, key providers.Key) {
	t.Helper()
	d, ok := p.(providers.Destroyer)
	if !ok {
		return
	}
	if err := d.DestroyKey(t.Context(), key); err != nil {
		t.Fatalf("destroy: %v", err)
	}
	testGone(t, p, key)
}

// testGone checks that a key that was destroyed cannot be used.
func testGone(t *testing.T, p providers.Provider, key providers.Key) {
	t.Helper()
	if _, ok := p.(providers.SelfContained); ok {
		return // who kept the id has kept the key
	}
	if d, ok := p.(providers.Destroyer); ok {
		if err := d.DestroyKey(t.Context(), key); wire.StatusOf(err) != wire.StatusDoesNotExist {
			t.Errorf("destroy what is gone: %v", err)
		}
	}
	if e, ok := p.(providers.PublicExporter); ok {
		_, err := e.ExportPublicKey(t.Context(), key)
		if s := wire.StatusOf(err); s != wire.StatusInvalidHandle && s != wire.StatusDoesNotExist {
			t.Errorf("use what is gone: %v", err)
		}
	}
}

func testArchive(t *testing.T, p providers.Provider) {
	a, ok := p.(providers.Archiver)
	if !ok {
		return
	}
	u := user{t: t, p: p, name: "archive"}
	for _, attrs := range kinds() {
		if canGenerate(p, attrs) != nil || attrs.Type.RSA() {
			continue
		}
		key := Generate(t, p, attrs)
		archived, err := a.ArchiveKey(t.Context(), key)
		if !u.status("archive", err, wire.StatusSuccess) {
			continue
		}
		id, err := a.RestoreKey(t.Context(), attrs, archived)
		if !u.status("restore", err, wire.StatusSuccess) {
			continue
		}
		restored := providers.Key{ID: id, Attributes: attrs}
		testDestroy(t, p, key)
		Exercise(t, p, restored)
		if again, err := a.ArchiveKey(t.Context(), restored); u.status("archive again", err, wire.StatusSuccess) {
			u.equal("archived again", again, archived)
		}
		if _, err := a.RestoreKey(t.Context(), attrs, archived[:len(archived)-1]); err == nil {
			t.Errorf("%s: restored from a cut archive", Name(attrs))
		}
	}
}

func testProtection(t *testing.T, c Config) {
	p := c.New(t)
	pr, ok := p.(providers.Protector)
	if !ok {
		return
	}
	u := user{t: t, p: p, name: "protection"}
	key := c.key(t, p, c.simplest(t, p))
	for _, form := range []providers.Protection{
		providers.ProtectionCompatible, providers.ProtectionEncrypted, providers.ProtectionEncrypted, providers.ProtectionCompatible,
	} {
		u.status("protect", pr.Protect(t.Context(), key, form), wire.StatusSuccess)
		if got, err := pr.Protection(t.Context(), key); err != nil || got != form {
			t.Errorf("the key is stored as %q, %v, want %q", got, err, form)
		}
		Exercise(t, p, key)
	}
	u.status("protect as nothing", pr.Protect(t.Context(), key, "nothing"), wire.StatusInvalidArgument)
	testDestroy(t, p, key)
	if err := pr.Protect(t.Context(), key, providers.ProtectionEncrypted); err == nil {
		t.Error("protected what is gone")
	}
}
