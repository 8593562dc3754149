package material_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/software/internal/material"
)

// hashStatus is what a signature with the hash answers, as measured on the original.
var hashStatus = map[psa.Hash]int{
	psa.HashMD2: 1134, psa.HashMD4: 1134, psa.HashMD5: 0, psa.HashRIPEMD160: 0, psa.HashSHA1: 0,
	psa.HashSHA224: 0, psa.HashSHA256: 0, psa.HashSHA384: 0, psa.HashSHA512: 0, psa.HashSHA512224: 1134, psa.HashSHA512256: 1134,
	psa.HashSHA3224: 0, psa.HashSHA3256: 0, psa.HashSHA3384: 0, psa.HashSHA3512: 0,
}

func rsaKey(t testing.TB, bits int) *material.Key {
	t.Helper()
	return mustKey(t, psa.Attributes{Type: psa.KeyRSAPair}, x509.MarshalPKCS1PrivateKey(testRSA()[bits]))
}

func newKey(t testing.TB, a psa.Attributes) *material.Key {
	t.Helper()
	data, err := material.Generate(a)
	if err != nil {
		t.Fatal(err)
	}
	return mustKey(t, a, data)
}

// signers are a key of each implementation, with the scheme to try.
func signers(t *testing.T) map[string]struct {
	key  *material.Key
	kind psa.Kind
} {
	t.Helper()
	ecc := func(c psa.Curve, bits uint64) *material.Key {
		return newKey(t, psa.Attributes{Type: psa.KeyECCPair, Curve: c, Bits: bits})
	}
	m := map[string]struct {
		key  *material.Key
		kind psa.Kind
	}{
		"rsa 1024 pkcs1": {rsaKey(t, 1024), psa.AlgRSAPKCS1v15Sign},
		"rsa 1024 pss":   {rsaKey(t, 1024), psa.AlgRSAPSS},
		"rsa 1032 pss":   {rsaKey(t, 1032), psa.AlgRSAPSS},
		"rsa 2048 pss":   {rsaKey(t, 2048), psa.AlgRSAPSS},
	}
	for name, k := range map[string]*material.Key{
		"p192": ecc(psa.CurveSECPR1, 192), "p224": ecc(psa.CurveSECPR1, 224), "p256": ecc(psa.CurveSECPR1, 256),
		"p384": ecc(psa.CurveSECPR1, 384), "p521": ecc(psa.CurveSECPR1, 521), "k192": ecc(psa.CurveSECPK1, 192),
		"k256": ecc(psa.CurveSECPK1, 256), "bp256": ecc(psa.CurveBrainpoolPR1, 256), "bp384": ecc(psa.CurveBrainpoolPR1, 384),
		"bp512": ecc(psa.CurveBrainpoolPR1, 512),
	} {
		m[name] = struct {
			key  *material.Key
			kind psa.Kind
		}{k, psa.AlgECDSA}
		m[name+" deterministic"] = struct {
			key  *material.Key
			kind psa.Kind
		}{k, psa.AlgDeterministicECDSA}
	}
	return m
}

// Every hash works with every scheme or answers as the original; hash and message agree;
// verification refuses whatever is not the signature.
func TestSignHashes(t *testing.T) {
	for name, s := range signers(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for h, want := range hashStatus {
				alg := psa.Algorithm{Kind: s.kind, Hash: h}
				hash := bytes.Repeat([]byte{0xa5}, h.Size())
				sig, err := s.key.SignHash(alg, hash)
				if status(err) != want {
					t.Errorf("sign %s: %v, want %d", alg, err, want)
				}
				if want != 0 {
					if err := s.key.VerifyHash(alg, hash, make([]byte, 64)); status(err) != want {
						t.Errorf("verify %s: %v, want %d", alg, err, want)
					}
					continue
				}
				check(t, "verify "+alg.String(), s.key.VerifyHash(alg, hash, sig))
				refused(t, s.key, alg, hash, sig)
				messages(t, s.key, alg)
			}
		})
	}
}

func refused(t *testing.T, k *material.Key, alg psa.Algorithm, hash, sig []byte) {
	t.Helper()
	other := slices.Clone(hash)
	other[0] ^= 1
	flipped := slices.Clone(sig)
	flipped[len(sig)-1] ^= 1
	for name, try := range map[string][2][]byte{
		"other hash": {other, sig}, "other signature": {hash, flipped}, "zeros": {hash, make([]byte, len(sig))},
		"ones": {hash, bytes.Repeat([]byte{0xff}, len(sig))}, "empty": {hash, nil}, "short": {hash, sig[1:]},
		"long": {hash, append(slices.Clone(sig), 0)}, "leading zero": {hash, append([]byte{0}, sig...)},
	} {
		if err := k.VerifyHash(alg, try[0], try[1]); status(err) != 1149 {
			t.Errorf("%s, %s: %v", alg, name, err)
		}
	}
}

