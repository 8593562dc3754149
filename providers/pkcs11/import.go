package pkcs11

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/x509"
	"math/big"
	"slices"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/ck"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/frame"
)

// ImportKey puts a key in the format of section 3.5 on the token. Bits of attrs may be 0.
// Whether private and secret keys can be imported is the token's decision.
func (p *Provider) ImportKey(ctx context.Context, attrs psa.Attributes, data []byte) (providers.KeyID, error) {
	return p.ImportLabelled(ctx, attrs, data, "")
}

// ImportLabelled is ImportKey with a label for the private half.
func (p *Provider) ImportLabelled(ctx context.Context, attrs psa.Attributes, data []byte, label string) (providers.KeyID, error) {
	if data == nil {
		data = []byte{} // nil would be generating
	}
	if err := p.CheckNewKey(attrs, data); err != nil {
		return nil, err
	}
	var plans []maker
	var err error
	switch attrs.Type {
	case psa.KeyRSAPublic, psa.KeyECCPublic:
		plans, err = importPublic(attrs, data)
	case psa.KeyRSAPair:
		plans, err = importRSA(attrs, data)
	case psa.KeyECCPair:
		plans, err = importECC(attrs, data)
	case psa.KeyAES:
		plans, err = importAES(attrs, data)
	default:
		err = wire.Errorf(wire.StatusNotSupported, "keys of type %s cannot be imported into tokens", attrs.Type)
	}
	if err != nil {
		return nil, err
	}
	return p.make(ctx, attrs, label, plans...)
}

// sameSize refuses key_bits that are not the key's.
func sameSize(a psa.Attributes, bits uint64) error {
	if a.Bits != 0 && a.Bits != bits {
		return wire.Errorf(wire.StatusInvalidArgument, "the key has %d bits, not %d", bits, a.Bits)
	}
	return nil
}

// create is a maker of an object that needs no mechanism to be made; its policy is the
// algorithm's, unless the object has its own.
func create(alg psa.Algorithm, template func(keyID, *profile, []uint64) []frame.Attribute) maker {
	return func(id keyID, c *connection) (*frame.Request, error) {
		allowed, err := c.profile.policyMechanisms(alg)
		return &frame.Request{Op: frame.OpCreate, Template: template(id, c.profile, allowed)}, err
	}
}

func importPublic(a psa.Attributes, data []byte) ([]maker, error) {
	k, err := parsePublic(a, data)
	if err == nil {
		err = sameSize(a, k.bits())
	}
	if err != nil {
		return nil, err
	}
	return []maker{create(importedPolicy(a), func(id keyID, p *profile, allowed []uint64) []frame.Attribute {
		return append(importedPublicTemplate(id, p, a, allowed), k.attributes(p)...)
	})}, nil
}

// importedPolicy is what a public key is made for: like the original, whatever the policy
// says, PKCS#1 v1.5 and ECDSA, except that keys for PSS and OAEP can do just these.
func importedPolicy(a psa.Attributes) psa.Algorithm {
	switch {
	case a.Type.ECC():
		return psa.Algorithm{Kind: psa.AlgECDSA}
	case a.Alg.Kind == psa.AlgRSAPSS || a.Alg.Kind == psa.AlgRSAOAEP:
		return a.Alg
	default:
		return psa.Algorithm{Kind: psa.AlgRSAPKCS1v15Sign}
	}
}

// parsePublic reads a public key of the size of the attributes, or of its own where they
// name none.
func parsePublic(a psa.Attributes, data []byte) (*public, error) {
	if a.Type.RSA() {
		return parseRSA(data)
	}
	for _, c := range curves {
		if a.Curve == psa.CurveSECPR1 && (a.Bits == c.bits || a.Bits == 0 && len(data) == 1+2*c.size()) {
			return &public{curve: c, point: data}, c.check(data)
		}
	}
	if a.Bits != 0 && a.Curve != psa.CurveMontgomery && a.Bits != 8*uint64((len(data)-1)/2) {
		return nil, wire.Errorf(wire.StatusInvalidArgument, "%d bytes are no point of a curve of %d bits", len(data), a.Bits)
	}
	return nil, wire.Errorf(wire.StatusNotSupported, "a curve %s with points of %d bytes is not available on tokens", a.Curve, len(data))
}

// attributes are what makes up the public half on a token.
func (k *public) attributes(p *profile) []frame.Attribute {
	if k.n != nil {
		return []frame.Attribute{
			frame.Number(ck.AttrKeyType, ck.KeyRSA), frame.Bytes(ck.AttrModulus, k.n.Bytes()), frame.Bytes(ck.AttrPublicExponent, k.e.Bytes()),
		}
	}
	return []frame.Attribute{
		frame.Number(ck.AttrKeyType, k.curve.keyType()), frame.Bytes(ck.AttrECParams, k.curve.params()), frame.Bytes(ck.AttrECPoint, encodePoint(k.point, p)),
	}
}

