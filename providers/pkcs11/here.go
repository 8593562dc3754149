package pkcs11

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha1" //nolint:gosec // keys of the original use it
	_ "crypto/sha256"
	_ "crypto/sha3"
	_ "crypto/sha512"
	"math/big"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
)

// smallest is the size in bits below which the standard library refuses RSA keys.
const smallest = 1024

// Public operations in the agent, with the public half that the token shows. done is false
// for what the standard library cannot do, which is then the token's.

func (p *Provider) verifyHere(ctx context.Context, key providers.Key, alg psa.Algorithm, hash, sig []byte) (done bool, err error) {
	k, err := p.public(ctx, key)
	if err != nil {
		return true, err
	}
	var valid bool
	switch std := alg.Hash.Std(); alg.Kind {
	case psa.AlgECDSA, psa.AlgECDSAAny:
		public := k.ecdsa()
		if public == nil {
			return false, nil
		}
		half := len(sig) / 2
		valid = ecdsa.Verify(public, hash, new(big.Int).SetBytes(sig[:half]), new(big.Int).SetBytes(sig[half:]))
	case psa.AlgRSAPKCS1v15Sign, psa.AlgRSAPKCS1v15SignRaw:
		public := k.rsa()
		if public == nil || public.N.BitLen() < smallest || alg.Kind == psa.AlgRSAPKCS1v15Sign && std == 0 {
			return false, nil
		}
		valid = rsa.VerifyPKCS1v15(public, std, hash, sig) == nil
	case psa.AlgRSAPSS:
		public := k.rsa()
		if public == nil || public.N.BitLen() < smallest || !std.Available() {
			return false, nil
		}
		salt := min(len(hash), public.Size()-len(hash)-2)
		if salt <= 0 {
			return false, nil
		}
		valid = rsa.VerifyPSS(public, std, hash, sig, &rsa.PSSOptions{SaltLength: salt}) == nil
	default:
		return false, nil
	}
	if !valid {
		return true, wire.StatusInvalidSignature
	}
	return true, nil
}

func (p *Provider) encryptHere(ctx context.Context, key providers.Key, alg psa.Algorithm, plaintext, label []byte) (out []byte, done bool, err error) {
	k, err := p.public(ctx, key)
	if err != nil {
		return nil, true, err
	}
	public, std := k.rsa(), alg.Hash.Std()
	switch {
	case public == nil || public.N.BitLen() < smallest:
		return nil, false, nil
	case alg.Kind == psa.AlgRSAPKCS1v15Crypt:
		//nolint:staticcheck // the scheme is the caller's choice, and only encryption is done here
		out, err = rsa.EncryptPKCS1v15(rand.Reader, public, plaintext)
	case alg.Kind == psa.AlgRSAOAEP && std.Available():
		out, err = rsa.EncryptOAEP(std.New(), rand.Reader, public, plaintext, label)
	default:
		return nil, false, nil
	}
	if err != nil {
		err = wire.Errorf(wire.StatusInvalidArgument, "a plaintext of %d bytes cannot be encrypted with a key of %d bits: %v", len(plaintext), k.bits(), err)
	}
	return out, true, err
}
