package trust

import (
	"fmt"

	"github.com/seed-73b3884f/parsec-agent/trust/internal/shamir"
)

// MaxShares is how many shares a secret can be split in (1.11).
const MaxShares = shamir.MaxShares

// Share is one part of a shared secret: its index, then one byte for each byte of the secret.
type Share struct{ secret }

// minShare is the shortest share.
const minShare = 2

// NewShare copies the bytes of a share.
func NewShare(b []byte) (Share, error) {
	if len(b) < minShare {
		return Share{}, fmt.Errorf("%w: a share has at least %d bytes", ErrKeySize, minShare)
	}
	return Share{newSecret(b)}, nil
}

// SplitSecret makes n shares of which any threshold give the secret back.
func SplitSecret(secretBytes []byte, threshold, n int) ([]Share, error) {
	parts, err := shamir.Split(secretBytes, threshold, n)
	if err != nil {
		return nil, err
	}
	shares := make([]Share, len(parts))
	for i, part := range parts {
		shares[i] = Share{take(part)}
	}
	return shares, nil
}

// CombineShares gives a secret back; shares that occur twice count once. The caller wipes it. Whether it is the right one shows when it is used.
func CombineShares(shares []Share, threshold int) ([]byte, error) {
	parts := make([][]byte, len(shares))
	for i, share := range shares {
		b, err := share.open()
		if err != nil {
			return nil, err
		}
		parts[i] = b
	}
	return shamir.Combine(parts, threshold)
}
