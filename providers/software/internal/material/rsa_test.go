package material_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"math/big"
	"sync"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/providers/software/internal/material"
)

// testRSA makes one key per size for all tests.
var testRSA = sync.OnceValue(func() map[int]*rsa.PrivateKey {
	keys := map[int]*rsa.PrivateKey{}
	for _, bits := range []int{1024, 1032, 1536, 2048, 3072, 4096} {
		k, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			panic(err)
		}
		keys[bits] = k
	}
	return keys
})

// pkcs1 is RSAPrivateKey.
type pkcs1 struct {
	Version                     int
	N, E, D, P, Q, DP, DQ, QInv *big.Int
}

func (k pkcs1) der(t *testing.T) []byte {
	t.Helper()
	b, err := asn1.Marshal(k)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func numbers(t *testing.T, k *rsa.PrivateKey) pkcs1 {
	t.Helper()
	var n pkcs1
	if _, err := asn1.Unmarshal(x509.MarshalPKCS1PrivateKey(k), &n); err != nil {
		t.Fatal(err)
	}
	return n
}

func publicDER(t *testing.T, n, e *big.Int) []byte {
	t.Helper()
	b, err := asn1.Marshal(struct{ N, E *big.Int }{n, e})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Sizes that a caller names are those of the table, others count when none is named.
func TestImportRSASizes(t *testing.T) {
	named := map[int]int{1024: 0, 1032: 1135, 1536: 1135, 2048: 0, 3072: 0, 4096: 0}
	for bits, k := range testRSA() {
		pair, pub := x509.MarshalPKCS1PrivateKey(k), x509.MarshalPKCS1PublicKey(&k.PublicKey)
		for _, try := range []struct {
			typ  psa.KeyType
			data []byte
			bits int
			want int
		}{
			{psa.KeyRSAPair, pair, 0, 0},
			{psa.KeyRSAPair, pair, bits, named[bits]},
			{psa.KeyRSAPublic, pub, 0, 0},
			{psa.KeyRSAPublic, pub, bits, named[bits]},
			{psa.KeyRSAPair, pub, 0, 1135},
			{psa.KeyRSAPublic, pair, 0, 1135},
			{psa.KeyRSAPair, append(bytes.Clone(pair), 0), 0, 1135},
			{psa.KeyRSAPublic, append(bytes.Clone(pub), 0), 0, 1135},
			{psa.KeyRSAPair, nil, 0, 1135},
			{psa.KeyRSAPair, pair, bits - 1, 1135},
			{psa.KeyRSAPair, pair, otherSize(bits), 1135},
		} {
			k, err := material.New(psa.Attributes{Type: try.typ, Bits: uint64(try.bits)}, try.data)
			if status(err) != try.want {
				t.Errorf("%d bits, %s as %d bits: %v, want %d", bits, try.typ, try.bits, err, try.want)
			}
			if err == nil && k.Bits() != uint64(bits) {
				t.Errorf("%d bits instead of %d", k.Bits(), bits)
			}
		}
	}
}

func otherSize(bits int) int {
	if bits == 2048 {
		return 1024
	}
	return 2048
}

func TestImportRSAUnsupported(t *testing.T) {
	one := big.NewInt(1)
	for _, bits := range []uint{512, 768, 1016, 1030, 4104, 8192} {
		n := new(big.Int).Add(new(big.Int).Lsh(one, bits-1), one)
		der := publicDER(t, n, big.NewInt(65537))
		if _, err := material.New(psa.Attributes{Type: psa.KeyRSAPublic}, der); status(err) != 1134 {
			t.Errorf("%d bits: %v", bits, err)
		}
	}
	n := testRSA()[2048].N
	for e, want := range map[int64]int{
		0: 1135, 1: 1135, 2: 1135, 3: 0, 17: 0, 65537: 0, 1<<31 - 1: 0, 1<<31 + 11: 1134, 1<<40 + 15: 1134, -3: 1135,
	} {
		if _, err := material.New(psa.Attributes{Type: psa.KeyRSAPublic}, publicDER(t, n, big.NewInt(e))); status(err) != want {
			t.Errorf("exponent %d: %v, want %d", e, err, want)
		}
	}
	for name, n := range map[string]*big.Int{"even": new(big.Int).Add(n, one), "zero": new(big.Int), "negative": new(big.Int).Neg(n)} {
		if _, err := material.New(psa.Attributes{Type: psa.KeyRSAPublic}, publicDER(t, n, big.NewInt(3))); status(err) != 1135 {
			t.Errorf("%s modulus: %v", name, err)
		}
	}
}

// A pair whose numbers do not belong together is refused, whichever is wrong.
func TestImportRSAInconsistent(t *testing.T) {
	good := numbers(t, testRSA()[2048])
	two := big.NewInt(2)
	for name, change := range map[string]func(*pkcs1){
		"version": func(k *pkcs1) { k.Version = 1 },
		"n":       func(k *pkcs1) { k.N = new(big.Int).Add(k.N, two) },
		"e":       func(k *pkcs1) { k.E = new(big.Int).Add(k.E, two) },
		"d":       func(k *pkcs1) { k.D = new(big.Int).Add(k.D, two) },
		"p":       func(k *pkcs1) { k.P = new(big.Int).Add(k.P, two) },
		"q":       func(k *pkcs1) { k.Q = new(big.Int).Add(k.Q, two) },
		"dp":      func(k *pkcs1) { k.DP = new(big.Int).Add(k.DP, two) },
		"dq":      func(k *pkcs1) { k.DQ = new(big.Int).Add(k.DQ, two) },
		"qinv":    func(k *pkcs1) { k.QInv = new(big.Int).Add(k.QInv, two) },
		"no crt":  func(k *pkcs1) { k.DP, k.DQ, k.QInv = new(big.Int), new(big.Int), new(big.Int) },
		"swapped": func(k *pkcs1) { k.P, k.Q = k.Q, k.P },
	} {
		k := good
		change(&k)
		if _, err := material.New(psa.Attributes{Type: psa.KeyRSAPair}, k.der(t)); status(err) != 1135 {
			t.Errorf("%s: %v", name, err)
		}
	}
	other := good // the smaller prime first, as some generators have it
	other.P, other.Q, other.DP, other.DQ, other.QInv = good.Q, good.P, good.DQ, good.DP, new(big.Int).ModInverse(good.P, good.Q)
	mustKey(t, psa.Attributes{Type: psa.KeyRSAPair}, other.der(t))
	pkcs8, err := x509.MarshalPKCS8PrivateKey(testRSA()[2048])
	check(t, "PKCS#8", err)
	spki, err := x509.MarshalPKIXPublicKey(&testRSA()[2048].PublicKey)
	check(t, "SPKI", err)
	for typ, data := range map[psa.KeyType][]byte{psa.KeyRSAPair: pkcs8, psa.KeyRSAPublic: spki} {
		if _, err := material.New(psa.Attributes{Type: typ}, data); status(err) != 1135 {
			t.Errorf("%s in another format: %v", typ, err)
		}
	}
}

// The data of a pair with exponent 3 works.
func TestImportRSAExponent3(t *testing.T) {
	k := exponent3(t)
	key := mustKey(t, psa.Attributes{Type: psa.KeyRSAPair, Bits: 1024}, k)
	alg := psa.Algorithm{Kind: psa.AlgRSAPKCS1v15Sign, Hash: psa.HashSHA256}
	sig, err := key.SignHash(alg, make([]byte, 32))
	check(t, "sign", err)
	check(t, "verify", key.VerifyHash(alg, make([]byte, 32), sig))
}

// exponent3 makes a key of 1024 bits with the exponent 3.
func exponent3(t *testing.T) []byte {
	t.Helper()
	one, e := big.NewInt(1), big.NewInt(3)
	prime := func() *big.Int {
		for {
			p, err := rand.Prime(rand.Reader, 512)
			if err != nil {
				t.Fatal(err)
			}
			if new(big.Int).Mod(new(big.Int).Sub(p, one), e).Sign() != 0 {
				return p
			}
		}
	}
	for {
		p, q := prime(), prime()
		k := pkcs1{P: p, Q: q, E: e, N: new(big.Int).Mul(p, q)}
		p1, q1 := new(big.Int).Sub(p, one), new(big.Int).Sub(q, one)
		k.D = new(big.Int).ModInverse(e, new(big.Int).Mul(p1, q1))
		k.DP, k.DQ, k.QInv = new(big.Int).Mod(k.D, p1), new(big.Int).Mod(k.D, q1), new(big.Int).ModInverse(q, p)
		if k.N.BitLen() == 1024 && p.Cmp(q) != 0 {
			return k.der(t)
		}
	}
}
