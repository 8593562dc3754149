package wycheproof

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
)

// convert turns one test into cases: none where it is about something else.
func convert(algorithm string, g *group, v *test, c Case) ([]Case, error) {
	switch g.Type {
	case "EcdsaVerify", "EcdsaP1363Verify":
		return convertECDSA(g, v, c)
	case "EddsaVerify":
		return convertEd25519(g, v, c)
	case "RsassaPkcs1Verify":
		return convertRSASignature(psa.AlgRSAPKCS1v15Sign, g, v, c)
	case "RsassaPssVerify":
		return convertRSASignature(psa.AlgRSAPSS, g, v, c)
	case "RsaesPkcs1Decrypt":
		return convertRSADecrypt(psa.AlgRSAPKCS1v15Crypt, g, v, c)
	case "RsaesOaepDecrypt":
		return convertRSADecrypt(psa.AlgRSAOAEP, g, v, c)
	case "EcdhTest", "EcdhEcpointTest", "XdhComp":
		return convertECDH(g, v, c)
	case "AeadTest":
		return convertAEAD(algorithm, g, v, c)
	case "IndCpaTest":
		return convertCipher(algorithm, v, c)
	case "MacTest":
		return convertMAC(algorithm, g, v, c)
	default:
		return nil, fmt.Errorf("unknown type of group %q", g.Type)
	}
}

var aeads = map[string]psa.Kind{"AES-GCM": psa.AlgGCM, "AES-CCM": psa.AlgCCM, "CAMELLIA-CCM": psa.AlgCCM, "CHACHA20-POLY1305": psa.AlgChaCha20Poly1305}

func symmetricType(algorithm string) psa.KeyType {
	switch name, _, _ := strings.Cut(algorithm, "-"); name {
	case "CAMELLIA":
		return psa.KeyCamellia
	case "CHACHA20":
		return psa.KeyChaCha20
	case "AES":
		return psa.KeyAES
	default:
		return psa.KeyHMAC
	}
}

// convertAEAD makes a case of opening, and one of sealing where the vector is valid.
func convertAEAD(algorithm string, g *group, v *test, c Case) ([]Case, error) {
	kind, ok := aeads[algorithm]
	if !ok {
		return nil, fmt.Errorf("unknown algorithm %q", algorithm)
	}
	alg := psa.Algorithm{Kind: kind}
	if n := uint64(g.TagSize / 8); n != 16 { //nolint:gosec // of the vectors
		alg.Truncated, alg.Length = true, n
	}
	c.Attributes = psa.Attributes{Type: symmetricType(algorithm), Usage: psa.UsageEncrypt | psa.UsageDecrypt, Alg: alg}
	c.KeyData, c.Nonce, c.AdditionalData = v.Key, v.IV, v.AD
	c.Op, c.Input, c.Output = Open, slices.Concat(v.CT, v.Tag), v.Msg
	if v.Result != Valid {
		return []Case{c}, nil
	}
	seal := c
	seal.Op, seal.Input, seal.Output = Seal, v.Msg, c.Input
	if len(v.Msg) == 0 {
		seal.Exception = noEmpty
	}
	return []Case{c, seal}, nil
}

func convertCipher(algorithm string, v *test, c Case) ([]Case, error) {
	kind := psa.AlgCBCPKCS7
	iv := []byte(v.IV)
	if algorithm == "AES-XTS" {
		kind = psa.AlgXTS
		iv = append(slices.Clone(iv), make([]byte, 16-len(iv))...) // a sector number, little-endian
		if len(v.Key) != 32 {
			return nil, nil // AES-256-XTS: a key of 512 bits is not an AES key
		}
	}
	c.Op, c.KeyData, c.Input, c.Output = CipherDecrypt, v.Key, slices.Concat(iv, v.CT), v.Msg
	c.Attributes = psa.Attributes{Type: symmetricType(algorithm), Usage: psa.UsageDecrypt, Alg: psa.Algorithm{Kind: kind}}
	return []Case{c}, nil
}

var hmacs = map[string]psa.Hash{
	"HMACSHA1": psa.HashSHA1, "HMACSHA224": psa.HashSHA224, "HMACSHA256": psa.HashSHA256, "HMACSHA384": psa.HashSHA384,
	"HMACSHA512": psa.HashSHA512, "HMACSHA512/224": psa.HashSHA512224, "HMACSHA512/256": psa.HashSHA512256,
	"HMACSHA3-224": psa.HashSHA3224, "HMACSHA3-256": psa.HashSHA3256, "HMACSHA3-384": psa.HashSHA3384, "HMACSHA3-512": psa.HashSHA3512,
}

func convertMAC(algorithm string, g *group, v *test, c Case) ([]Case, error) {
	alg, full := psa.Algorithm{Kind: psa.AlgCMAC}, 16
	if !strings.HasSuffix(algorithm, "-CMAC") {
		h, ok := hmacs[algorithm]
		if !ok {
			return nil, fmt.Errorf("unknown algorithm %q", algorithm)
		}
		alg, full = psa.Algorithm{Kind: psa.AlgHMAC, Hash: h}, h.Size()
		if unsupportedHash(h) {
			c.Exception = noHash
		}
	}
	if n := g.TagSize / 8; n != full {
		alg.Truncated, alg.Length = true, uint64(n) //nolint:gosec // of the vectors
	}
	c.Op, c.KeyData, c.Input, c.Output = MAC, v.Key, v.Msg, v.Tag
	c.Attributes = psa.Attributes{Type: symmetricType(algorithm), Usage: psa.UsageVerifyMessage | psa.UsageSignMessage, Alg: alg}
	return []Case{c}, nil
}
