package pkcs11

import (
	"context"
	"crypto"
	"crypto/subtle"
	"encoding/binary"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/ck"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/frame"
)

// OAEP in the agent, for tokens that have it not, or with SHA-1 and without a label only: the token
// does the private operation (CKM_RSA_X_509), the agent takes the padding off. Keys that were
// made for CKM_RSA_PKCS_OAEP alone, as the original makes them, cannot be used this way.

// foreignOAEP reports whether the token cannot do this OAEP itself.
func (c *connection) foreignOAEP(alg psa.Algorithm, label []byte) bool {
	if alg.Kind != psa.AlgRSAOAEP {
		return false
	}
	return c.profile.oaepHere || c.profile.oaepSHA1 && (alg.Hash != psa.HashSHA1 || len(label) > 0)
}

// policyMechanisms returns the mechanisms that a new key of the policy is made for.
func (p *profile) policyMechanisms(alg psa.Algorithm) ([]uint64, error) {
	types, err := mechanisms(alg)
	if (p.oaepSHA1 || p.oaepHere) && alg.Kind == psa.AlgRSAOAEP {
		types = append(types, ck.MechRSAX509)
	}
	return types, err
}

// decryptHere decrypts with OAEP in the agent. All failures of the padding are one.
func (p *Provider) decryptHere(ctx context.Context, key providers.Key, alg psa.Algorithm, ciphertext, label []byte) ([]byte, error) {
	std := alg.Hash.Std()
	if !std.Available() {
		return nil, wire.Errorf(wire.StatusNotSupported, "%s is not available", alg)
	}
	em, err := p.operate(ctx, key, ck.ClassPrivateKey, &frame.Request{
		Op: frame.OpDecrypt, Mechanism: frame.Mechanism{Type: ck.MechRSAX509}, Data: ciphertext,
	})
	if err != nil {
		return nil, err
	}
	defer clear(em)
	if len(em) > len(ciphertext) {
		return nil, wire.Errorf(wire.StatusHardwareFailure, "the token decrypted %d bytes to %d", len(ciphertext), len(em))
	}
	// Some libraries strip leading zeros.
	padded := make([]byte, len(ciphertext))
	defer clear(padded)
	copy(padded[len(padded)-len(em):], em)
	out, ok := unpadOAEP(std, padded, label)
	if !ok {
		return nil, wire.StatusInvalidPadding
	}
	return out, nil
}

// unpadOAEP takes the padding of RFC 8017, 7.1.2 off em, which it overwrites. Which part of
// the padding was wrong shows neither in the result nor in the time.
func unpadOAEP(std crypto.Hash, em, label []byte) ([]byte, bool) {
	n := std.Size()
	if len(em) < 2*n+2 {
		return nil, false
	}
	h := std.New()
	h.Write(label)
	want := h.Sum(nil)
	seed, db := em[1:1+n], em[1+n:]
	maskMGF1(std, seed, db)
	maskMGF1(std, db, seed)
	valid := subtle.ConstantTimeByteEq(em[0], 0) & subtle.ConstantTimeCompare(want, db[:n])
	// The message follows the first 1, before which only 0 may stand.
	looking, start := 1, 0
	for i, b := range db[n:] {
		zero, one := subtle.ConstantTimeByteEq(b, 0), subtle.ConstantTimeByteEq(b, 1)
		start = subtle.ConstantTimeSelect(looking&one, n+i+1, start)
		valid &= 1 ^ looking&(1^zero)&(1^one)
		looking &= 1 ^ one
	}
	if valid&(1^looking) != 1 {
		return nil, false
	}
	return append([]byte(nil), db[start:]...), true
}

// maskMGF1 XORs the mask that grows out of seed to out.
func maskMGF1(std crypto.Hash, out, seed []byte) {
	h := std.New()
	for counter := uint32(0); len(out) > 0; counter++ {
		h.Reset()
		h.Write(seed)
		h.Write(binary.BigEndian.AppendUint32(nil, counter))
		n := subtle.XORBytes(out, out, h.Sum(nil))
		out = out[n:]
	}
}
