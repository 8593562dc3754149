package tpm

import (
	"context"
	"crypto/ecdh"
	"crypto/subtle"
	"math/big"

	"github.com/google/go-tpm/tpm2"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
)

// withKey calls f with the key loaded.
func (p *Provider) withKey(ctx context.Context, key providers.Key, f func(*call, loaded) error) error {
	return p.do(ctx, func(c *call) error {
		l, err := c.load(key)
		if err != nil {
			return err
		}
		return f(c, l)
	})
}

// private refuses a public key where the private half is needed.
func private(key providers.Key) error {
	if key.Attributes.Type.Public() {
		return wire.Errorf(wire.StatusNotPermitted, "a public key cannot do this")
	}
	return nil
}

// SignHash signs a hash in the TPM.
func (p *Provider) SignHash(ctx context.Context, key providers.Key, alg psa.Algorithm, hash []byte) ([]byte, error) {
	if _, ok := signing[alg.Kind]; !ok {
		return nil, wire.Errorf(wire.StatusNotSupported, "a TPM signs no %s", alg)
	}
	if err := private(key); err != nil {
		return nil, err
	}
	if err := fits(key, alg); err != nil {
		return nil, err
	}
	if err := psa.CheckHashLength(alg, hash); err != nil {
		return nil, err
	}
	var signature []byte
	err := p.withKey(ctx, key, func(c *call, l loaded) error {
		rsp, err := run(c, command[tpm2.SignResponse](tpm2.Sign{
			KeyHandle: l.authorized(c, encryptCommand), Digest: tpm2.TPM2BDigest{Buffer: hash}, InScheme: l.scheme(alg),
			Validation: tpm2.TPMTTKHashCheck{Tag: tpm2.TPMSTHashCheck, Hierarchy: tpm2.TPMRHNull},
		}))
		if err != nil {
			return err
		}
		signature, err = l.signature(key.Attributes, alg.Kind, rsp.Signature)
		return err
	})
	return signature, err
}

// scheme returns what the TPM is to be told of a signature: nothing for keys that we made, for
// it is built into them; an adopted key may leave the choice.
func (s *stored) scheme(alg psa.Algorithm) tpm2.TPMTSigScheme {
	if s.adopted == nil {
		return tpm2.TPMTSigScheme{}
	}
	id := signing[alg.Kind]
	return tpm2.TPMTSigScheme{Scheme: id, Details: tpm2.NewTPMUSigScheme(id, &tpm2.TPMSSchemeHash{HashAlg: hashes[alg.Hash]})}
}

// signature brings a signature of the TPM into the format of the protocol.
func (s *stored) signature(attrs psa.Attributes, kind psa.Kind, t tpm2.TPMTSignature) ([]byte, error) {
	var err error
	switch kind {
	case psa.AlgRSAPKCS1v15Sign:
		var v *tpm2.TPMSSignatureRSA
		if v, err = t.Signature.RSASSA(); err == nil {
			return pad(v.Sig.Buffer, len(s.unique))
		}
	case psa.AlgRSAPSS:
		var v *tpm2.TPMSSignatureRSA
		if v, err = t.Signature.RSAPSS(); err == nil {
			return pad(v.Sig.Buffer, len(s.unique))
		}
	default:
		var v *tpm2.TPMSSignatureECC
		if v, err = t.Signature.ECDSA(); err == nil {
			bits := attrs.Bits
			if bits == 0 {
				bits = s.bits()
			}
			return s.pair(fieldSize(bits), v.SignatureR.Buffer, v.SignatureS.Buffer)
		}
	}
	return nil, wire.Errorf(wire.StatusCommunicationFailure, "TPM2_Sign answered another kind of signature: %w", err)
}

// pair returns a ‖ b, each of n bytes.
func (s *stored) pair(n int, a, b []byte) ([]byte, error) {
	a, err := pad(a, n)
	if err != nil {
		return nil, err
	}
	b, err = pad(b, n)
	return append(a, b...), err
}

// verifyInside lets the TPM verify an ECDSA signature, for curves that nothing else has.
func (p *Provider) verifyInside(ctx context.Context, key providers.Key, hash, r, s []byte) error {
	return p.withKey(ctx, key, func(c *call, l loaded) error {
		_, err := run(c, command[tpm2.VerifySignatureResponse](tpm2.VerifySignature{
			KeyHandle: l.named(), Digest: tpm2.TPM2BDigest{Buffer: hash},
			Signature: tpm2.TPMTSignature{SigAlg: tpm2.TPMAlgECDSA, Signature: tpm2.NewTPMUSignature(tpm2.TPMAlgECDSA, &tpm2.TPMSSignatureECC{
				Hash: hashes[key.Attributes.Alg.Hash], SignatureR: tpm2.TPM2BECCParameter{Buffer: r}, SignatureS: tpm2.TPM2BECCParameter{Buffer: s},
			})},
		}))
		return as(wire.StatusInvalidSignature, err, tpm2.TPMRCSignature, tpm2.TPMRCValue, tpm2.TPMRCRange, tpm2.TPMRCSize)
	})
}

// SignMessage hashes a message here and signs the hash in the TPM.
func (p *Provider) SignMessage(ctx context.Context, key providers.Key, alg psa.Algorithm, message []byte) ([]byte, error) {
	hash, err := providers.Digest(alg.Hash.Std(), message)
	if err != nil {
		return nil, err
	}
	return p.SignHash(ctx, key, alg, hash)
}

// VerifyMessage verifies a signature of a message.
func (p *Provider) VerifyMessage(ctx context.Context, key providers.Key, alg psa.Algorithm, message, signature []byte) error {
	hash, err := providers.Digest(alg.Hash.Std(), message)
	if err != nil {
		return err
	}
	return p.VerifyHash(ctx, key, alg, hash, signature)
}

