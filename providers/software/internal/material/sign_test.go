package material_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"slices"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/providers/software/internal/material"
)

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
