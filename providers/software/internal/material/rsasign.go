package material

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// pkcs1Overhead is the padding that PKCS#1 v1.5 needs at least, in bytes.
const pkcs1Overhead = 11

func (k *rsaPair) signHash(alg psa.Algorithm, hash []byte) ([]byte, error) {
	if alg.Kind == psa.AlgRSAPSS {
		h, opts := pssOptions(k.pub, alg)
		return k.made(rsa.SignPSS(rand.Reader, k.priv, h, hash, opts))
	}
	info, err := k.encodeHash(alg, hash)
	if err != nil {
		return nil, err
	}
	return k.made(rsa.SignPKCS1v15(nil, k.priv, 0, info))
}

// made turns an error of the library, which no valid input provokes, into one that says
// nothing of the key.
func (k *rsaPair) made(out []byte, err error) ([]byte, error) {
	if err != nil {
		return nil, wire.Errorf(wire.StatusGenericError, "the rsa operation failed: %w", err)
	}
	return out, nil
}

func (k *rsaPublic) verifyHash(alg psa.Algorithm, hash, sig []byte) error {
	if alg.Kind == psa.AlgRSAPSS {
		h, opts := pssOptions(k.pub, alg)
		if rsa.VerifyPSS(k.pub, h, hash, sig, opts) != nil {
			return errSignature()
		}
		return nil
	}
	// The original looks at the length of the signature before that of the hash.
	if len(sig) != k.pub.Size() {
		return errSignature()
	}
	info, err := k.encodeHash(alg, hash)
	if err != nil {
		return err
	}
	if rsa.VerifyPKCS1v15(k.pub, 0, info, sig) != nil {
		return errSignature()
	}
	return nil
}

// encodeHash returns what PKCS#1 v1.5 pads: the DigestInfo, or for the raw variant the
// caller's bytes. The library's own DigestInfo is not used, for its RIPEMD-160 has another
// object identifier than the original's.
func (k *rsaPublic) encodeHash(alg psa.Algorithm, hash []byte) ([]byte, error) {
	if alg.Kind == psa.AlgRSAPKCS1v15Sign {
		hash = append([]byte(digestInfo[alg.Hash]), hash...)
	}
	if room := k.pub.Size() - pkcs1Overhead; len(hash) > room {
		return nil, wire.Errorf(wire.StatusInvalidArgument, "%d bytes do not fit, this key signs at most %d", len(hash), room)
	}
	return hash, nil
}

// pssOptions gives the salt length of section 3.5: the hash's, or the largest that the key
// has room for. The hash is supported, and no supported key is too small for it.
func pssOptions(k *rsa.PublicKey, alg psa.Algorithm) (crypto.Hash, *rsa.PSSOptions) {
	h := alg.Hash.Std()
	encoded := (k.N.BitLen() - 1 + 7) / 8
	return h, &rsa.PSSOptions{SaltLength: min(h.Size(), encoded-h.Size()-2), Hash: h}
}