func messages(t *testing.T, k *material.Key, alg psa.Algorithm) {
	t.Helper()
	text := []byte("message")
	hash, err := material.HashCompute(alg.Hash, text)
	check(t, "hash", err)
	sig, err := k.SignMessage(alg, text)
	check(t, "sign message", err)
	check(t, "verify message", k.VerifyMessage(alg, text, sig))
	check(t, "verify hash of the message", k.VerifyHash(alg, hash, sig))
	again, err := k.SignMessage(alg, text)
	check(t, "sign message", err)
	fixed := alg.Kind == psa.AlgDeterministicECDSA || alg.Kind == psa.AlgRSAPKCS1v15Sign
	if bytes.Equal(sig, again) != fixed {
		t.Errorf("%s: two signatures are equal: %t", alg, !fixed)
	}
	if err := k.VerifyMessage(alg, []byte("other"), sig); status(err) != 1149 {
		t.Errorf("%s of another message: %v", alg, err)
	}
}

// Our DigestInfo is the standard library's wherever that is right, and PSS has the salt of
// section 3.5.
func TestRSAAgainstLibrary(t *testing.T) {
	priv := testRSA()[2048]
	k := rsaKey(t, 2048)
	for h, want := range hashStatus {
		if want != 0 || h == psa.HashRIPEMD160 { // the library's object identifier for it is another
			continue
		}
		hash := make([]byte, h.Size())
		sig, err := k.SignHash(psa.Algorithm{Kind: psa.AlgRSAPKCS1v15Sign, Hash: h}, hash)
		check(t, "sign", err)
		check(t, "pkcs1 "+h.String(), rsa.VerifyPKCS1v15(&priv.PublicKey, h.Std(), hash, sig))
		sig, err = k.SignHash(psa.Algorithm{Kind: psa.AlgRSAPSS, Hash: h}, hash)
		check(t, "sign", err)
		check(t, "pss "+h.String(), rsa.VerifyPSS(&priv.PublicKey, h.Std(), hash, sig, &rsa.PSSOptions{SaltLength: h.Size()}))
	}
	alg := psa.Algorithm{Kind: psa.AlgRSAPSS, Hash: psa.HashSHA512}
	sig, err := rsaKey(t, 1024).SignHash(alg, make([]byte, 64))
	check(t, "sign", err)
	check(t, "short salt", rsa.VerifyPSS(&testRSA()[1024].PublicKey, crypto.SHA512, make([]byte, 64), sig, &rsa.PSSOptions{SaltLength: 62}))
}

// Verification demands the salt length that signing has.
func TestPSSSaltLength(t *testing.T) {
	priv, k := testRSA()[2048], rsaKey(t, 2048)
	hash := sha256.Sum256(nil)
	for salt, want := range map[int]int{1: 1149, 20: 1149, 31: 1149, 32: 0, 33: 1149, 222: 1149} {
		sig, err := rsa.SignPSS(rand.Reader, priv, crypto.SHA256, hash[:], &rsa.PSSOptions{SaltLength: salt})
		check(t, "sign", err)
		if err := k.VerifyHash(psa.Algorithm{Kind: psa.AlgRSAPSS, Hash: psa.HashSHA256}, hash[:], sig); status(err) != want {
			t.Errorf("salt of %d bytes: %v, want %d", salt, err, want)
		}
	}
}

// Raw PKCS#1 and ECDSA-any take any length, as far as it fits.
func TestSignAnyLength(t *testing.T) {
	raw, k := psa.Algorithm{Kind: psa.AlgRSAPKCS1v15SignRaw}, rsaKey(t, 1024)
	for n, want := range map[int]int{0: 0, 1: 0, 20: 0, 64: 0, 65: 0, 117: 0, 118: 1135, 128: 1135, 200: 1135} {
		data := bytes.Repeat([]byte{3}, n)
		sig, err := k.SignHash(raw, data)
		if status(err) != want {
			t.Errorf("raw of %d bytes: %v, want %d", n, err, want)
		}
		wrong := want
		if want == 0 {
			check(t, "verify", k.VerifyHash(raw, data, sig))
			wrong = 1149
		}
		if err := k.VerifyHash(raw, data, make([]byte, 128)); status(err) != wrong {
			t.Errorf("verify raw of %d bytes: %v, want %d", n, err, wrong)
		}
		if err := k.VerifyHash(raw, data, make([]byte, 127)); status(err) != 1149 {
			t.Errorf("verify raw of %d bytes, short signature: %v, want 1149", n, err)
		}
	}
	ecdsa := psa.Algorithm{Kind: psa.AlgECDSAAny}
	for _, c := range []psa.Attributes{{Curve: psa.CurveSECPR1, Bits: 256}, {Curve: psa.CurveSECPR1, Bits: 521}, {Curve: psa.CurveSECPK1, Bits: 256}} {
		c.Type = psa.KeyECCPair
		k := newKey(t, c)
		for _, n := range []int{0, 1, 20, 32, 64, 65, 66, 67, 200} {
			data := bytes.Repeat([]byte{3}, n)
			sig, err := k.SignHash(ecdsa, data)
			check(t, "sign", err)
			check(t, "verify", k.VerifyHash(ecdsa, data, sig))
			if err := k.VerifyHash(ecdsa, append([]byte{4}, data...), sig); status(err) != 1149 {
				t.Errorf("%s, other data of %d bytes: %v", c.Curve, n, err)
			}
		}
		if _, err := k.SignMessage(ecdsa, nil); status(err) != 1135 {
			t.Errorf("message without a hash: %v", err)
		}
	}
}

