package material

import (
	"crypto/hmac"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers/software/internal/material/mode"
)

// MAC computes the code of the input, truncated to the algorithm's length if it names one.
func (k *Key) MAC(alg psa.Algorithm, input []byte) ([]byte, error) {
	m, err := k.symmetric(alg, psa.Kind.MAC)
	if err != nil {
		return nil, err
	}
	var out []byte
	switch alg.Kind {
	case psa.AlgHMAC:
		h := hmac.New(alg.Hash.Std().New, m.secret)
		h.Write(input)
		out = h.Sum(nil)
	case psa.AlgCMAC:
		out = mode.CMAC(m.block, input)
	case psa.AlgCBCMAC:
		if out, err = mode.CBCMAC(m.block, input); err != nil {
			return nil, wire.Errorf(wire.StatusInvalidArgument, "cbc-mac takes one or more whole blocks of %d bytes, not %d bytes",
				m.block.BlockSize(), len(input))
		}
	default:
		return nil, k.cannot("authenticate with " + alg.String())
	}
	if alg.Truncated {
		out = out[:alg.Length]
	}
	return out, nil
}

// VerifyMAC verifies the code of the input; one that differs in content or length is
// StatusInvalidSignature.
func (k *Key) VerifyMAC(alg psa.Algorithm, input, mac []byte) error {
	want, err := k.MAC(alg, input)
	if err != nil {
		return err
	}
	if !hmac.Equal(want, mac) {
		return wire.Errorf(wire.StatusInvalidSignature, "the message authentication code does not match")
	}
	return nil
}
