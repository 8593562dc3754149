package material

import (
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// supported answers whether a specific algorithm can be used with keys of the attributes'
// type, curve and size (0 when not known): nil or the status of an attempt. Every use and
// CanDoCrypto ask here. That the algorithm fits the type at all is psa.Attributes.Fits.
func supported(a psa.Attributes, alg psa.Algorithm) error {
	switch k := alg.Kind; {
	case k == psa.AlgHMAC:
		return supportedMAC(alg, alg.Hash.Size())
	case k == psa.AlgCMAC || k == psa.AlgCBCMAC:
		return supportedMAC(alg, blockSizeOf(a.Type))
	case k.Cipher():
		return supportedCipher(a, k)
	case k.AEAD():
		_, err := tagSize(alg)
		return err
	case k.Signature():
		return supportedSignature(a, alg)
	case k == psa.AlgRSAOAEP:
		if _, err := supportedHash(alg.Hash); err != nil {
			return wire.Errorf(wire.StatusInvalidArgument, "oaep with the hash %s is not supported", alg.Hash)
		}
		return nil
	case k == psa.AlgRSAPKCS1v15Crypt || k == psa.AlgFFDH || k == psa.AlgECDH:
		return nil
	default:
		return wire.Errorf(wire.StatusNotSupported, "no operation uses %s", alg)
	}
}

func supportedSignature(a psa.Attributes, alg psa.Algorithm) error {
	if a.Curve == psa.CurveMontgomery {
		return wire.Errorf(wire.StatusInvalidArgument, "a montgomery curve cannot sign")
	}
	switch alg.Kind {
	case psa.AlgRSAPKCS1v15SignRaw, psa.AlgECDSAAny, psa.AlgPureEdDSA:
		return nil
	default:
		_, err := supportedHash(alg.Hash)
		return err
	}
}

// shortestMAC is the length in bytes below which a truncated MAC can be guessed.
const shortestMAC = 4

// supportedMAC checks the hash and the truncation of a MAC of full length size.
func supportedMAC(alg psa.Algorithm, size int) error {
	if alg.Kind == psa.AlgHMAC {
		if _, err := supportedHash(alg.Hash); err != nil {
			return err
		}
	}
	switch {
	case !alg.Truncated:
		return nil
	case alg.Length < shortestMAC:
		return wire.Errorf(wire.StatusNotSupported, "a mac of %d bytes is too short, %d are the least", alg.Length, shortestMAC)
	case alg.Length > uint64(size): //nolint:gosec // a size is not negative
		return wire.Errorf(wire.StatusInvalidArgument, "a mac of %d bytes cannot be truncated to %d", size, alg.Length)
	}
	return nil
}

// xtsKeyBits is the size of the one key of permitted size that XTS can split in halves.
const xtsKeyBits = 256

func supportedCipher(a psa.Attributes, k psa.Kind) error {
	switch {
	case k != psa.AlgXTS:
		return nil
	case blockSizeOf(a.Type) != 16:
		return wire.Errorf(wire.StatusNotSupported, "xts needs a cipher with 16-byte blocks, %s has not", a.Type)
	case a.Bits != 0 && a.Bits != xtsKeyBits:
		return wire.Errorf(wire.StatusNotSupported, "xts splits a key in halves, so it needs one of %d bits, not %d", xtsKeyBits, a.Bits)
	}
	return nil
}

// tagSize returns the length of an AEAD's tag in bytes.
func tagSize(alg psa.Algorithm) (int, error) {
	const full = 16
	n := uint64(full)
	if alg.Truncated {
		n = alg.Length
	}
	var valid bool
	status := wire.StatusInvalidArgument
	switch alg.Kind {
	case psa.AlgGCM:
		valid = n >= 4 && n <= full
	case psa.AlgCCM:
		valid = n >= 4 && n <= full && n%2 == 0
	default:
		valid, status = n == full, wire.StatusNotSupported
	}
	if !valid {
		return 0, wire.Errorf(status, "%s does not have tags of %d bytes", alg.Kind, n)
	}
	return int(n), nil
}

// blockSizeOf returns the block size in bytes of the block ciphers, 0 for other types.
func blockSizeOf(t psa.KeyType) int {
	switch t {
	case psa.KeyAES, psa.KeyCamellia:
		return 16
	case psa.KeyDES:
		return 8
	default:
		return 0
	}
}
