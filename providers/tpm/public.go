package tpm

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha1" //nolint:gosec // signatures of old keys are verified with it
	_ "crypto/sha256"
	_ "crypto/sha3"
	_ "crypto/sha512"
	"crypto/x509"
	"errors"
	"math/big"
	"slices"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
)

// What needs no secret is computed here: the TPM is slow, and does one thing at a time.

// exponent is the only public exponent that the stored form has room for.
const exponent = 65537

// standardCurves are the curves that the standard library has too.
var standardCurves = map[uint64]elliptic.Curve{
	224: elliptic.P224(), 256: elliptic.P256(), 384: elliptic.P384(), 521: elliptic.P521(),
}

// ExportPublicKey returns the public half without asking the TPM.
func (p *Provider) ExportPublicKey(_ context.Context, key providers.Key) ([]byte, error) {
	s, err := decodeKey(key)
	if err != nil {
		return nil, err
	}
	if _, err := s.area(key.Attributes); err != nil {
		return nil, err
	}
	switch s.kind {
	case publicRSA:
		return x509.MarshalPKCS1PublicKey(s.rsa()), nil
	case publicECC:
		return s.point(key.Attributes)
	default:
		return nil, wire.Errorf(wire.StatusInvalidArgument, "a key of type %s has no public half", key.Attributes.Type)
	}
}

func (s *stored) rsa() *rsa.PublicKey {
	return &rsa.PublicKey{N: new(big.Int).SetBytes(s.unique), E: exponent}
}

// point returns 04 ‖ x ‖ y. TPMs may leave out leading zero bytes of coordinates.
func (s *stored) point(attrs psa.Attributes) ([]byte, error) {
	bits := attrs.Bits
	if bits == 0 {
		bits = s.bits()
	}
	x, err := pad(s.unique, fieldSize(bits))
	if err != nil {
		return nil, err
	}
	y, err := pad(s.y, fieldSize(bits))
	return slices.Concat([]byte{4}, x, y), err
}

// pad brings a big-endian number to a length.
func pad(b []byte, n int) ([]byte, error) {
	for len(b) > n && b[0] == 0 {
		b = b[1:]
	}
	if len(b) > n {
		return nil, wire.Errorf(wire.StatusDataCorrupt, "a number of %d bytes where %d fit", len(b), n)
	}
	return append(make([]byte, n-len(b)), b...), nil
}

// ecdsa returns the public half for the standard library, nil for a curve that it lacks.
func (s *stored) ecdsa(attrs psa.Attributes) (*ecdsa.PublicKey, error) {
	curve, ok := standardCurves[attrs.Bits]
	if !ok {
		return nil, nil //nolint:nilnil // the TPM verifies then
	}
	point, err := s.point(attrs)
	if err != nil {
		return nil, err
	}
	k, err := ecdsa.ParseUncompressedPublicKey(curve, point)
	if err != nil {
		return nil, wire.Errorf(wire.StatusDataCorrupt, "the stored public half is no point of the curve: %w", err)
	}
	return k, nil
}

// VerifyHash verifies a signature of a hash. A signature with a length that none of the
// key has is StatusInvalidArgument for ECDSA, as the original answers.
func (p *Provider) VerifyHash(ctx context.Context, key providers.Key, alg psa.Algorithm, hash, signature []byte) error {
	s, err := decodeKey(key)
	if err != nil {
		return err
	}
	if err := fits(key, alg); err != nil {
		return err
	}
	if err := psa.CheckHashLength(alg, hash); err != nil {
		return err
	}
	if _, err := s.area(key.Attributes); err != nil {
		return err
	}
	var ok bool
	switch alg.Kind {
	case psa.AlgRSAPKCS1v15Sign:
		ok = rsa.VerifyPKCS1v15(s.rsa(), alg.Hash.Std(), hash, signature) == nil
	case psa.AlgRSAPSS:
		// Older TPMs take the longest salt that fits, newer ones one as long as the hash.
		ok = rsa.VerifyPSS(s.rsa(), alg.Hash.Std(), hash, signature, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthAuto}) == nil
	case psa.AlgECDSA:
		return p.verifyECDSA(ctx, key, s, hash, signature)
	default:
		return wire.Errorf(wire.StatusNotSupported, "a TPM verifies no %s", alg)
	}
	if !ok {
		return wire.StatusInvalidSignature
	}
	return nil
}

func (p *Provider) verifyECDSA(ctx context.Context, key providers.Key, s *stored, hash, signature []byte) error {
	attrs := key.Attributes
	if attrs.Bits == 0 {
		attrs.Bits = s.bits()
	}
	n := fieldSize(attrs.Bits)
	if len(signature) != 2*n {
		return wire.Errorf(wire.StatusInvalidArgument, "the signature has %d bytes, signatures of the key have %d", len(signature), 2*n)
	}
	public, err := s.ecdsa(attrs)
	if err != nil {
		return err
	}
	if public == nil {
		return p.verifyInside(ctx, key, hash, signature[:n], signature[n:])
	}
	if !ecdsa.Verify(public, hash, new(big.Int).SetBytes(signature[:n]), new(big.Int).SetBytes(signature[n:])) {
		return wire.StatusInvalidSignature
	}
	return nil
}

// AsymmetricEncrypt encrypts to the public half; salt is the label of OAEP.
func (p *Provider) AsymmetricEncrypt(_ context.Context, key providers.Key, alg psa.Algorithm, plaintext, salt []byte) ([]byte, error) {
	s, err := decodeKey(key)
	if err != nil {
		return nil, err
	}
	if err := fits(key, alg); err != nil {
		return nil, err
	}
	if _, err := s.area(key.Attributes); err != nil {
		return nil, err
	}
	var ciphertext []byte
	switch alg.Kind {
	case psa.AlgRSAPKCS1v15Crypt:
		ciphertext, err = rsa.EncryptPKCS1v15(rand.Reader, s.rsa(), plaintext) //nolint:staticcheck // the protocol has it
	case psa.AlgRSAOAEP:
		ciphertext, err = rsa.EncryptOAEP(alg.Hash.Std().New(), rand.Reader, s.rsa(), plaintext, salt)
	default:
		return nil, wire.Errorf(wire.StatusNotSupported, "a TPM encrypts with no %s", alg)
	}
	if errors.Is(err, rsa.ErrMessageTooLong) {
		err = wire.Errorf(wire.StatusInvalidArgument, "%d bytes are too long for the key and %s", len(plaintext), alg)
	}
	return ciphertext, err
}

// fits refuses an algorithm that is not the key's: the algorithm is built into the key.
func fits(key providers.Key, alg psa.Algorithm) error {
	if key.Attributes.Alg != alg {
		return wire.Errorf(wire.StatusNotPermitted, "the key is made for %s, not %s", key.Attributes.Alg, alg)
	}
	return nil
}
