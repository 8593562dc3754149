package material

import (
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// errSignature is the answer to every signature that does not verify, whatever is wrong.
func errSignature() error {
	return wire.Errorf(wire.StatusInvalidSignature, "the signature does not match")
}

// SignHash signs a hash. The caller has compared its length with the algorithm
// (psa.CheckHashLength).
func (k *Key) SignHash(alg psa.Algorithm, hash []byte) ([]byte, error) {
	if err := k.signsHashes(alg); err != nil {
		return nil, err
	}
	s, ok := k.m.(hashSigner)
	if !ok {
		return nil, k.cannot("sign")
	}
	return s.signHash(alg, hash)
}

// VerifyHash verifies a signature of a hash: nil, or StatusInvalidSignature for every
// signature that is not valid, of whatever length.
func (k *Key) VerifyHash(alg psa.Algorithm, hash, sig []byte) error {
	if err := k.signsHashes(alg); err != nil {
		return err
	}
	v, ok := k.m.(hashVerifier)
	if !ok {
		return k.cannot("verify")
	}
	return v.verifyHash(alg, hash, sig)
}

func (k *Key) signsHashes(alg psa.Algorithm) error {
	if alg.Kind == psa.AlgPureEdDSA {
		return wire.Errorf(wire.StatusInvalidArgument, "eddsa signs messages, not hashes")
	}
	return k.supports(alg, psa.Kind.Signature)
}

// supports is supported for k, and that alg is of the operation's class and fits k's type.
func (k *Key) supports(alg psa.Algorithm, class func(psa.Kind) bool) error {
	if !class(alg.Kind) || !k.attrs.Fits(alg) {
		return wire.Errorf(wire.StatusNotPermitted, "%s does not fit the operation on a key of type %s", alg, k.attrs.Type)
	}
	return supported(k.attrs, alg)
}

// SignMessage signs a message: EdDSA itself, the other algorithms its hash.
func (k *Key) SignMessage(alg psa.Algorithm, message []byte) ([]byte, error) {
	if alg.Kind == psa.AlgPureEdDSA {
		if err := k.supports(alg, psa.Kind.Signature); err != nil {
			return nil, err
		}
		if s, ok := k.m.(messageSigner); ok {
			return s.signMessage(message), nil
		}
		return nil, k.cannot("sign")
	}
	hash, err := digest(alg, message)
	if err != nil {
		return nil, err
	}
	return k.SignHash(alg, hash)
}

// VerifyMessage verifies a signature of a message, with the results of VerifyHash.
func (k *Key) VerifyMessage(alg psa.Algorithm, message, sig []byte) error {
	if alg.Kind == psa.AlgPureEdDSA {
		if err := k.supports(alg, psa.Kind.Signature); err != nil {
			return err
		}
		if v, ok := k.m.(messageVerifier); !ok || !v.verifyMessage(message, sig) {
			return errSignature()
		}
		return nil
	}
	hash, err := digest(alg, message)
	if err != nil {
		return err
	}
	return k.VerifyHash(alg, hash, sig)
}

// digest hashes a message for an algorithm that names its hash.
func digest(alg psa.Algorithm, message []byte) ([]byte, error) {
	if alg.Hash == psa.HashNone {
		return nil, wire.Errorf(wire.StatusInvalidArgument, "%s names no hash, so it signs hashes only", alg)
	}
	return HashCompute(alg.Hash, message)
}