// Keys refuse what their kind cannot do, with the original's status.
func TestCannot(t *testing.T) {
	hash := make([]byte, 32)
	ecdsa, ecdh := psa.Algorithm{Kind: psa.AlgECDSA, Hash: psa.HashSHA256}, psa.Algorithm{Kind: psa.AlgECDH}
	eddsa, v15 := psa.Algorithm{Kind: psa.AlgPureEdDSA}, psa.Algorithm{Kind: psa.AlgRSAPKCS1v15Crypt}
	gcm, cmac := psa.Algorithm{Kind: psa.AlgGCM}, psa.Algorithm{Kind: psa.AlgCMAC}
	mont := newKey(t, psa.Attributes{Type: psa.KeyECCPair, Curve: psa.CurveMontgomery, Bits: 255})
	ed := newKey(t, psa.Attributes{Type: psa.KeyECCPair, Curve: psa.CurveEdwards, Bits: 255})
	aes := newKey(t, psa.Attributes{Type: psa.KeyAES, Bits: 128})
	point := publicOf(t, psa.Attributes{Type: psa.KeyECCPair, Curve: psa.CurveSECPR1, Bits: 256})
	p256 := mustKey(t, psa.Attributes{Type: psa.KeyECCPublic, Curve: psa.CurveSECPR1}, point)
	rsaPub := mustKey(t, psa.Attributes{Type: psa.KeyRSAPublic}, x509.MarshalPKCS1PublicKey(&testRSA()[1024].PublicKey))
	in := providers.AEADInput{Nonce: make([]byte, 12), Data: hash}
	for name, c := range map[string]struct {
		try  func() error
		want int
	}{
		"ecdsa with x25519":      {func() error { _, err := mont.SignHash(ecdsa, hash); return err }, 1135},
		"verify ecdsa, x25519":   {func() error { return mont.VerifyHash(ecdsa, hash, make([]byte, 64)) }, 1135},
		"sign with public":       {func() error { _, err := p256.SignHash(ecdsa, hash); return err }, 1135},
		"agree with public":      {func() error { _, err := p256.Agree(ecdh, point); return err }, 1135},
		"decrypt with public":    {func() error { _, err := rsaPub.Decrypt(v15, make([]byte, 128), nil); return err }, 1135},
		"ecdh with ed25519":      {func() error { _, err := ed.Agree(ecdh, point); return err }, 1133},
		"eddsa of a hash":        {func() error { _, err := ed.SignHash(eddsa, hash); return err }, 1135},
		"verify eddsa of a hash": {func() error { return ed.VerifyHash(eddsa, hash, make([]byte, 64)) }, 1135},
		"eddsa with p256":        {func() error { _, err := p256.SignMessage(eddsa, hash); return err }, 1133},
		"verify eddsa, p256":     {func() error { return p256.VerifyMessage(eddsa, hash, make([]byte, 64)) }, 1133},
		"seal with a mac":        {func() error { _, err := aes.Seal(cmac, in); return err }, 1133},
		"mac with an aead":       {func() error { _, err := aes.MAC(gcm, hash); return err }, 1133},
		"cipher with an aead":    {func() error { _, err := aes.CipherEncrypt(gcm, hash); return err }, 1133},
		"sign with encryption":   {func() error { _, err := rsaPub.SignHash(v15, hash); return err }, 1133},
		"encrypt with signing": {func() error {
			_, err := rsaPub.Encrypt(psa.Algorithm{Kind: psa.AlgRSAPKCS1v15SignRaw}, hash, nil)
			return err
		}, 1133},
		"agree with signing": {func() error { _, err := mont.Agree(ecdsa, point); return err }, 1133},
		"public half of aes": {func() error { _, err := aes.Public(); return err }, 1135},
		"message of unknown hash": {func() error {
			_, err := p256.SignMessage(psa.Algorithm{Kind: psa.AlgECDSA, Hash: psa.HashMD4}, hash)
			return err
		}, 1134},
		"verify message, no hash": {func() error { return p256.VerifyMessage(psa.Algorithm{Kind: psa.AlgECDSAAny}, hash, nil) }, 1135},
		"hkdf": {func() error {
			_, err := aes.MAC(psa.Algorithm{Kind: psa.AlgHKDF, Hash: psa.HashSHA256}, nil)
			return err
		}, 1133},
	} {
		if err := c.try(); status(err) != c.want {
			t.Errorf("%s: %v, want %d", name, err, c.want)
		}
	}
}

