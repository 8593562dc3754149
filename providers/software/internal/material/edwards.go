package material

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"sync"
)

// edwards25519 is Ed25519: a private key is its 32-byte seed.
type edwards25519 struct{}

func (edwards25519) generate() ([]byte, error) {
	seed := make([]byte, ed25519.SeedSize)
	if _, err := rand.Read(seed); err != nil {
		return nil, fmt.Errorf("read randomness: %w", err)
	}
	return seed, nil
}

var errEdwardsLength = errors.New("the key does not have 32 bytes")

func (edwards25519) private(data []byte) (keyMaterial, error) {
	if len(data) != ed25519.SeedSize {
		return nil, errEdwardsLength
	}
	k := ed25519.NewKeyFromSeed(data)
	return &edPair{edPublic{ed25519.PublicKey(k[ed25519.SeedSize:])}, k}, nil
}

func (edwards25519) point(data []byte) (keyMaterial, error) {
	if len(data) != ed25519.PublicKeySize {
		return nil, errEdwardsLength
	}
	if !onEdwards(data) {
		return nil, errors.New("the data is not the encoding of a point on the curve")
	}
	return &edPublic{slices.Clone(data)}, nil
}

// edwardsField are the constants of RFC 8032 section 5.1: the prime and d = -121665/121666.
var edwardsField = sync.OnceValues(func() (p, d *big.Int) {
	p = new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))
	d = new(big.Int).ModInverse(big.NewInt(121666), p)
	return p, d.Mod(d.Mul(d, big.NewInt(-121665)), p)
})

// onEdwards reports whether b is the canonical encoding of a point: y is below the prime
// and x² = (y²-1)/(dy²+1) is a square. Public keys are not secret, so big.Int will do.
func onEdwards(b []byte) bool {
	le := slices.Clone(b)
	sign := le[31] >> 7
	le[31] &= 127
	slices.Reverse(le)
	p, d := edwardsField()
	y := new(big.Int).SetBytes(le)
	if y.Cmp(p) >= 0 {
		return false
	}
	one := big.NewInt(1)
	yy := new(big.Int).Mul(y, y)
	denominator := new(big.Int).Mul(d, yy)
	x := yy.Sub(yy, one)
	x.Mul(x, denominator.ModInverse(denominator.Add(denominator, one), p)) // -1/d is not a square, so never 0
	x.Mod(x, p)
	if x.Sign() == 0 {
		return sign == 0
	}
	return big.Jacobi(x, p) == 1
}

type edPublic struct{ pub ed25519.PublicKey }

type edPair struct {
	edPublic
	priv ed25519.PrivateKey
}

func (k *edPublic) public() []byte          { return slices.Clone(k.pub) }
func (k *edPublic) export() ([]byte, error) { return k.public(), nil }
func (k *edPublic) wipe()                   {}
func (k *edPair) export() ([]byte, error)   { return k.priv.Seed(), nil }
func (k *edPair) wipe()                     { clear(k.priv) }

func (k *edPublic) verifyMessage(msg, sig []byte) bool {
	return len(sig) == ed25519.SignatureSize && ed25519.Verify(k.pub, msg, sig)
}

func (k *edPair) signMessage(msg []byte) []byte { return ed25519.Sign(k.priv, msg) }
