// Package shamir shares a secret over the field GF(2^8) with the reduction polynomial 0x11D, which
// is not the one of AES. Arithmetic takes the same time for all values of secret bytes.
package shamir

import (
	"crypto/rand"
	"errors"
	"slices"
)

// MaxShares is how many shares there can be: one for each index but zero.
const MaxShares = 255

// Errors of Split and Combine.
var (
	ErrParameters = errors.New("threshold and number of shares do not go together")
	ErrShare      = errors.New("a share is too short, has the index 0, or is not as long as the others")
	ErrNotEnough  = errors.New("there are not enough different shares")
)

// mul multiplies in the field.
func mul(a, b byte) byte {
	var product byte
	for range 8 {
		product ^= a & -(b & 1)
		a = a<<1 ^ 0x1d&-(a>>7)
		b >>= 1
	}
	return product
}

// inverse is a^254.
func inverse(a byte) byte {
	result := byte(1)
	for range 7 {
		a = mul(a, a)
		result = mul(result, a)
	}
	return result
}

// Split makes n shares of which any threshold give the secret back. A share is its index, then one byte for each of the secret.
func Split(secret []byte, threshold, n int) ([][]byte, error) {
	if threshold < 1 || threshold > n || n > MaxShares || len(secret) == 0 {
		return nil, ErrParameters
	}
	shares := make([][]byte, n)
	for i := range shares {
		shares[i] = make([]byte, 1+len(secret))
		shares[i][0] = byte(i + 1)
	}
	coefficients := make([]byte, threshold)
	defer clear(coefficients)
	for at, value := range secret {
		_, _ = rand.Read(coefficients) // never fails
		coefficients[0] = value
		for _, share := range shares {
			share[1+at] = evaluate(coefficients, share[0])
		}
	}
	return shares, nil
}

// evaluate is Horner's rule.
func evaluate(coefficients []byte, x byte) byte {
	var y byte
	for _, c := range slices.Backward(coefficients) {
		y = mul(y, x) ^ c
	}
	return y
}

// Combine gives back the secret. Shares that occur twice count once; all that are left are used.
func Combine(shares [][]byte, threshold int) ([]byte, error) {
	if threshold < 1 || threshold > MaxShares {
		return nil, ErrParameters
	}
	distinct, err := distinct(shares)
	if err != nil {
		return nil, err
	}
	if len(distinct) < threshold {
		return nil, ErrNotEnough
	}
	secret := make([]byte, len(distinct[0])-1)
	for i, share := range distinct {
		weight := lagrange(distinct, i)
		for at := range secret {
			secret[at] ^= mul(weight, share[1+at])
		}
	}
	return secret, nil
}

func distinct(shares [][]byte) ([][]byte, error) {
	seen := [MaxShares + 1]bool{}
	kept := [][]byte{}
	for _, share := range shares {
		if len(share) < 2 || share[0] == 0 || len(share) != len(shares[0]) {
			return nil, ErrShare
		}
		if !seen[share[0]] {
			seen[share[0]] = true
			kept = append(kept, share)
		}
	}
	return kept, nil
}

// lagrange is the weight at 0 of share i. Indices are not secret.
func lagrange(shares [][]byte, i int) byte {
	weight := byte(1)
	for j := range shares {
		if j != i {
			x := shares[j][0]
			weight = mul(weight, mul(x, inverse(x^shares[i][0])))
		}
	}
	return weight
}