func TestHashCompute(t *testing.T) {
	want := map[psa.Hash]string{
		psa.HashMD5:       "900150983cd24fb0d6963f7d28e17f72",
		psa.HashRIPEMD160: "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc",
		psa.HashSHA1:      "a9993e364706816aba3e25717850c26c9cd0d89d",
		psa.HashSHA256:    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
		psa.HashSHA3256:   "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532",
	}
	for h, s := range hashStatus {
		got, err := material.HashCompute(h, []byte("abc"))
		if status(err) != s {
			t.Errorf("%s: %v, want %d", h, err, s)
		}
		if hex, ok := want[h]; ok && fmt.Sprintf("%x", got) != hex {
			t.Errorf("%s: %x", h, got)
		}
		if err == nil && len(got) != h.Size() {
			t.Errorf("%s: %d bytes", h, len(got))
		}
		if empty, err := material.HashCompute(h, nil); status(err) != s || err == nil && len(empty) != h.Size() {
			t.Errorf("%s of nothing: %v", h, err)
		}
	}
	for _, h := range []psa.Hash{psa.HashNone, psa.HashAny, 99} {
		if _, err := material.HashCompute(h, nil); status(err) != 1134 {
			t.Errorf("%s: %v", h, err)
		}
	}
}

func TestEncryptLengths(t *testing.T) {
	k, v15 := rsaKey(t, 1024), psa.Algorithm{Kind: psa.AlgRSAPKCS1v15Crypt}
	for n, want := range map[int]int{0: 1135, 1: 0, 117: 0, 118: 1135, 128: 1135, 129: 1135} {
		if _, err := k.Encrypt(v15, make([]byte, n), nil); status(err) != want {
			t.Errorf("v1.5, %d bytes: %v, want %d", n, err, want)
		}
	}
	if _, err := k.Encrypt(v15, []byte("x"), []byte("salt")); status(err) != 1135 {
		t.Errorf("v1.5 with a salt: %v", err)
	}
	oaep := psa.Algorithm{Kind: psa.AlgRSAOAEP, Hash: psa.HashSHA256}
	for _, alg := range []psa.Algorithm{v15, oaep} {
		for n, want := range map[int]int{0: 1135, 1: 1135, 127: 1135, 128: 1150, 129: 1135} {
			if _, err := k.Decrypt(alg, bytes.Repeat([]byte{1}, n), nil); status(err) != want {
				t.Errorf("decrypt %s, %d bytes: %v, want %d", alg, n, err, want)
			}
		}
		if _, err := k.Decrypt(alg, bytes.Repeat([]byte{0xff}, 128), nil); status(err) != 1135 {
			t.Errorf("decrypt %s above the modulus: %v", alg, err)
		}
	}
	if _, err := k.Decrypt(psa.Algorithm{Kind: psa.AlgRSAOAEP, Hash: psa.HashSHA512}, make([]byte, 128), nil); status(err) != 1135 {
		t.Errorf("a key that is too small for the hash: %v", err)
	}
}

func TestOAEP(t *testing.T) {
	k := rsaKey(t, 2048)
	for h, s := range hashStatus {
		alg := psa.Algorithm{Kind: psa.AlgRSAOAEP, Hash: h}
		if s != 0 {
			s = 1135 // the original's word for it
			if _, err := k.Decrypt(alg, make([]byte, 256), nil); status(err) != s {
				t.Errorf("decrypt %s: %v, want %d", alg, err, s)
			}
		}
		largest := bytes.Repeat([]byte{7}, 254-2*h.Size())
		c, err := k.Encrypt(alg, largest, []byte("label"))
		if status(err) != s {
			t.Errorf("%s: %v, want %d", alg, err, s)
		}
		if err != nil {
			continue
		}
		if _, err := k.Encrypt(alg, append(largest, 7), nil); status(err) != 1135 {
			t.Errorf("%s, too long: %v", alg, err)
		}
		p, err := k.Decrypt(alg, c, []byte("label"))
		same(t, alg.String(), p, largest, err)
		for _, label := range [][]byte{nil, []byte("other")} {
			if _, err := k.Decrypt(alg, c, label); status(err) != 1150 {
				t.Errorf("%s, label %q: %v", alg, label, err)
			}
		}
		c[100] ^= 1
		if _, err := k.Decrypt(alg, c, []byte("label")); status(err) != 1150 {
			t.Errorf("%s, tampered: %v", alg, err)
		}
	}
}

