package pkcs11

import (
	"context"
	"crypto/aes"
	"crypto/rand"
	"slices"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/ck"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/frame"
)

// tagBits returns the length of an AEAD's tag.
func tagBits(alg psa.Algorithm) (uint64, error) {
	const full, shortest = 16, 4
	n := uint64(full)
	if alg.Truncated {
		n = alg.Length
	}
	if alg.Kind != psa.AlgGCM {
		return 0, wire.Errorf(wire.StatusNotSupported, "%s is not available on tokens", alg)
	}
	if n < shortest || n > full {
		return 0, wire.Errorf(wire.StatusInvalidArgument, "%s does not have tags of %d bytes", alg.Kind, n)
	}
	return 8 * n, nil
}

// maxNonce is the bound of PKCS #11 2.40. SoftHSM2 takes longer ones and uses others
// instead.
const maxNonce = 256

func gcm(alg psa.Algorithm, in providers.AEADInput) (frame.Mechanism, error) {
	bits, err := tagBits(alg)
	switch n := len(in.Nonce); {
	case err != nil:
	case n == 0:
		err = wire.Errorf(wire.StatusInvalidArgument, "the nonce is empty")
	case n > maxNonce:
		err = wire.Errorf(wire.StatusNotSupported, "tokens take nonces of %d bytes at most, not %d", maxNonce, n)
	}
	return frame.Mechanism{Type: ck.MechAESGCM, Parameter: frame.ParameterGCM, Bytes: in.Nonce, Extra: in.AdditionalData, Number: bits}, err
}

// AEADEncrypt seals.
func (p *Provider) AEADEncrypt(ctx context.Context, key providers.Key, alg psa.Algorithm, in providers.AEADInput) ([]byte, error) {
	m, err := gcm(alg, in)
	if err != nil {
		return nil, err
	}
	return p.operate(ctx, key, ck.ClassSecretKey, &frame.Request{Op: frame.OpEncrypt, Mechanism: m, Data: in.Data})
}

// AEADDecrypt opens.
func (p *Provider) AEADDecrypt(ctx context.Context, key providers.Key, alg psa.Algorithm, in providers.AEADInput) ([]byte, error) {
	m, err := gcm(alg, in)
	if err != nil {
		return nil, err
	}
	if uint64(len(in.Data)) < m.Number/8 {
		return nil, wire.Errorf(wire.StatusInvalidArgument, "%d bytes are shorter than the tag", len(in.Data))
	}
	out, err := p.operate(ctx, key, ck.ClassSecretKey, &frame.Request{Op: frame.OpDecrypt, Mechanism: m, Data: in.Data})
	switch resultOf(err) {
	case ck.RVEncryptedDataInvalid, ck.RVEncryptedDataLenRange, ck.RVGeneralError, ck.RVFunctionFailed, ck.RVSignatureInvalid:
		return nil, &wire.Error{Status: wire.StatusInvalidSignature, Err: err}
	default:
		return out, err
	}
}

// block returns the mechanism of a cipher with its initialisation vector.
func block(alg psa.Algorithm, iv []byte) (frame.Mechanism, error) {
	types, err := mechanisms(alg)
	if err != nil || !alg.Kind.Cipher() {
		return frame.Mechanism{}, wire.Errorf(wire.StatusNotSupported, "%s is not available on tokens", alg)
	}
	m := frame.Mechanism{Type: types[0], Parameter: frame.ParameterBytes, Bytes: iv}
	switch alg.Kind {
	case psa.AlgECBNoPadding:
		m.Parameter = frame.ParameterNone
	case psa.AlgCTR:
		m.Parameter, m.Number = frame.ParameterCTR, 8*aes.BlockSize
	default:
	}
	return m, nil
}

// ivSize is how many bytes stand before the ciphertext.
func ivSize(alg psa.Algorithm) int {
	if alg.Kind == psa.AlgECBNoPadding {
		return 0
	}
	return aes.BlockSize
}

// whole refuses what is not of whole blocks where there is no padding.
func whole(alg psa.Algorithm, n int) error {
	if alg.Kind != psa.AlgCTR && n%aes.BlockSize != 0 {
		return wire.Errorf(wire.StatusInvalidArgument, "%d bytes are not whole blocks of %d", n, aes.BlockSize)
	}
	return nil
}

// CipherEncrypt encrypts without authentication, under a fresh initialisation vector.
func (p *Provider) CipherEncrypt(ctx context.Context, key providers.Key, alg psa.Algorithm, plaintext []byte) ([]byte, error) {
	iv := make([]byte, ivSize(alg))
	_, _ = rand.Read(iv) // never fails
	m, err := block(alg, iv)
	if err != nil {
		return nil, err
	}
	if alg.Kind != psa.AlgCBCPKCS7 {
		if err := whole(alg, len(plaintext)); err != nil {
			return nil, err
		}
	}
	out, err := p.operate(ctx, key, ck.ClassSecretKey, &frame.Request{Op: frame.OpEncrypt, Mechanism: m, Data: plaintext})
	if err != nil {
		return nil, err
	}
	return slices.Concat(iv, out), nil
}

// CipherDecrypt decrypts without authentication.
func (p *Provider) CipherDecrypt(ctx context.Context, key providers.Key, alg psa.Algorithm, ciphertext []byte) ([]byte, error) {
	n := ivSize(alg)
	if len(ciphertext) < n {
		return nil, wire.Errorf(wire.StatusInvalidArgument, "%d bytes are shorter than the initialisation vector", len(ciphertext))
	}
	m, err := block(alg, ciphertext[:n])
	if err == nil {
		err = whole(alg, len(ciphertext)-n)
	}
	if err != nil {
		return nil, err
	}
	out, err := p.operate(ctx, key, ck.ClassSecretKey, &frame.Request{Op: frame.OpDecrypt, Mechanism: m, Data: ciphertext[n:]})
	return out, p.padding(err)
}
