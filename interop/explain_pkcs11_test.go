//go:build interop

package interop

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"slices"
	"strings"

	"github.com/seed-73b3884f/parsec-agent/interop/original"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/psa/psapb"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

var pkcs11Explanations = []explanation{
	{"pkcs11-opcodes", func(c *comparison, _ original.Settings) bool {
		return slices.Contains([]wire.Opcode{
			wire.OpRawKeyAgreement, wire.OpAEADEncrypt, wire.OpAEADDecrypt, wire.OpCipherEncrypt, wire.OpCipherDecrypt,
			wire.OpSignMessage, wire.OpVerifyMessage,
		}, c.mean.Opcode) && c.original.Status == wire.StatusNotSupported
	}},
	{"pkcs11-random", tooMuchRandom},
	{"pkcs11-pss", func(c *comparison, _ original.Settings) bool {
		return signatureUse(c) && c.mean.Algorithm.Kind == psa.AlgRSAPSS && c.original.Status == wire.StatusNotSupported
	}},
	{"pkcs11-import-private", func(c *comparison, _ original.Settings) bool {
		return c.mean.Opcode == wire.OpImportKey && slices.Contains([]psa.KeyType{psa.KeyRSAPair, psa.KeyECCPair, psa.KeyAES}, c.mean.Attributes.Type) &&
			c.original.Status == wire.StatusNotSupported
	}},
	{"pkcs11-algorithms", func(c *comparison, _ original.Settings) bool {
		return (c.original.Status == wire.StatusNotSupported || c.original.Status == wire.StatusCommunicationFailure && oaepUse(c)) &&
			lackedOnTokens(askedAlg(c))
	}},
	{"pkcs11-algorithms", func(c *comparison, _ original.Settings) bool {
		return creation(c) && c.mean.Attributes.Type == psa.KeyAES && c.original.Status == wire.StatusNotSupported
	}},
	{"pkcs11-algorithms", func(c *comparison, _ original.Settings) bool { // the original takes a point of P-521 for one of 528 bits
		return c.mean.Opcode == wire.OpImportKey && c.mean.Attributes.Type == psa.KeyECCPublic && len(c.mean.Data) == 133 &&
			(c.original.Status == wire.StatusInvalidArgument || c.original.Status == wire.StatusNotSupported)
	}},
	{"pkcs11-hash-policy", func(c *comparison, _ original.Settings) bool {
		return c.mean.Opcode == wire.OpGenerateKey && c.mean.Attributes.Type.Pair() && c.mean.Attributes.Alg.Kind == psa.AlgHash &&
			succeeded(c.original) && c.ours.Status == wire.StatusNotSupported
	}},
	{"pkcs11-oaep-label", func(c *comparison, _ original.Settings) bool {
		in, ok := c.mean.Message.(*psapb.AsymmetricCrypt)
		return ok && oaepUse(c) && len(in.GetSalt()) > 0 && succeeded(c.original) && (strings.HasPrefix(c.what, theirMade) ||
			strings.HasPrefix(c.what, ourMade) || c.ours.Status == wire.StatusNotSupported || c.ours.Status == wire.StatusInvalidPadding)
	}},
	{"pkcs11-software-oaep", func(c *comparison, s original.Settings) bool {
		return softwarePublic(s) && strings.HasPrefix(c.what, theirMade) && oaepUse(c) && c.mean.Algorithm.Hash != psa.HashSHA1
	}},
	{"pkcs11-software-oaep-hash", func(c *comparison, s original.Settings) bool {
		return softwarePublic(s) && c.mean.Opcode == wire.OpAsymmetricEncrypt && oaepUse(c) && slices.Contains(lackedHashes, c.mean.Algorithm.Hash) &&
			c.original.Status == wire.StatusInvalidArgument && c.ours.Status == wire.StatusNotSupported
	}},
	{"pkcs11-rsa-small", func(c *comparison, s original.Settings) bool {
		return softwarePublic(s) && c.mean.Opcode == wire.OpAsymmetricEncrypt && oaepUse(c) && c.key != nil && modulus(c.key) < 128 &&
			succeeded(c.original) && c.ours.Status == wire.StatusNotSupported
	}},
	{"pkcs11-software-p384", func(c *comparison, s original.Settings) bool {
		return softwarePublic(s) && signatureUse(c) && c.key != nil && c.key.Attributes.Bits == 384 &&
			(c.original.Status == wire.StatusInvalidArgument || succeeded(c.original) && inUse(c, wire.StatusInvalidArgument))
	}},
	{"pkcs11-software-hash", func(c *comparison, s original.Settings) bool {
		return softwarePublic(s) && signatureUse(c) && slices.Contains(lackedHashes, c.mean.Algorithm.Hash) &&
			(c.original.Status == wire.StatusNotSupported || succeeded(c.original) && inUse(c, wire.StatusNotSupported))
	}},
	{"pkcs11-software-size", func(c *comparison, s original.Settings) bool {
		return softwarePublic(s) && c.mean.Opcode == wire.OpAsymmetricEncrypt && c.key != nil && c.key.Attributes.Bits == 0 &&
			c.original.Status == wire.StatusBufferTooSmall
	}},
	{"pkcs11-software-size", func(c *comparison, s original.Settings) bool {
		return softwarePublic(s) && c.key != nil && c.key.Attributes.Type.RSA() && c.key.Attributes.Bits%8 != 0 &&
			(c.original.Status == wire.StatusNotSupported || succeeded(c.original) && inUse(c, wire.StatusNotSupported))
	}},
	{"software-signature-range", func(c *comparison, s original.Settings) bool {
		return softwarePublic(s) && signatureRange(c)
	}},
	{"pkcs11-padding", func(c *comparison, _ original.Settings) bool {
		one, other := c.original, c.ours
		if !succeeded(one) {
			one, other = other, one
		}
		return c.mean.Opcode == wire.OpAsymmetricDecrypt && c.mean.Algorithm.Kind == psa.AlgRSAPKCS1v15Crypt &&
			succeeded(one) && other.Status == wire.StatusInvalidPadding
	}},
	{"pkcs11-public-key", func(c *comparison, _ original.Settings) bool {
		return (c.mean.Opcode == wire.OpSignHash || c.mean.Opcode == wire.OpAsymmetricDecrypt) && c.key != nil && c.key.Attributes.Type.Public() &&
			c.original.Status == wire.StatusDoesNotExist && c.ours.Status == wire.StatusNotPermitted
	}},
	{"hardware-import-check", importCheck},
	{"pkcs11-statuses", func(c *comparison, _ original.Settings) bool {
		return c.original.Status == wire.StatusCommunicationFailure && c.ours.Err == nil &&
			c.ours.Status != wire.StatusSuccess && c.ours.Status != wire.StatusGenericError
	}},
}

