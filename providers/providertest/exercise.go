package providertest

import (
	"bytes"
	"crypto/rand"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
)

// Exercise uses a key in every way that its algorithm and the provider permit. It may be
// called from several goroutines of a test.
func Exercise(t *testing.T, p providers.Provider, key providers.Key) {
	t.Helper()
	u := user{t: t, p: p, key: key, name: Name(key.Attributes)}
	u.export()
	a := key.Attributes
	switch alg := specific(a.Alg); {
	case alg.Kind == psa.AlgPureEdDSA:
		u.messages(alg)
	case alg.Kind.Signature():
		u.hashes(alg)
		u.messages(alg)
	case alg.Kind.Encryption():
		u.encryption(alg)
	case alg.Kind.AEAD():
		u.aead(alg)
	case alg.Kind.Cipher():
		u.cipher(alg)
	case alg.Kind.MAC():
		u.mac(alg)
	case alg.Kind.Agreement() && alg.KDF == psa.AlgNone && !a.Type.Public():
		u.agreement(alg)
	}
}

// specific names a hash where the policy permits any.
func specific(alg psa.Algorithm) psa.Algorithm {
	if alg.Hash == psa.HashAny {
		alg.Hash = psa.HashSHA384
	}
	return alg
}

// user is one caller with one key. Its methods report with Errorf, which goroutines may.
type user struct {
	t    *testing.T
	p    providers.Provider
	key  providers.Key
	name string
}

// status reports an error of another status than wanted, and whether err has it.
func (u user) status(what string, err error, want wire.Status) bool {
	u.t.Helper()
	if wire.StatusOf(err) != want {
		u.t.Errorf("%s: %s: status %d (%v), want %d", u.name, what, wire.StatusOf(err), err, want)
		return false
	}
	return true
}

// badSize reports an error of another status than the two that the original's providers
// give to a signature of a wrong size.
func (u user) badSize(what string, err error) {
	u.t.Helper()
	if wire.StatusOf(err) != wire.StatusInvalidArgument {
		u.status(what, err, wire.StatusInvalidSignature)
	}
}

func (u user) equal(what string, got, want []byte) {
	u.t.Helper()
	if !bytes.Equal(got, want) {
		u.t.Errorf("%s: %s: got %x, want %x", u.name, what, got, want)
	}
}

// flipped returns b with one bit changed, in the part of a hash that ECDSA does not cut off.
func flipped(b []byte) []byte {
	b = bytes.Clone(b)
	if len(b) > 0 {
		b[0] ^= 1
	}
	return b
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return b
}

func (u user) export() {
	u.t.Helper()
	a := u.key.Attributes
	if e, ok := u.p.(providers.PublicExporter); ok {
		public, err := e.ExportPublicKey(u.t.Context(), u.key)
		switch {
		case !a.Type.Pair() && !a.Type.Public():
			u.status("export the public half of a secret", err, wire.StatusInvalidArgument)
		case u.status("export public", err, wire.StatusSuccess):
			u.checkPublic(public)
		}
	}
	if e, ok := u.p.(providers.Exporter); ok && a.Usage.Has(psa.UsageExport) {
		data, err := e.ExportKey(u.t.Context(), u.key)
		if u.status("export", err, wire.StatusSuccess) && len(data) == 0 {
			u.t.Errorf("%s: exported nothing", u.name)
		}
	}
}

func (u user) hashes(alg psa.Algorithm) {
	u.t.Helper()
	signer, signs := u.p.(providers.HashSigner)
	verifier, verifies := u.p.(providers.HashVerifier)
	size := alg.Hash.Size()
	if size == 0 {
		size = 32
	}
	hash := random(size)
	if u.key.Attributes.Type.Public() {
		if verifies {
			u.badSize("verify rubbish", verifier.VerifyHash(u.t.Context(), u.key, alg, hash, random(64)))
		}
		return
	}
	if !signs {
		return
	}
	signature, err := signer.SignHash(u.t.Context(), u.key, alg, hash)
	if !u.status("sign a hash", err, wire.StatusSuccess) {
		return
	}
	u.checkSignature(alg, hash, signature)
	if verifies {
		verify := func(hash, signature []byte) error {
			return verifier.VerifyHash(u.t.Context(), u.key, alg, hash, signature)
		}
		u.status("verify a hash", verify(hash, signature), wire.StatusSuccess)
		u.status("verify another hash", verify(flipped(hash), signature), wire.StatusInvalidSignature)
		u.status("verify another signature", verify(hash, flipped(signature)), wire.StatusInvalidSignature)
		u.badSize("verify a cut signature", verify(hash, signature[1:]))
		u.badSize("verify no signature", verify(hash, nil))
	}
	if alg.Kind == psa.AlgDeterministicECDSA {
		again, err := signer.SignHash(u.t.Context(), u.key, alg, hash)
		if u.status("sign again", err, wire.StatusSuccess) {
			u.equal("a deterministic signature", again, signature)
		}
	}
}

func (u user) messages(alg psa.Algorithm) {
	u.t.Helper()
	signer, signs := u.p.(providers.MessageSigner)
	verifier, verifies := u.p.(providers.MessageVerifier)
	if !signs || u.key.Attributes.Type.Public() {
		return
	}
	message := random(1000)
	signature, err := signer.SignMessage(u.t.Context(), u.key, alg, message)
	if alg.Hash == psa.HashNone && alg.Kind != psa.AlgPureEdDSA {
		u.status("sign a message without a hash", err, wire.StatusInvalidArgument)
		return
	}
	if !u.status("sign a message", err, wire.StatusSuccess) {
		return
	}
	u.checkMessageSignature(alg, message, signature)
	if verifies {
		verify := func(message, signature []byte) error {
			return verifier.VerifyMessage(u.t.Context(), u.key, alg, message, signature)
		}
		u.status("verify a message", verify(message, signature), wire.StatusSuccess)
		u.status("verify another message", verify(flipped(message), signature), wire.StatusInvalidSignature)
		u.status("verify another signature", verify(message, flipped(signature)), wire.StatusInvalidSignature)
	}
}

func (u user) encryption(alg psa.Algorithm) {
	u.t.Helper()
	e, encrypts := u.p.(providers.AsymmetricEncrypter)
	d, decrypts := u.p.(providers.AsymmetricDecrypter)
	if !encrypts {
		return
	}
	plaintext, salt := random(20), []byte(nil)
	if alg.Kind == psa.AlgRSAOAEP {
		salt = []byte("label")
	}
	ciphertext, err := e.AsymmetricEncrypt(u.t.Context(), u.key, alg, plaintext, salt)
	if !u.status("encrypt", err, wire.StatusSuccess) || !decrypts || u.key.Attributes.Type.Public() {
		return
	}
	got, err := d.AsymmetricDecrypt(u.t.Context(), u.key, alg, ciphertext, salt)
	if u.status("decrypt", err, wire.StatusSuccess) {
		u.equal("decrypted", got, plaintext)
	}
	_, err = d.AsymmetricDecrypt(u.t.Context(), u.key, alg, ciphertext[1:], salt)
	u.status("decrypt a cut ciphertext", err, wire.StatusInvalidArgument)
	if alg.Kind == psa.AlgRSAOAEP {
		_, err = d.AsymmetricDecrypt(u.t.Context(), u.key, alg, ciphertext, []byte("other"))
		u.status("decrypt with another label", err, wire.StatusInvalidPadding)
	}
}
