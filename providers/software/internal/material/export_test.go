package material

import (
	"math/big"
	"testing"
)

// DHPrimesForTest returns the moduli of all groups by their size in bits.
func DHPrimesForTest(t *testing.T) map[int]*big.Int {
	t.Helper()
	primes := map[int]*big.Int{}
	for bits, group := range dhGroups {
		g, err := group()
		if err != nil {
			t.Fatal(err)
		}
		primes[int(bits)] = g.prime
	}
	return primes
}