func TestAEADNonceAndTag(t *testing.T) {
	nonces := map[psa.Kind]map[int]int{
		psa.AlgGCM:              {0: 1135, 1: 0, 6: 0, 7: 0, 8: 0, 11: 0, 12: 0, 13: 0, 14: 0, 16: 0, 100: 0},
		psa.AlgCCM:              {0: 1135, 1: 1135, 6: 1135, 7: 0, 8: 0, 11: 0, 12: 0, 13: 0, 14: 1135, 16: 1135, 100: 1135},
		psa.AlgChaCha20Poly1305: {0: 1135, 1: 1135, 6: 1135, 7: 1135, 8: 1134, 11: 1135, 12: 0, 13: 1135, 14: 1135, 16: 1135, 100: 1135},
	}
	tags := map[psa.Kind]map[uint64]int{
		psa.AlgGCM:              {0: 1135, 1: 1135, 3: 1135, 4: 0, 5: 0, 9: 0, 15: 0, 16: 0, 17: 1135, 63: 1135, 64: 1135, 70000: 1135},
		psa.AlgCCM:              {0: 1135, 2: 1135, 3: 1135, 4: 0, 5: 1135, 6: 0, 9: 1135, 14: 0, 15: 1135, 16: 0, 17: 1135, 256: 1135},
		psa.AlgChaCha20Poly1305: {0: 1134, 4: 1134, 12: 1134, 15: 1134, 16: 0, 17: 1134, 255: 1134},
	}
	for _, c := range []struct {
		typ  psa.KeyType
		bits uint64
		kind psa.Kind
	}{
		{psa.KeyAES, 128, psa.AlgGCM},
		{psa.KeyAES, 192, psa.AlgCCM},
		{psa.KeyCamellia, 256, psa.AlgGCM},
		{psa.KeyCamellia, 128, psa.AlgCCM},
		{psa.KeyChaCha20, 256, psa.AlgChaCha20Poly1305},
	} {
		k := newKey(t, psa.Attributes{Type: c.typ, Bits: c.bits})
		alg := psa.Algorithm{Kind: c.kind}
		for n, want := range nonces[c.kind] {
			in := providers.AEADInput{Nonce: make([]byte, n), AdditionalData: []byte("ad"), Data: []byte("plaintext")}
			sealed, err := k.Seal(alg, in)
			if status(err) != want {
				t.Errorf("%s %s, nonce of %d bytes: %v, want %d", c.typ, alg, n, err, want)
			}
			in.Data = slices.Concat(sealed, make([]byte, 30-len(sealed)))
			if want == 0 {
				want = 1149
			}
			if _, err := k.Open(alg, in); status(err) != want {
				t.Errorf("%s open %s, nonce of %d bytes: %v, want %d", c.typ, alg, n, err, want)
			}
		}
		for n, want := range tags[c.kind] {
			tagged(t, k, psa.Algorithm{Kind: c.kind, Truncated: true, Length: n}, want)
		}
		tagged(t, k, alg, 0)
		if _, err := k.Seal(alg, providers.AEADInput{Nonce: make([]byte, 12)}); status(err) != 1135 {
			t.Errorf("%s, empty plaintext: %v", alg, err)
		}
	}
}

// tagged seals, opens, and opens what is not right.
func tagged(t *testing.T, k *material.Key, alg psa.Algorithm, want int) {
	t.Helper()
	size := 16
	if alg.Truncated {
		size = int(alg.Length)
	}
	in := providers.AEADInput{Nonce: make([]byte, 12), AdditionalData: []byte("ad"), Data: []byte("plain")}
	sealed, err := k.Seal(alg, in)
	if status(err) != want {
		t.Errorf("%s: %v, want %d", alg, err, want)
	}
	if err != nil {
		return
	}
	if len(sealed) != len(in.Data)+size {
		t.Errorf("%s: %d bytes", alg, len(sealed))
	}
	open := func(nonce, ad, data []byte) ([]byte, error) {
		return k.Open(alg, providers.AEADInput{Nonce: nonce, AdditionalData: ad, Data: data})
	}
	got, err := open(in.Nonce, in.AdditionalData, sealed)
	same(t, alg.String(), got, in.Data, err)
	for i := range sealed {
		bad := slices.Clone(sealed)
		bad[i] ^= 0x80
		if p, err := open(in.Nonce, in.AdditionalData, bad); status(err) != 1149 || p != nil {
			t.Errorf("%s, byte %d changed: %x, %v", alg, i, p, err)
		}
	}
	other := slices.Clone(in.Nonce)
	other[0] = 1
	for name, try := range map[string][3][]byte{
		"other nonce": {other, in.AdditionalData, sealed}, "other ad": {in.Nonce, []byte("xx"), sealed}, "no ad": {in.Nonce, nil, sealed},
	} {
		if _, err := open(try[0], try[1], try[2]); status(err) != 1149 {
			t.Errorf("%s, %s: %v", alg, name, err)
		}
	}
	for _, n := range []int{0, 1, size - 1} {
		if _, err := open(in.Nonce, in.AdditionalData, sealed[:n]); status(err) != 1135 {
			t.Errorf("%s of %d bytes: %v", alg, n, err)
		}
	}
}

