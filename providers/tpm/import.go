package tpm

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"

	"github.com/google/go-tpm/tpm2"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
)

// Measure returns the size in bits of a key to be imported without one, 0 when the data
// tells none. The original stores the real size.
func (p *Provider) Measure(attrs psa.Attributes, data []byte) uint64 {
	s, _, err := parse(attrs, data)
	if err != nil {
		return 0
	}
	return s.bits()
}

// ImportKey takes a public key, an RSA or elliptic curve key pair, or an HMAC key. The
// private half of a pair is wrapped for the TPM before it leaves the agent.
func (p *Provider) ImportKey(ctx context.Context, attrs psa.Attributes, data []byte) (providers.KeyID, error) {
	if attrs.Type == psa.KeyHMAC {
		return p.importHMAC(ctx, attrs, data)
	}
	s, secret, err := parse(attrs, data)
	defer wipe(secret)
	if err != nil {
		return nil, err
	}
	if bits := s.bits(); attrs.Bits == 0 {
		attrs.Bits = bits
	} else if attrs.Bits != bits {
		return nil, wire.Errorf(wire.StatusInvalidArgument, "the key has %d bits, not %d", bits, attrs.Bits)
	}
	public, err := s.area(attrs)
	if err != nil {
		return nil, err
	}
	if secret == nil {
		err = p.tryPublic(ctx, s, public)
	} else {
		err = p.importPrivate(ctx, s, public, secret)
	}
	if err != nil {
		return nil, err
	}
	return s.encode(), nil
}

// tryPublic loads a public key once, so that the TPM judges it.
func (p *Provider) tryPublic(ctx context.Context, s *stored, public *tpm2.TPMTPublic) error {
	return p.do(ctx, func(c *call) error {
		c.cache.shrink(c, c.cache.room-1)
		o, err := c.place(s, public)
		if err == nil {
			c.flush(o.handle)
		}
		return as(wire.StatusNotSupported, err, tpm2.TPMRCValue)
	})
}

// importPrivate encrypts the private half to the storage key and lets the TPM take it.
func (p *Provider) importPrivate(ctx context.Context, s *stored, public *tpm2.TPMTPublic, secret *tpm2.TPMTSensitive) error {
	s.auth = newAuth()
	secret.AuthValue = tpm2.TPM2BAuth{Buffer: s.auth}
	name, err := nameOf(public)
	if err != nil {
		return err
	}
	return p.do(ctx, func(c *call) error {
		target, err := tpm2.ImportEncapsulationKey(&c.primary.public)
		if err != nil {
			return err
		}
		plain := tpm2.Marshal(*secret)
		defer clear(plain)
		duplicate, seed, err := tpm2.CreateDuplicate(rand.Reader, target, name, plain)
		if err != nil {
			return err
		}
		c.cache.shrink(c, c.can.transient-2)
		rsp, err := run(c, command[tpm2.ImportResponse](tpm2.Import{
			ParentHandle: c.parent(), ObjectPublic: tpm2.New2B(*public),
			Duplicate: tpm2.TPM2BPrivate{Buffer: duplicate}, InSymSeed: tpm2.TPM2BEncryptedSecret{Buffer: seed},
			Symmetric: tpm2.TPMTSymDef{Algorithm: tpm2.TPMAlgNull},
		}))
		if err != nil {
			err = as(wire.StatusInvalidArgument, err, tpm2.TPMRCBinding)
			return as(wire.StatusNotSupported, err, tpm2.TPMRCValue)
		}
		s.private = rsp.OutPrivate.Buffer
		return nil
	})
}

func (p *Provider) importHMAC(ctx context.Context, attrs psa.Attributes, data []byte) (providers.KeyID, error) {
	public, err := publicArea(attrs)
	if err != nil {
		return nil, err
	}
	bits := uint64(len(data)) * 8
	switch {
	case len(data) == 0 || attrs.Bits != 0 && attrs.Bits != bits:
		return nil, wire.Errorf(wire.StatusInvalidArgument, "the key has %d bits, not %d", bits, attrs.Bits)
	case len(data) > maxHMACKey(attrs.Alg.Hash):
		return nil, wire.Errorf(wire.StatusNotSupported, "HMAC keys of a TPM with %s have at most %d bits, not %d",
			attrs.Alg.Hash, maxHMACKey(attrs.Alg.Hash)*8, bits)
	}
	return p.createFrom(ctx, public, data)
}

// parse reads a key in the format of the protocol. secret is nil for a public key.
func parse(attrs psa.Attributes, data []byte) (s *stored, secret *tpm2.TPMTSensitive, err error) {
	switch attrs.Type {
	case psa.KeyRSAPublic:
		s, err = parseRSAPublic(data)
	case psa.KeyRSAPair:
		s, secret, err = parseRSA(data)
	case psa.KeyECCPublic:
		s, err = parsePoint(attrs, data)
	case psa.KeyECCPair:
		s, secret, err = parseScalar(attrs, data)
	default:
		err = wire.Errorf(wire.StatusNotSupported, "keys of type %s cannot be imported into a TPM", attrs.Type)
	}
	return s, secret, err
}

