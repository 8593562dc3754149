package pkcs11

import (
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/ck"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/frame"
)

// tokenHash is a hash as a parameter of RSA mechanisms.
type tokenHash struct{ mechanism, mgf uint64 }

var tokenHashes = map[psa.Hash]tokenHash{
	psa.HashSHA1:   {ck.MechSHA1, ck.MGF1SHA1},
	psa.HashSHA224: {ck.MechSHA224, ck.MGF1SHA224},
	psa.HashSHA256: {ck.MechSHA256, ck.MGF1SHA256},
	psa.HashSHA384: {ck.MechSHA384, ck.MGF1SHA384},
	psa.HashSHA512: {ck.MechSHA512, ck.MGF1SHA512},
}

// mechanisms returns the mechanism types that a key with the policy may be used with, the
// one of its operations first.
func mechanisms(alg psa.Algorithm) ([]uint64, error) {
	switch alg.Kind {
	case psa.AlgRSAPKCS1v15Sign, psa.AlgRSAPKCS1v15SignRaw, psa.AlgRSAPKCS1v15Crypt:
		return []uint64{ck.MechRSAPKCS}, nil
	case psa.AlgRSAPSS:
		return []uint64{ck.MechRSAPSS}, nil
	case psa.AlgRSAOAEP:
		return []uint64{ck.MechRSAOAEP}, nil
	case psa.AlgECDSA, psa.AlgECDSAAny:
		return []uint64{ck.MechECDSA}, nil
	case psa.AlgPureEdDSA:
		return []uint64{ck.MechEDDSA}, nil
	case psa.AlgECDH:
		if alg.KDF == psa.AlgNone {
			return []uint64{ck.MechECDH1Derive}, nil
		}
	case psa.AlgGCM:
		return []uint64{ck.MechAESGCM}, nil
	case psa.AlgCTR:
		return []uint64{ck.MechAESCTR}, nil
	case psa.AlgECBNoPadding:
		return []uint64{ck.MechAESECB}, nil
	case psa.AlgCBCNoPadding:
		return []uint64{ck.MechAESCBC}, nil
	case psa.AlgCBCPKCS7:
		return []uint64{ck.MechAESCBCPad}, nil
	default:
	}
	return nil, wire.Errorf(wire.StatusNotSupported, "%s is not available on tokens", alg)
}

// signature returns the mechanism of a signature, and what the token signs for a hash.
func signature(a psa.Attributes, alg psa.Algorithm, modulus int, hash []byte) (frame.Mechanism, []byte, error) {
	switch alg.Kind {
	case psa.AlgRSAPKCS1v15Sign:
		info, err := digestInfo(alg.Hash, hash)
		return frame.Mechanism{Type: ck.MechRSAPKCS}, info, err
	case psa.AlgRSAPKCS1v15SignRaw:
		return frame.Mechanism{Type: ck.MechRSAPKCS}, hash, nil
	case psa.AlgRSAPSS:
		m, err := pss(alg.Hash, modulus)
		return m, hash, err
	case psa.AlgECDSA, psa.AlgECDSAAny:
		c, err := curveOf(a)
		if err != nil {
			return frame.Mechanism{}, nil, err
		}
		// ECDSA uses as many bits as the order has, which are whole bytes where a hash is
		// longer.
		return frame.Mechanism{Type: ck.MechECDSA}, hash[:min(len(hash), c.size())], nil
	default:
		return frame.Mechanism{}, nil, wire.Errorf(wire.StatusNotSupported, "%s is not available on tokens", alg)
	}
}

// pss returns the mechanism for a modulus of that many bytes: salt as long as the hash, or
// the longest that fits.
func pss(h psa.Hash, modulus int) (frame.Mechanism, error) {
	t, ok := tokenHashes[h]
	if !ok {
		return frame.Mechanism{}, wire.Errorf(wire.StatusNotSupported, "pss with the hash %s is not available on tokens", h)
	}
	salt := min(h.Size(), modulus-h.Size()-2)
	if salt < 0 {
		return frame.Mechanism{}, wire.Errorf(wire.StatusInvalidArgument, "a key of %d bits is too small for pss with %s", 8*modulus, h)
	}
	return frame.Mechanism{
		Type: ck.MechRSAPSS, Parameter: frame.ParameterPSS, Hash: t.mechanism, MGF: t.mgf, Number: uint64(salt),
	}, nil
}

// encryption returns the mechanism of asymmetric encryption.
func encryption(alg psa.Algorithm, label []byte) (frame.Mechanism, error) {
	if alg.Kind == psa.AlgRSAPKCS1v15Crypt {
		return frame.Mechanism{Type: ck.MechRSAPKCS}, nil
	}
	t, ok := tokenHashes[alg.Hash]
	if !ok || alg.Kind != psa.AlgRSAOAEP {
		return frame.Mechanism{}, wire.Errorf(wire.StatusNotSupported, "%s is not available on tokens", alg)
	}
	return frame.Mechanism{Type: ck.MechRSAOAEP, Parameter: frame.ParameterOAEP, Hash: t.mechanism, MGF: t.mgf, Bytes: label}, nil
}