// keyType returns CKA_KEY_TYPE of keys on the curve.
func (c *curve) keyType() uint64 {
	if c == edwards25519 {
		return ck.KeyECEdwards
	}
	return ck.KeyEC
}

// pair imports a private key and its public half.
func pair(a psa.Attributes, k *public, private []frame.Attribute) ([]maker, error) {
	if err := sameSize(a, k.bits()); err != nil {
		return nil, err
	}
	if _, err := mechanisms(a.Alg); err != nil {
		return nil, err
	}
	return []maker{
		create(a.Alg, func(id keyID, p *profile, allowed []uint64) []frame.Attribute {
			return append(append(privateTemplate(id, p, a, allowed), frame.Bool(ck.AttrPrivate, true)), private...)
		}),
		create(a.Alg, func(id keyID, p *profile, allowed []uint64) []frame.Attribute {
			return append(publicTemplate(id, p, a, allowed), k.attributes(p)...)
		}),
	}, nil
}

func importRSA(a psa.Attributes, data []byte) ([]maker, error) {
	key, err := x509.ParsePKCS1PrivateKey(data)
	if err != nil || len(key.Primes) != 2 {
		return nil, wire.Errorf(wire.StatusInvalidArgument, "the data is no RSAPrivateKey of PKCS #1 with two primes")
	}
	k, err := newRSA(key.N, big.NewInt(int64(key.E)))
	if err != nil {
		return nil, err
	}
	key.Precompute()
	number := func(t uint64, n *big.Int) frame.Attribute { return frame.Bytes(t, n.Bytes()) }
	return pair(a, k, []frame.Attribute{
		frame.Number(ck.AttrKeyType, ck.KeyRSA), number(ck.AttrModulus, key.N), number(ck.AttrPublicExponent, k.e),
		number(ck.AttrPrivateExponent, key.D), number(ck.AttrPrime1, key.Primes[0]), number(ck.AttrPrime2, key.Primes[1]),
		number(ck.AttrExponent1, key.Precomputed.Dp), number(ck.AttrExponent2, key.Precomputed.Dq),
		number(ck.AttrCoefficient, key.Precomputed.Qinv),
	})
}

func importECC(a psa.Attributes, data []byte) ([]maker, error) {
	if a.Curve == psa.CurveEdwards {
		return importEdwards(a, data)
	}
	if a.Bits == 0 {
		a.Bits = 8 * uint64(len(data))
		if a.Bits == 528 {
			a.Bits = 521 // the one size that is not of whole bytes
		}
	}
	c, err := curveOf(a)
	if err != nil {
		return nil, err
	}
	if c.std == nil {
		return nil, wire.Errorf(wire.StatusNotSupported, "private keys of this curve cannot be imported")
	}
	key, err := ecdsa.ParseRawPrivateKey(c.std, data)
	if err != nil {
		return nil, wire.Errorf(wire.StatusInvalidArgument, "the data is no private key of %d bytes below the order of the curve", c.size())
	}
	point, err := key.PublicKey.Bytes()
	if err != nil {
		return nil, wire.Errorf(wire.StatusInvalidArgument, "the private key has no public half: %w", err)
	}
	return pair(a, &public{curve: c, point: point}, []frame.Attribute{
		frame.Number(ck.AttrKeyType, ck.KeyEC), frame.Bytes(ck.AttrECParams, c.params()), frame.Bytes(ck.AttrValue, data),
	})
}

// importEdwards imports the seed of an Ed25519 key.
func importEdwards(a psa.Attributes, seed []byte) ([]maker, error) {
	if len(seed) != ed25519.SeedSize {
		return nil, wire.Errorf(wire.StatusInvalidArgument, "a private key of this curve has %d bytes, not %d", ed25519.SeedSize, len(seed))
	}
	key := ed25519.NewKeyFromSeed(seed)
	defer clear(key)
	point := slices.Clone(key[ed25519.SeedSize:])
	return pair(a, &public{curve: edwards25519, point: point}, []frame.Attribute{
		frame.Number(ck.AttrKeyType, ck.KeyECEdwards), frame.Bytes(ck.AttrECParams, edwards25519.params()), frame.Bytes(ck.AttrValue, seed),
	})
}

func importAES(a psa.Attributes, data []byte) ([]maker, error) {
	bits := 8 * uint64(len(data))
	if err := sameSize(a, bits); err != nil {
		return nil, err
	}
	if !aesSize(bits) {
		return nil, wire.Errorf(wire.StatusInvalidArgument, "an aes key has 128, 192 or 256 bits, not %d", bits)
	}
	if _, err := mechanisms(a.Alg); err != nil {
		return nil, err
	}
	return []maker{create(a.Alg, func(id keyID, p *profile, allowed []uint64) []frame.Attribute {
		return append(secretTemplate(id, p, a, allowed), frame.Bytes(ck.AttrValue, data))
	})}, nil
}
