package material

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"math/bits"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// Generate makes a key of the attributes' type, curve and size, and returns it in the
// format of section 3.5; the caller wipes it. Whether usage and algorithm fit the type is
// not examined, as in the original. Deprecated types are generated: refusing them
// (psa.Attributes.Deprecated) is the caller's.
func Generate(a psa.Attributes) ([]byte, error) {
	if a.Type.Public() {
		return nil, wire.Errorf(wire.StatusInvalidArgument, "a public key cannot be generated, only a pair")
	}
	if err := checkSize(a); err != nil {
		return nil, err
	}
	switch a.Type {
	case psa.KeyRSAPair:
		k, err := rsa.GenerateKey(rand.Reader, int(a.Bits)) //nolint:gosec // checked against the table
		if err != nil {
			return nil, fmt.Errorf("generate an rsa key: %w", err)
		}
		return x509.MarshalPKCS1PrivateKey(k), nil
	case psa.KeyECCPair:
		g, err := curveOf(a.Curve, a.Bits)
		if err != nil {
			return nil, err
		}
		return g.generate()
	case psa.KeyDHPair:
		return generateDH(a.Bits)
	default:
		return randomBytes(a.Type, byteSize(a.Bits))
	}
}

func randomBytes(t psa.KeyType, n int) ([]byte, error) {
	b := make([]byte, n)
	if _, err := rand.Read(b); err != nil {
		return nil, wire.Errorf(wire.StatusInsufficientEntropy, "read randomness: %w", err)
	}
	if t == psa.KeyDES { // the lowest bit of every byte makes its parity odd
		for i, v := range b {
			b[i] = v&^1 | byte(bits.OnesCount8(v>>1)&1^1) //nolint:gosec // one bit
		}
	}
	return b, nil
}
