package material

import (
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"sync"

	"filippo.io/bigmod"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// Finite field Diffie-Hellman in the groups of RFC 7919. Exponents are as long as the
// modulus, which bigmod raises to in constant time.

// dhSizes are the sizes of the groups in bits.
var dhSizes = []uint64{2048, 3072, 4096, 6144, 8192}

// dhOffsets are the numbers X of RFC 7919 appendix A that make the moduli
// 2^b - 2^(b-64) + (⌊2^(b-130)·e⌋ + X)·2^64 - 1 safe primes.
var dhOffsets = map[uint64]int64{2048: 560316, 3072: 2625351, 4096: 5736041, 6144: 15705020, 8192: 10965728}

type dhGroup struct {
	prime   *big.Int
	modulus *bigmod.Modulus
	size    int // bytes
}

var dhGroups = func() map[uint64]func() (*dhGroup, error) {
	m := make(map[uint64]func() (*dhGroup, error), len(dhSizes))
	for _, bits := range dhSizes {
		m[bits] = sync.OnceValues(func() (*dhGroup, error) { return newDHGroup(uint(bits), dhOffsets[bits]) })
	}
	return m
}()

func newDHGroup(bits uint, offset int64) (*dhGroup, error) {
	one := big.NewInt(1)
	shift := func(n uint) *big.Int { return new(big.Int).Lsh(one, n) }
	// e is the sum of 1/k!, here with 64 bits more than are needed.
	e, term := new(big.Int), shift(bits-130+64)
	for k := int64(1); term.Sign() > 0; k++ {
		e.Add(e, term)
		term.Quo(term, big.NewInt(k))
	}
	e.Rsh(e, 64)
	p := e.Lsh(e.Add(e, big.NewInt(offset)), 64)
	p.Add(p, shift(bits)).Sub(p, shift(bits-64)).Sub(p, one)
	m, err := bigmod.NewModulus(p.Bytes())
	if err != nil {
		return nil, fmt.Errorf("set up the group of %d bits: %w", bits, err)
	}
	return &dhGroup{p, m, int(bits / 8)}, nil
}

// element parses a number of the modulus's length between 1 and p-2 for exponents, 2 and
// p-2 for public values; in these groups that range has no small subgroups.
func (g *dhGroup) element(data []byte, least uint) (*bigmod.Nat, error) {
	if len(data) != g.size {
		return nil, fmt.Errorf("the value has %d bytes, the group %d", len(data), g.size)
	}
	n, err := bigmod.NewNat().SetBytes(data, g.modulus)
	if err != nil || n.IsMinusOne(g.modulus)|n.IsZero()|n.IsOne()&(least>>1) == 1 {
		return nil, errors.New("the value is out of the group's range")
	}
	return n, nil
}

func (g *dhGroup) power(base *bigmod.Nat, exponent []byte) *bigmod.Nat {
	return bigmod.NewNat().Exp(base, exponent, g.modulus)
}

func generateDH(bits uint64) ([]byte, error) {
	g, err := dhGroups[bits]()
	if err != nil {
		return nil, err
	}
	x := make([]byte, g.size)
	for { // the moduli begin with 64 ones: a second turn never happens in practice
		if _, err := rand.Read(x); err != nil {
			return nil, wire.Errorf(wire.StatusInsufficientEntropy, "read randomness: %w", err)
		}
		if _, err := g.element(x, 1); err == nil {
			return x, nil
		}
	}
}

// parseDH parses a private or public value; its length names the group and was checked.
func parseDH(t psa.KeyType, data []byte) (keyMaterial, error) {
	g, err := dhGroups[8*uint64(len(data))]()
	if err != nil {
		return nil, err
	}
	least := uint(1)
	if t.Public() {
		least = 2
	}
	n, err := g.element(data, least)
	if err != nil {
		return nil, wire.Errorf(wire.StatusInvalidArgument, "the data is not a key of the group: %v", err)
	}
	if t.Public() {
		return &dhPublic{g, n}, nil
	}
	two := bigmod.NewNat().SetUint(2).ExpandFor(g.modulus)
	return &dhPair{dhPublic{g, g.power(two, data)}, append([]byte(nil), data...)}, nil
}

type dhPublic struct {
	group *dhGroup
	y     *bigmod.Nat
}

type dhPair struct {
	dhPublic
	x []byte
}

func (k *dhPublic) public() []byte          { return k.y.Bytes(k.group.modulus) }
func (k *dhPublic) export() ([]byte, error) { return k.public(), nil }
func (k *dhPublic) wipe()                   {}
func (k *dhPair) export() ([]byte, error)   { return append([]byte(nil), k.x...), nil }
func (k *dhPair) wipe()                     { clear(k.x) }

func (k *dhPair) agree(peer []byte) ([]byte, error) {
	y, err := k.group.element(peer, 2)
	if err != nil {
		return nil, err
	}
	z := k.group.power(y, k.x)
	if z.IsOne()|z.IsMinusOne(k.group.modulus) == 1 {
		return nil, errors.New("the secret would be trivial")
	}
	return z.Bytes(k.group.modulus), nil
}
