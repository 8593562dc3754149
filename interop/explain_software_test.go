//go:build interop

package interop

import (
	"crypto/x509"
	"slices"

	"github.com/seed-73b3884f/parsec-agent/interop/original"
	"github.com/seed-73b3884f/parsec-agent/interop/requesttest"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/psa/psapb"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

var softwareExplanations = []explanation{
	{"software-cipher", func(c *comparison, _ original.Settings) bool {
		return (c.mean.Opcode == wire.OpCipherEncrypt || c.mean.Opcode == wire.OpCipherDecrypt) && c.original.Status == wire.StatusNotSupported
	}},
	{"software-cipher", func(c *comparison, _ original.Settings) bool {
		return c.key != nil && c.key.Attributes.Alg.Kind.Cipher() && c.original.Status == wire.StatusNotSupported
	}},
	{"software-sign-message", func(c *comparison, _ original.Settings) bool {
		return (c.mean.Opcode == wire.OpSignMessage || c.mean.Opcode == wire.OpVerifyMessage) && c.original.Status == wire.StatusNotSupported
	}},
	{"software-p384", func(c *comparison, _ original.Settings) bool {
		a := c.mean.Attributes
		return a.Type.ECC() && a.Curve == psa.CurveSECPR1 && (a.Bits == 384 || a.Bits == 284)
	}},
	{"software-rsa-3072", func(c *comparison, _ original.Settings) bool {
		a := c.mean.Attributes
		return a.Type.RSA() && a.Bits == 3072 && !succeeded(c.original)
	}},
	{"software-deterministic-ecdsa", func(c *comparison, _ original.Settings) bool {
		return keyAlg(c).Kind == psa.AlgDeterministicECDSA &&
			(c.original.Status == wire.StatusNotPermitted || c.original.Status == wire.StatusNotSupported && slices.Contains(lackedHashes, c.mean.Algorithm.Hash))
	}},
	{"software-can-do", func(c *comparison, _ original.Settings) bool {
		return c.mean.Opcode == wire.OpCanDoCrypto && succeeded(c.original) && c.ours.Status == wire.StatusNotSupported && impossible(c.mean)
	}},
	{"software-rsa-small", func(c *comparison, _ original.Settings) bool {
		a := c.mean.Attributes
		return c.mean.Opcode == wire.OpImportKey && a.Type.RSA() && smallRSA(c.mean.Data) && c.ours.Status == wire.StatusNotSupported
	}},
	{"software-montgomery-ecdsa", func(c *comparison, _ original.Settings) bool {
		return (c.mean.Opcode == wire.OpVerifyHash || c.mean.Opcode == wire.OpSignHash) && c.key != nil &&
			c.key.Attributes.Curve == psa.CurveMontgomery && !succeeded(c.original) && c.ours.Status == wire.StatusInvalidArgument
	}},
	{"software-ffdh", func(c *comparison, _ original.Settings) bool {
		return c.mean.Opcode == wire.OpRawKeyAgreement && keyAlg(c).Kind == psa.AlgFFDH && c.original.Status == wire.StatusNotSupported
	}},
	{"software-tag-length", func(c *comparison, _ original.Settings) bool {
		a := keyAlg(c)
		return a.Kind.AEAD() && a.Truncated && (a.Length == 16 || a.Length > 63) && c.original.Status == wire.StatusNotPermitted
	}},
	{"software-chacha-tag", func(c *comparison, _ original.Settings) bool {
		m, ok := c.mean.Message.(*psapb.AeadCrypt)
		return ok && c.mean.Algorithm.Kind == psa.AlgChaCha20Poly1305 && c.mean.Algorithm.Truncated && len(m.GetNonce()) != 12 &&
			c.original.Status == wire.StatusInvalidArgument && c.ours.Status == wire.StatusNotSupported
	}},
	{"software-signature-range", func(c *comparison, _ original.Settings) bool { return signatureRange(c) }},
	{"software-rsa-check", func(c *comparison, _ original.Settings) bool {
		return c.mean.Opcode == wire.OpImportKey && c.mean.Attributes.Type == psa.KeyRSAPair && succeeded(c.original) &&
			c.ours.Status == wire.StatusInvalidArgument && !consistentRSA(c.mean.Data)
	}},
	{"software-curve-first", func(c *comparison, _ original.Settings) bool {
		return c.mean.Opcode == wire.OpImportKey && c.mean.Attributes.Type.ECC() && c.original.Status == wire.StatusInvalidArgument &&
			c.ours.Status == wire.StatusNotSupported
	}},
	{"software-curve-first", func(c *comparison, _ original.Settings) bool {
		return c.mean.Opcode == wire.OpGenerateKey && c.mean.Attributes.Type == psa.KeyECCPublic && c.original.Status == wire.StatusNotSupported &&
			c.ours.Status == wire.StatusInvalidArgument
	}},
}

// lackedHashes are those that neither service has; the original may find that before it
// looks at the policy.
var lackedHashes = []psa.Hash{psa.HashMD2, psa.HashMD4, psa.HashSHA512224, psa.HashSHA512256}

// curveSizes are the curves of docs/spec/parsec-service.md section 6.2, and P-384.
var curveSizes = map[psa.Curve][]uint64{
	psa.CurveSECPR1: {192, 224, 256, 384, 521}, psa.CurveSECPK1: {192, 256}, psa.CurveBrainpoolPR1: {256, 384, 512},
	psa.CurveMontgomery: {255, 448},
}

// impossible reports whether no key can have the attributes of a CanDoCrypto request.
func impossible(m requesttest.Meaning) bool {
	a := m.Attributes
	if in, ok := m.Message.(*psapb.CanDoCrypto); ok && psa.Check(in.GetCheckType()) == psa.CheckGenerate && a.Bits == 0 {
		return true
	}
	switch a.Type {
	case psa.KeyAES, psa.KeyCamellia:
		return a.Bits != 0 && a.Bits != 128 && a.Bits != 192 && a.Bits != 256
	case psa.KeyChaCha20:
		return a.Bits != 0 && a.Bits != 256
	case psa.KeyDES:
		return a.Bits != 0 && a.Bits != 64 && a.Bits != 128 && a.Bits != 192
	case psa.KeyARC4:
		return true
	case psa.KeyDHPair, psa.KeyDHPublic:
		return a.Bits != 0 && !slices.Contains([]uint64{2048, 3072, 4096, 6144, 8192}, a.Bits)
	case psa.KeyRawData, psa.KeyHMAC, psa.KeyDerive:
		return a.Bits%8 != 0 || a.Bits > 65528
	case psa.KeyECCPair, psa.KeyECCPublic:
		return !slices.Contains(curveSizes[a.Curve], a.Bits) && (a.Bits != 0 || curveSizes[a.Curve] == nil)
	default:
		return false
	}
}

// signatureRange matches RSA signatures that are as long as a modulus and not below it.
func signatureRange(c *comparison) bool {
	return c.mean.Opcode == wire.OpVerifyHash && c.key != nil && c.key.Attributes.Type.RSA() && len(c.mean.Signature)%64 == 0 &&
		c.original.Status == wire.StatusInvalidArgument && c.ours.Status == wire.StatusInvalidSignature
}

// smallRSA reports whether data is an RSA key of less than 1024 bits.
func smallRSA(data []byte) bool { return len(data) < 340 }

// consistentRSA reports whether data is an RSA pair whose numbers belong together.
func consistentRSA(data []byte) bool {
	_, err := x509.ParsePKCS1PrivateKey(data)
	return err == nil
}

// panics reports whether a request makes the original panic, so that it must not be sent
// there: row software-oaep-panic.
func panics(m requesttest.Meaning, key *requesttest.Key) bool {
	if m.Provider != wire.ProviderMbedCrypto || m.Opcode != wire.OpAsymmetricDecrypt || key == nil || !key.Attributes.Type.RSA() || m.Algorithm.Kind != psa.AlgRSAOAEP {
		return false
	}
	return key.Attributes.Alg == m.Algorithm && modulus(key) < 2*m.Algorithm.Hash.Size()+2
}

// modulus is the length of an RSA key's modulus in bytes.
func modulus(key *requesttest.Key) int {
	if k, err := x509.ParsePKCS1PrivateKey(key.Data); err == nil {
		return k.Size()
	}
	if k, err := x509.ParsePKCS1PublicKey(key.Data); err == nil {
		return k.Size()
	}
	return int(key.Attributes.Bits / 8)
}