// CCM with a long nonce has a short counter.
func TestCCMLimit(t *testing.T) {
	k := newKey(t, psa.Attributes{Type: psa.KeyAES, Bits: 128})
	ccm := psa.Algorithm{Kind: psa.AlgCCM}
	for n, want := range map[int]int{65535: 0, 65536: 1135} {
		in := providers.AEADInput{Nonce: make([]byte, 13), Data: make([]byte, n), AdditionalData: make([]byte, 70000)}
		if _, err := k.Seal(ccm, in); status(err) != want {
			t.Errorf("%d bytes: %v, want %d", n, err, want)
		}
	}
}

func TestCipherLengths(t *testing.T) {
	k := newKey(t, psa.Attributes{Type: psa.KeyAES, Bits: 256})
	enc := map[psa.Kind]map[int]int{
		psa.AlgECBNoPadding: {0: 0, 1: 1135, 16: 0, 17: 1135},
		psa.AlgCBCNoPadding: {0: 0, 15: 1135, 32: 0},
		psa.AlgCBCPKCS7:     {0: 0, 1: 0, 16: 0},
		psa.AlgCTR:          {0: 0, 1: 0},
		psa.AlgXTS:          {0: 1135, 15: 1135, 16: 0, 17: 0},
	}
	for kind, rows := range enc {
		for n, want := range rows {
			if _, err := k.CipherEncrypt(psa.Algorithm{Kind: kind}, make([]byte, n)); status(err) != want {
				t.Errorf("%s of %d bytes: %v, want %d", kind, n, err, want)
			}
		}
	}
	dec := map[psa.Kind]map[int]int{
		psa.AlgECBNoPadding: {0: 0, 1: 1135, 16: 0}, psa.AlgCBCNoPadding: {0: 1135, 15: 1135, 16: 0, 17: 1135, 32: 0},
		psa.AlgCBCPKCS7: {0: 1135, 16: 1135, 17: 1135}, psa.AlgCTR: {15: 1135, 16: 0}, psa.AlgXTS: {16: 1135, 31: 1135, 32: 0},
	}
	for kind, rows := range dec {
		for n, want := range rows {
			if _, err := k.CipherDecrypt(psa.Algorithm{Kind: kind}, make([]byte, n)); status(err) != want {
				t.Errorf("decrypt %s of %d bytes: %v, want %d", kind, n, err, want)
			}
		}
	}
	xts := psa.Algorithm{Kind: psa.AlgXTS}
	if _, err := newKey(t, psa.Attributes{Type: psa.KeyAES, Bits: 128}).CipherEncrypt(xts, make([]byte, 16)); status(err) != 1134 {
		t.Errorf("xts with 128 bits: %v", err)
	}
	if _, err := newKey(t, psa.Attributes{Type: psa.KeyDES, Bits: 192}).CipherEncrypt(xts, make([]byte, 16)); status(err) != 1134 {
		t.Errorf("xts with des: %v", err)
	}
	equal := mustKey(t, psa.Attributes{Type: psa.KeyAES}, make([]byte, 32))
	if _, err := equal.CipherEncrypt(xts, make([]byte, 16)); status(err) != 1135 {
		t.Errorf("xts with equal halves: %v", err)
	}
	camellia := newKey(t, psa.Attributes{Type: psa.KeyCamellia, Bits: 256})
	c, err := camellia.CipherEncrypt(xts, make([]byte, 20))
	check(t, "camellia xts", err)
	p, err := camellia.CipherDecrypt(xts, c)
	same(t, "camellia xts", p, make([]byte, 20), err)
}

// All last bytes are tried: only valid padding is accepted.
func TestPKCS7(t *testing.T) {
	k := newKey(t, psa.Attributes{Type: psa.KeyAES, Bits: 128})
	plain, padded := psa.Algorithm{Kind: psa.AlgCBCNoPadding}, psa.Algorithm{Kind: psa.AlgCBCPKCS7}
	for last := range 256 {
		for spoiled := range 2 {
			block := bytes.Repeat([]byte{byte(last)}, 16)
			good := last >= 1 && last <= 16
			if spoiled == 1 && last > 1 && last <= 16 {
				block[16-last] ^= 1
				good = false
			}
			c, err := k.CipherEncrypt(plain, block)
			check(t, "encrypt", err)
			p, err := k.CipherDecrypt(padded, c)
			if good != (err == nil) || err != nil && status(err) != 1150 || good && len(p) != 16-last {
				t.Errorf("padding of %d, spoiled %d: %d bytes, %v", last, spoiled, len(p), err)
			}
		}
	}
}

