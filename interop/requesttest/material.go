package requesttest

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"math/rand/v2"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
)

// material is key data for imports, with the attributes that it really has.
type material struct {
	typ   psa.KeyType
	curve psa.Curve
	bits  uint64
	data  []byte
	of    *Key // whose public half it is, nil if it is nobody's
}

// RSA keys are generated once for a Source. The large ones take about a second, and hardware
// much longer to use them.
var (
	softwareRSASizes = []int{512, 1024, 1536, 2048, 3072, 4096}
	hardwareRSASizes = softwareRSASizes[:4]
)

// materials makes key data of every type from random numbers that can be repeated.
func materials(r *rand.Rand, rsaSizes []int) []material {
	var all []material
	for _, bits := range rsaSizes {
		key := rsaKey(r, bits)
		all = append(all,
			material{typ: psa.KeyRSAPair, bits: uint64(bits), data: x509.MarshalPKCS1PrivateKey(key)},
			material{typ: psa.KeyRSAPublic, bits: uint64(bits), data: x509.MarshalPKCS1PublicKey(&key.PublicKey)})
	}
	for _, c := range curves {
		for range 2 {
			all = append(all, material{typ: psa.KeyECCPair, curve: c.family, bits: c.bits, data: c.scalar(r)})
		}
	}
	symmetric := func(typ psa.KeyType, sizes ...int) {
		for _, n := range sizes {
			all = append(all, material{typ: typ, bits: uint64(8 * n), data: randomBytes(r, n)})
		}
	}
	symmetric(psa.KeyAES, 16, 24, 32)
	symmetric(psa.KeyCamellia, 16, 24, 32)
	symmetric(psa.KeyChaCha20, 32)
	symmetric(psa.KeyDES, 8, 16, 24)
	symmetric(psa.KeyARC4, 16)
	symmetric(psa.KeyRawData, 1, 20, 300)
	symmetric(psa.KeyHMAC, 1, 32, 200)
	symmetric(psa.KeyDerive, 32)
	return all
}

// curve is a curve by its family and size, with the order of its group as far as it
// matters for drawing scalars: the leading bits.
type curve struct {
	family psa.Curve
	bits   uint64
}

var curves = []curve{
	{psa.CurveSECPR1, 192},
	{psa.CurveSECPR1, 224},
	{psa.CurveSECPR1, 256},
	{psa.CurveSECPR1, 384},
	{psa.CurveSECPR1, 521},
	{psa.CurveSECPK1, 192},
	{psa.CurveSECPK1, 256},
	{psa.CurveBrainpoolPR1, 256},
	{psa.CurveBrainpoolPR1, 384},
	{psa.CurveBrainpoolPR1, 512},
	{psa.CurveMontgomery, 255},
	{psa.CurveMontgomery, 448},
}

// scalar draws a private key below the order: its top byte is small.
func (c curve) scalar(r *rand.Rand) []byte {
	b := randomBytes(r, int((c.bits+7)/8))
	if c.family == psa.CurveMontgomery {
		// Clamped, little-endian, RFC 7748.
		last := len(b) - 1
		if c.bits == 255 {
			b[0], b[last] = b[0]&248, b[last]&127|64
		} else {
			b[0], b[last] = b[0]&252, b[last]|128
		}
		return b
	}
	b[0] &= 0x3f
	if c.bits == 521 {
		b[0] = 0
	}
	return b
}

func randomBytes(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// rsaKey makes an RSA key from r: not for any use but tests, and repeatable, which the
// standard library's is not.
func rsaKey(r *rand.Rand, bits int) *rsa.PrivateKey {
	e := big.NewInt(65537)
	for {
		p, q := prime(r, bits/2), prime(r, bits/2)
		n := new(big.Int).Mul(p, q)
		one := big.NewInt(1)
		phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
		d := new(big.Int).ModInverse(e, phi)
		if p.Cmp(q) == 0 || n.BitLen() != bits || d == nil {
			continue
		}
		key := &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: n, E: 65537}, D: d, Primes: []*big.Int{p, q}}
		key.Precompute()
		return key
	}
}

// prime draws a prime with its two top bits set.
func prime(r *rand.Rand, bits int) *big.Int {
	for {
		b := randomBytes(r, bits/8)
		b[0] |= 0xc0
		b[len(b)-1] |= 1
		if p := new(big.Int).SetBytes(b); p.ProbablyPrime(10) {
			return p
		}
	}
}

// wrongForms returns the data in forms that an import must refuse.
func (m material) wrongForms(r *rand.Rand) [][]byte {
	cut := m.data[:len(m.data)-1]
	longer := append(append([]byte(nil), m.data...), 0)
	forms := [][]byte{cut, longer, {}, randomBytes(r, len(m.data)), make([]byte, len(m.data))}
	if m.typ == psa.KeyRSAPair {
		if key, err := x509.ParsePKCS1PrivateKey(m.data); err == nil {
			if der, err := x509.MarshalPKCS8PrivateKey(key); err == nil {
				forms = append(forms, der)
			}
			if der, err := x509.MarshalPKIXPublicKey(&key.PublicKey); err == nil {
				forms = append(forms, der)
			}
			forms = append(forms, pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: m.data}))
		}
	}
	return forms
}

func (m material) String() string { return fmt.Sprintf("%v %v %d", m.typ, m.curve, m.bits) }