// softwarePublic reports whether public operations are done without the token.
func softwarePublic(s original.Settings) bool {
	return strings.Contains(s.More, "software_public_operations = true")
}

// inUse reports whether a service answers so to the use of an output.
func inUse(c *comparison, status wire.Status) bool {
	return c.what == theirMade+": "+status.Error() || c.what == ourMade+": "+status.Error()
}

func signatureUse(c *comparison) bool {
	return c.mean.Opcode == wire.OpSignHash || c.mean.Opcode == wire.OpVerifyHash
}

func oaepUse(c *comparison) bool {
	return (c.mean.Opcode == wire.OpAsymmetricEncrypt || c.mean.Opcode == wire.OpAsymmetricDecrypt) && c.mean.Algorithm.Kind == psa.AlgRSAOAEP
}

// askedAlg is the algorithm of what is to be made, or of the operation.
func askedAlg(c *comparison) psa.Algorithm {
	if c.mean.Opcode == wire.OpGenerateKey || c.mean.Opcode == wire.OpImportKey {
		return c.mean.Attributes.Alg
	}
	return c.mean.Algorithm
}

// lackedOnTokens reports whether the original's PKCS#11 provider does not have an
// algorithm with SoftHSM2, and ours has.
func lackedOnTokens(a psa.Algorithm) bool {
	sha2 := []psa.Hash{psa.HashSHA224, psa.HashSHA256, psa.HashSHA384, psa.HashSHA512}
	switch a.Kind {
	case psa.AlgRSAPKCS1v15Sign:
		return !slices.Contains(sha2, a.Hash)
	case psa.AlgRSAOAEP:
		return a.Hash != psa.HashSHA1
	case psa.AlgRSAPSS:
		return a.Hash == psa.HashAny || !slices.Contains(sha2[1:], a.Hash) && a.Hash != psa.HashSHA1
	case psa.AlgRSAPKCS1v15SignRaw, psa.AlgECDSAAny, psa.AlgDeterministicECDSA, psa.AlgECDH, psa.AlgGCM, psa.AlgCTR, psa.AlgECBNoPadding, psa.AlgCBCNoPadding, psa.AlgCBCPKCS7:
		return true
	default:
		return false
	}
}

// tooMuchRandom matches more random bytes than buffer_size_limit, which only the original's
// software provider knows.
func tooMuchRandom(c *comparison, _ original.Settings) bool {
	in, ok := c.mean.Message.(*psapb.GenerateRandom)
	return ok && in.GetSize() > 1<<20 && c.ours.Status == wire.StatusResponseTooLarge
}

// importCheck matches public keys that are not whole, or are none: of points only the
// original's TPM knows whether they are on their curve.
func importCheck(c *comparison, _ original.Settings) bool {
	if c.mean.Opcode != wire.OpImportKey || !succeeded(c.original) || c.ours.Status != wire.StatusInvalidArgument {
		return false
	}
	switch c.mean.Attributes.Type {
	case psa.KeyRSAPublic:
		_, err := x509.ParsePKCS1PublicKey(c.mean.Data)
		return err != nil
	case psa.KeyECCPublic:
		return !onCurve(c.mean.Data)
	default:
		return false
	}
}

// onCurve reports whether data is a point of a curve that the standard library knows.
func onCurve(data []byte) bool {
	return slices.ContainsFunc([]elliptic.Curve{elliptic.P224(), elliptic.P256(), elliptic.P384(), elliptic.P521()}, func(c elliptic.Curve) bool {
		_, err := ecdsa.ParseUncompressedPublicKey(c, data)
		return err == nil
	})
}