func TestMACTruncation(t *testing.T) {
	hmac := newKey(t, psa.Attributes{Type: psa.KeyHMAC, Bits: 256})
	aes := newKey(t, psa.Attributes{Type: psa.KeyAES, Bits: 128})
	des := newKey(t, psa.Attributes{Type: psa.KeyDES, Bits: 192})
	for _, c := range []struct {
		key  *material.Key
		alg  psa.Algorithm
		full uint64
	}{
		{hmac, psa.Algorithm{Kind: psa.AlgHMAC, Hash: psa.HashSHA256}, 32},
		{hmac, psa.Algorithm{Kind: psa.AlgHMAC, Hash: psa.HashMD5}, 16},
		{aes, psa.Algorithm{Kind: psa.AlgCMAC}, 16},
		{aes, psa.Algorithm{Kind: psa.AlgCBCMAC}, 16},
		{des, psa.Algorithm{Kind: psa.AlgCMAC}, 8},
	} {
		msg := make([]byte, 32)
		whole, err := c.key.MAC(c.alg, msg)
		check(t, c.alg.String(), err)
		check(t, c.alg.String(), c.key.VerifyMAC(c.alg, msg, whole))
		if uint64(len(whole)) != c.full {
			t.Errorf("%s: %d bytes", c.alg, len(whole))
		}
		for n, want := range map[uint64]int{0: 1134, 3: 1134, 4: 0, c.full: 0, c.full + 1: 1135, 1 << 40: 1135} {
			alg := c.alg
			alg.Truncated, alg.Length = true, n
			got, err := c.key.MAC(alg, msg)
			if status(err) != want {
				t.Errorf("%s: %v, want %d", alg, err, want)
			}
			if err == nil {
				same(t, alg.String(), got, whole[:n], nil)
				check(t, alg.String(), c.key.VerifyMAC(alg, msg, got))
			} else if err := c.key.VerifyMAC(alg, msg, whole); status(err) != want {
				t.Errorf("verify %s: %v, want %d", alg, err, want)
			}
		}
		for name, mac := range map[string][]byte{"empty": nil, "short": whole[1:], "long": append(slices.Clone(whole), 0), "zeros": make([]byte, len(whole))} {
			if err := c.key.VerifyMAC(c.alg, msg, mac); status(err) != 1149 {
				t.Errorf("%s, %s: %v", c.alg, name, err)
			}
		}
	}
	for n, want := range map[int]int{0: 1135, 15: 1135, 16: 0, 17: 1135} {
		if _, err := aes.MAC(psa.Algorithm{Kind: psa.AlgCBCMAC}, make([]byte, n)); status(err) != want {
			t.Errorf("cbc-mac of %d bytes: %v, want %d", n, err, want)
		}
	}
	for h, want := range hashStatus {
		if _, err := hmac.MAC(psa.Algorithm{Kind: psa.AlgHMAC, Hash: h}, nil); status(err) != want {
			t.Errorf("hmac with %s: %v, want %d", h, err, want)
		}
	}
}

// Both sides of an agreement get the same secret, on every curve and group.
func TestAgree(t *testing.T) {
	for _, a := range []psa.Attributes{
		{Curve: psa.CurveSECPK1, Bits: 192},
		{Curve: psa.CurveSECPK1, Bits: 256},
		{Curve: psa.CurveSECPR1, Bits: 192},
		{Curve: psa.CurveSECPR1, Bits: 224},
		{Curve: psa.CurveSECPR1, Bits: 256},
		{Curve: psa.CurveSECPR1, Bits: 384},
		{Curve: psa.CurveSECPR1, Bits: 521},
		{Curve: psa.CurveBrainpoolPR1, Bits: 256},
		{Curve: psa.CurveBrainpoolPR1, Bits: 384},
		{Curve: psa.CurveBrainpoolPR1, Bits: 512},
		{Curve: psa.CurveMontgomery, Bits: 255},
		{Curve: psa.CurveMontgomery, Bits: 448},
		{Bits: 2048},
		{Bits: 3072},
	} {
		alg := psa.Algorithm{Kind: psa.AlgECDH}
		a.Type = psa.KeyECCPair
		if a.Curve == psa.CurveNone {
			a.Type, alg.Kind = psa.KeyDHPair, psa.AlgFFDH
		}
		one, two := newKey(t, a), newKey(t, a)
		pubOne, err := one.Public()
		check(t, "public", err)
		pubTwo, err := two.Public()
		check(t, "public", err)
		s1, err := one.Agree(alg, pubTwo)
		check(t, "agree", err)
		s2, err := two.Agree(alg, pubOne)
		same(t, one.String(), s2, s1, err)
		if want := int(a.Bits+7) / 8; len(s1) != want {
			t.Errorf("%s: a secret of %d bytes, want %d", one, len(s1), want)
		}
		for _, peer := range [][]byte{nil, pubTwo[1:], append(slices.Clone(pubTwo), 0)} {
			if _, err := one.Agree(alg, peer); status(err) != 1135 {
				t.Errorf("%s with a peer of %d bytes: %v", one, len(peer), err)
			}
		}
	}
}