func parseRSAPublic(data []byte) (*stored, error) {
	k, err := x509.ParsePKCS1PublicKey(data)
	if err != nil {
		return nil, wire.Errorf(wire.StatusInvalidArgument, "the data is no RSAPublicKey of PKCS #1: %w", err)
	}
	if k.E != exponent {
		return nil, wire.Errorf(wire.StatusNotSupported, "the public exponent is %d; for a TPM it must be %d", k.E, exponent)
	}
	return &stored{kind: publicRSA, unique: k.N.Bytes()}, nil
}

func parseRSA(data []byte) (*stored, *tpm2.TPMTSensitive, error) {
	k, err := x509.ParsePKCS1PrivateKey(data)
	if err != nil {
		return nil, nil, wire.Errorf(wire.StatusInvalidArgument, "the data is no RSAPrivateKey of PKCS #1: %w", err)
	}
	if k.E != exponent || len(k.Primes) != 2 {
		return nil, nil, wire.Errorf(wire.StatusNotSupported, "a TPM takes RSA keys of two primes with the public exponent %d", exponent)
	}
	n := k.N.Bytes()
	prime := k.Primes[0].FillBytes(make([]byte, len(n)/2))
	return &stored{kind: publicRSA, unique: n, form: formImported}, &tpm2.TPMTSensitive{
		SensitiveType: tpm2.TPMAlgRSA, Sensitive: tpm2.NewTPMUSensitiveComposite(tpm2.TPMAlgRSA, &tpm2.TPM2BPrivateKeyRSA{Buffer: prime}),
	}, nil
}

// pointBits returns the size of the curve on which a point of n bytes is, 0 for none.
func pointBits(n int) uint64 {
	for bits := range curves {
		if n == 1+2*fieldSize(bits) {
			return bits
		}
	}
	return 0
}

func parsePoint(attrs psa.Attributes, data []byte) (*stored, error) {
	if attrs.Curve != psa.CurveSECPR1 {
		return nil, wire.Errorf(wire.StatusNotSupported, "a TPM has no curve of family %s", attrs.Curve)
	}
	bits := attrs.Bits
	if bits == 0 {
		bits = pointBits(len(data))
	}
	if curves[bits] == 0 {
		return nil, wire.Errorf(wire.StatusNotSupported, "a TPM has no curve with %d bits whose points have %d bytes", bits, len(data))
	}
	if err := checkPoint(bits, data); err != nil {
		return nil, err
	}
	if curve, ok := standardCurves[bits]; ok {
		if _, err := ecdsa.ParseUncompressedPublicKey(curve, data); err != nil {
			return nil, wire.Errorf(wire.StatusInvalidArgument, "the data is no point of the curve: %w", err)
		}
	}
	n := fieldSize(bits)
	return &stored{kind: publicECC, unique: data[1 : 1+n], y: data[1+n:]}, nil
}

func parseScalar(attrs psa.Attributes, data []byte) (*stored, *tpm2.TPMTSensitive, error) {
	bits := attrs.Bits
	if bits == 0 {
		bits = scalarBits(len(data))
	}
	curve, ok := standardCurves[bits]
	if !ok || attrs.Curve != psa.CurveSECPR1 {
		return nil, nil, wire.Errorf(wire.StatusNotSupported, "key pairs of curve %s with %d bits cannot be imported into a TPM", attrs.Curve, bits)
	}
	k, err := ecdsa.ParseRawPrivateKey(curve, data)
	if err != nil {
		return nil, nil, wire.Errorf(wire.StatusInvalidArgument, "the data is no private key of the curve: %w", err)
	}
	point, err := k.PublicKey.Bytes()
	if err != nil {
		return nil, nil, err
	}
	n := fieldSize(bits)
	return &stored{kind: publicECC, unique: point[1 : 1+n], y: point[1+n:], form: formImported}, &tpm2.TPMTSensitive{
		SensitiveType: tpm2.TPMAlgECC,
		Sensitive:     tpm2.NewTPMUSensitiveComposite(tpm2.TPMAlgECC, &tpm2.TPM2BECCParameter{Buffer: append([]byte(nil), data...)}),
	}, nil
}

func scalarBits(n int) uint64 {
	for bits := range standardCurves {
		if n == fieldSize(bits) {
			return bits
		}
	}
	return 0
}

// wipe overwrites the private half where the library keeps it.
func wipe(secret *tpm2.TPMTSensitive) {
	if secret == nil {
		return
	}
	if v, err := secret.Sensitive.RSA(); err == nil {
		clear(v.Buffer)
	}
	if v, err := secret.Sensitive.ECC(); err == nil {
		clear(v.Buffer)
	}
}