// AsymmetricDecrypt decrypts in the TPM; salt is the label of OAEP.
func (p *Provider) AsymmetricDecrypt(ctx context.Context, key providers.Key, alg psa.Algorithm, ciphertext, salt []byte) ([]byte, error) {
	if !alg.Kind.Encryption() {
		return nil, wire.Errorf(wire.StatusNotSupported, "a TPM decrypts with no %s", alg)
	}
	if err := private(key); err != nil {
		return nil, err
	}
	if err := fits(key, alg); err != nil {
		return nil, err
	}
	var plaintext []byte
	err := p.withKey(ctx, key, func(c *call, l loaded) error {
		if n := len(l.unique); len(ciphertext) != n {
			return wire.Errorf(wire.StatusInvalidArgument, "the ciphertext has %d bytes, the modulus %d", len(ciphertext), n)
		}
		if new(big.Int).SetBytes(ciphertext).Cmp(new(big.Int).SetBytes(l.unique)) >= 0 {
			return wire.Errorf(wire.StatusInvalidArgument, "the ciphertext is not below the modulus")
		}
		rsp, err := run(c, command[tpm2.RSADecryptResponse](tpm2.RSADecrypt{
			KeyHandle: l.authorized(c, encryptBoth), CipherText: tpm2.TPM2BPublicKeyRSA{Buffer: ciphertext},
			InScheme: decryption(alg),
		}))
		if err != nil {
			if c.spurious(err) {
				return wire.StatusInvalidPadding
			}
			return as(wire.StatusInvalidPadding, err, tpm2.TPMRCValue)
		}
		plaintext = rsp.Message.Buffer
		if alg.Kind == psa.AlgRSAOAEP {
			defer clear(rsp.Message.Buffer)
			plaintext, err = oaepDecode(alg.Hash.Std(), rsp.Message.Buffer, len(l.unique), salt)
		}
		return err
	})
	return plaintext, err
}

// decryption returns the scheme for the TPM. The padding of OAEP is removed here: a TPM takes
// only labels that end in a zero byte and hashes that it knows, and libtpms answers a wrong
// padding as if it had failed its self-test.
func decryption(alg psa.Algorithm) tpm2.TPMTRSADecrypt {
	if alg.Kind == psa.AlgRSAOAEP {
		return tpm2.TPMTRSADecrypt{Scheme: tpm2.TPMAlgNull}
	}
	return tpm2.TPMTRSADecrypt{Scheme: tpm2.TPMAlgRSAES, Details: tpm2.NewTPMUAsymScheme(tpm2.TPMAlgRSAES, &tpm2.TPMSEncSchemeRSAES{})}
}

// RawKeyAgreement computes the x coordinate of the common point in the TPM.
func (p *Provider) RawKeyAgreement(ctx context.Context, key providers.Key, alg psa.Algorithm, peer []byte) ([]byte, error) {
	if alg.Kind != psa.AlgECDH {
		return nil, wire.Errorf(wire.StatusNotSupported, "a TPM agrees by ECDH, not %s", alg)
	}
	if err := private(key); err != nil {
		return nil, err
	}
	if err := fits(key, alg); err != nil {
		return nil, err
	}
	var secret []byte
	err := p.withKey(ctx, key, func(c *call, l loaded) error {
		bits := key.Attributes.Bits
		if bits == 0 {
			bits = l.bits()
		}
		n := fieldSize(bits)
		if err := checkPoint(bits, peer); err != nil {
			return err
		}
		rsp, err := run(c, command[tpm2.ECDHZGenResponse](tpm2.ECDHZGen{
			KeyHandle: l.authorized(c, encryptBoth), InPoint: tpm2.New2B(tpm2.TPMSECCPoint{
				X: tpm2.TPM2BECCParameter{Buffer: peer[1 : 1+n]}, Y: tpm2.TPM2BECCParameter{Buffer: peer[1+n:]},
			}),
		}))
		if err != nil {
			return err
		}
		point, err := rsp.OutPoint.Contents()
		if err != nil {
			return wire.Errorf(wire.StatusCommunicationFailure, "TPM2_ECDH_ZGen: %w", err)
		}
		secret, err = pad(point.X.Buffer, n)
		return err
	})
	return secret, err
}

// checkPoint refuses what is no uncompressed point of the curve. Of curves that the
// standard library lacks the TPM checks it.
func checkPoint(bits uint64, point []byte) error {
	if want := 1 + 2*fieldSize(bits); len(point) != want || point[0] != 4 {
		return wire.Errorf(wire.StatusInvalidArgument, "a public key of the curve has %d bytes, the first is 4; this has %d", want, len(point))
	}
	var err error
	switch bits {
	case 256:
		_, err = ecdh.P256().NewPublicKey(point)
	case 384:
		_, err = ecdh.P384().NewPublicKey(point)
	case 521:
		_, err = ecdh.P521().NewPublicKey(point)
	}
	if err != nil {
		return wire.Errorf(wire.StatusInvalidArgument, "the public key is no point of the curve: %w", err)
	}
	return nil
}

// MACVerify computes the code and compares in constant time.
func (p *Provider) MACVerify(ctx context.Context, key providers.Key, alg psa.Algorithm, input, mac []byte) error {
	want, err := p.MACCompute(ctx, key, alg, input)
	if err != nil {
		return err
	}
	defer clear(want)
	if subtle.ConstantTimeCompare(want, mac) != 1 {
		return wire.StatusInvalidSignature
	}
	return nil
}