func TestEdDSA(t *testing.T) {
	k := newKey(t, psa.Attributes{Type: psa.KeyECCPair, Curve: psa.CurveEdwards, Bits: 255})
	alg := psa.Algorithm{Kind: psa.AlgPureEdDSA}
	for _, msg := range [][]byte{nil, []byte("m"), make([]byte, 100000)} {
		sig, err := k.SignMessage(alg, msg)
		check(t, "sign", err)
		check(t, "verify", k.VerifyMessage(alg, msg, sig))
		for _, bad := range [][]byte{nil, sig[1:], append(slices.Clone(sig), 0), make([]byte, 64)} {
			if err := k.VerifyMessage(alg, msg, bad); status(err) != 1149 {
				t.Errorf("%d bytes: %v", len(bad), err)
			}
		}
	}
}

// A key prints as its kind, whoever prints it, and as JSON not at all.
func TestKeyIsNotPrinted(t *testing.T) {
	secret := bytes.Repeat([]byte{0xC5}, 32)
	for _, a := range []psa.Attributes{
		{Type: psa.KeyAES},
		{Type: psa.KeyHMAC},
		{Type: psa.KeyCamellia},
		{Type: psa.KeyECCPair, Curve: psa.CurveSECPK1},
		{Type: psa.KeyECCPair, Curve: psa.CurveSECPR1},
		{Type: psa.KeyECCPair, Curve: psa.CurveMontgomery},
		{Type: psa.KeyECCPair, Curve: psa.CurveEdwards},
		{Type: psa.KeyECCPair, Curve: psa.CurveBrainpoolPR1},
	} {
		if a.Curve == psa.CurveBrainpoolPR1 {
			secret[0] = 0x15
		}
		k := mustKey(t, a, secret)
		var log bytes.Buffer
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "key", k)
		text := fmt.Sprintf("%v %+v %#v %s %x %d", k, k, k, k, k, k) + log.String()
		for _, leak := range []string{"c5c5", "C5C5", "197 197", "xcxc"} {
			if strings.Contains(text, leak) {
				t.Errorf("%s prints its content: %s", a.Type, text)
			}
		}
		if _, err := json.Marshal(k); err == nil {
			t.Errorf("%s becomes JSON", a.Type)
		}
	}
}

// One key serves many callers at once.
func TestConcurrentUse(t *testing.T) {
	keys := signers(t)
	var wg sync.WaitGroup
	for name, s := range keys {
		for range 4 {
			wg.Go(func() {
				alg := psa.Algorithm{Kind: s.kind, Hash: psa.HashSHA256}
				sig, err := s.key.SignHash(alg, make([]byte, 32))
				if err == nil {
					err = s.key.VerifyHash(alg, make([]byte, 32), sig)
				}
				if err != nil {
					t.Errorf("%s: %v", name, err)
				}
				if pub, err := s.key.Public(); err == nil && s.kind == psa.AlgECDSA {
					if _, err := s.key.Agree(psa.Algorithm{Kind: psa.AlgECDH}, pub); err != nil {
						t.Errorf("%s: %v", name, err)
					}
				}
			})
		}
	}
	wg.Wait()
}

func TestWipe(t *testing.T) {
	for _, a := range []psa.Attributes{
		{Type: psa.KeyAES, Bits: 128},
		{Type: psa.KeyCamellia, Bits: 128},
		{Type: psa.KeyDHPair, Bits: 2048},
		{Type: psa.KeyECCPair, Curve: psa.CurveSECPK1, Bits: 256},
		{Type: psa.KeyECCPair, Curve: psa.CurveMontgomery, Bits: 448},
		{Type: psa.KeyECCPair, Curve: psa.CurveEdwards, Bits: 255},
		{Type: psa.KeyECCPair, Curve: psa.CurveSECPR1, Bits: 256},
	} {
		k := newKey(t, a)
		k.Wipe()
		if data, err := k.Export(); err == nil && slices.ContainsFunc(data, func(b byte) bool { return b != 0 }) {
			t.Errorf("%s still holds %x", a.Type, data)
		}
	}
	k := mustKey(t, psa.Attributes{Type: psa.KeyRSAPair}, exponent3(t))
	k.Wipe()
	if _, err := k.SignHash(psa.Algorithm{Kind: psa.AlgRSAPKCS1v15SignRaw}, []byte("x")); status(err) != 1132 {
		t.Errorf("a wiped rsa key signs: %v", err)
	}
}
