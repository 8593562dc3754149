package tool

import (
	"fmt"
	"strings"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// What follows writes values in Rust's debug form, in which the original prints them.

var curveForms = map[psa.Curve]string{
	psa.CurveSECPK1: "SecpK1", psa.CurveSECPR1: "SecpR1", psa.CurveSECPR2: "SecpR2", psa.CurveSECTK1: "SectK1",
	psa.CurveSECTR1: "SectR1", psa.CurveSECTR2: "SectR2", psa.CurveBrainpoolPR1: "BrainpoolPR1", psa.CurveFRP: "Frp",
	psa.CurveMontgomery: "Montgomery",
}

var typeForms = map[psa.KeyType]string{
	psa.KeyRawData: "RawData", psa.KeyHMAC: "Hmac", psa.KeyDerive: "Derive", psa.KeyAES: "Aes", psa.KeyDES: "Des",
	psa.KeyCamellia: "Camellia", psa.KeyARC4: "Arc4", psa.KeyChaCha20: "Chacha20", psa.KeyRSAPublic: "RsaPublicKey",
	psa.KeyRSAPair: "RsaKeyPair", psa.KeyECCPair: "EccKeyPair", psa.KeyECCPublic: "EccPublicKey",
	psa.KeyDHPair: "DhKeyPair", psa.KeyDHPublic: "DhPublicKey",
}

func debugType(a psa.Attributes) string {
	switch {
	case a.Type.ECC():
		return fmt.Sprintf("%s { curve_family: %s }", typeForms[a.Type], curveForms[a.Curve])
	case a.Type.DH():
		return typeForms[a.Type] + " { group_family: Rfc7919 }"
	default:
		return typeForms[a.Type]
	}
}

var hashForms = map[psa.Hash]string{
	psa.HashMD2: "Md2", psa.HashMD4: "Md4", psa.HashMD5: "Md5", psa.HashRIPEMD160: "Ripemd160", psa.HashSHA1: "Sha1",
	psa.HashSHA224: "Sha224", psa.HashSHA256: "Sha256", psa.HashSHA384: "Sha384", psa.HashSHA512: "Sha512",
	psa.HashSHA512224: "Sha512_224", psa.HashSHA512256: "Sha512_256", psa.HashSHA3224: "Sha3_224",
	psa.HashSHA3256: "Sha3_256", psa.HashSHA3384: "Sha3_384", psa.HashSHA3512: "Sha3_512",
}

var kindForms = map[psa.Kind]string{
	psa.AlgHMAC: "Hmac", psa.AlgCBCMAC: "CbcMac", psa.AlgCMAC: "Cmac",
	psa.AlgStreamCipher: "StreamCipher", psa.AlgCTR: "Ctr", psa.AlgCFB: "Cfb", psa.AlgOFB: "Ofb", psa.AlgXTS: "Xts",
	psa.AlgECBNoPadding: "EcbNoPadding", psa.AlgCBCNoPadding: "CbcNoPadding", psa.AlgCBCPKCS7: "CbcPkcs7",
	psa.AlgCCM: "Ccm", psa.AlgGCM: "Gcm", psa.AlgChaCha20Poly1305: "Chacha20Poly1305",
	psa.AlgRSAPKCS1v15Sign: "RsaPkcs1v15Sign", psa.AlgRSAPKCS1v15SignRaw: "RsaPkcs1v15SignRaw", psa.AlgRSAPSS: "RsaPss",
	psa.AlgECDSA: "Ecdsa", psa.AlgECDSAAny: "EcdsaAny", psa.AlgDeterministicECDSA: "DeterministicEcdsa",
	psa.AlgRSAPKCS1v15Crypt: "RsaPkcs1v15Crypt", psa.AlgRSAOAEP: "RsaOaep", psa.AlgFFDH: "Ffdh", psa.AlgECDH: "Ecdh",
	psa.AlgHKDF: "Hkdf", psa.AlgTLS12PRF: "Tls12Prf", psa.AlgTLS12PSKToMS: "Tls12PskToMs",
}

// withHash writes an algorithm whose only parameter is a hash.
func withHash(k psa.Kind, h psa.Hash) string {
	if h == psa.HashNone {
		return kindForms[k]
	}
	return fmt.Sprintf("%s { hash_alg: %s }", kindForms[k], hashForms[h])
}

// debugSignature writes an asymmetric signature algorithm without the enum around it.
func debugSignature(a psa.Algorithm) string {
	switch a.Hash {
	case psa.HashNone:
		return kindForms[a.Kind]
	case psa.HashAny:
		return kindForms[a.Kind] + " { hash_alg: Any }"
	default:
		return fmt.Sprintf("%s { hash_alg: Specific(%s) }", kindForms[a.Kind], hashForms[a.Hash])
	}
}

// debugEncryption writes an asymmetric encryption algorithm without the enum around it.
func debugEncryption(a psa.Algorithm) string { return withHash(a.Kind, a.Hash) }

func debugAlgorithm(a psa.Algorithm) string {
	switch k := a.Kind; {
	case k == psa.AlgNone:
		return "None"
	case k == psa.AlgHash:
		return "Hash(" + hashForms[a.Hash] + ")"
	case k.MAC() && a.Truncated:
		return fmt.Sprintf("Mac(Truncated { mac_alg: %s, mac_length: %d })", withHash(k, a.Hash), a.Length)
	case k.MAC():
		return "Mac(FullLength(" + withHash(k, a.Hash) + "))"
	case k.Cipher():
		return "Cipher(" + kindForms[k] + ")"
	case k.AEAD() && a.Truncated:
		return fmt.Sprintf("Aead(AeadWithShortenedTag { aead_alg: %s, tag_length: %d })", kindForms[k], a.Length)
	case k.AEAD():
		return "Aead(AeadWithDefaultLengthTag(" + kindForms[k] + "))"
	case k.Signature():
		return "AsymmetricSignature(" + debugSignature(a) + ")"
	case k.Encryption():
		return "AsymmetricEncryption(" + debugEncryption(a) + ")"
	case k.Agreement() && a.KDF != psa.AlgNone:
		return fmt.Sprintf("KeyAgreement(WithKeyDerivation { ka_alg: %s, kdf_alg: %s })", kindForms[k], withHash(a.KDF, a.KDFHash))
	case k.Agreement():
		return "KeyAgreement(Raw(" + kindForms[k] + "))"
	default:
		return "KeyDerivation(" + withHash(k, a.Hash) + ")"
	}
}

// providerName is how the original names a kind of provider to people.
func providerName(id wire.ProviderID) string {
	switch id {
	case wire.ProviderCore:
		return "Core provider"
	case wire.ProviderMbedCrypto:
		return "Mbed Crypto provider"
	case wire.ProviderPKCS11:
		return "PKCS #11 provider"
	case wire.ProviderTPM:
		return "TPM provider"
	case wire.ProviderTrustedService:
		return "Trusted Service provider"
	case wire.ProviderCryptoAuthLib:
		return "CryptoAuthentication Library provider"
	default:
		return id.String()
	}
}

// authenticatorName is how the original names a kind of authenticator to people.
func authenticatorName(id wire.AuthType) string {
	switch id {
	case wire.AuthNone:
		return "No authentication"
	case wire.AuthDirect:
		return "Direct authentication"
	case wire.AuthJWT:
		return "JSON Web Tokens authentication"
	case wire.AuthUnixPeer:
		return "Unix Peer Credentials authentication"
	case wire.AuthJWTSVID:
		return "JWT SPIFFE Verifiable Identity Document authentication"
	default:
		return id.String()
	}
}

// curveName is how the original names a curve family to people.
func curveName(c psa.Curve) string {
	switch c {
	case psa.CurveSECPK1:
		return "SEC Koblitz curves over prime fields"
	case psa.CurveSECPR1:
		return "SEC random curves over prime fields"
	case psa.CurveSECPR2:
		return "SEC additional random curves over prime fields"
	case psa.CurveSECTK1:
		return "SEC Koblitz curves over binary fields"
	case psa.CurveSECTR1:
		return "SEC random curves over binary fields"
	case psa.CurveSECTR2:
		return "SEC additional random curves over binary fields"
	case psa.CurveBrainpoolPR1:
		return "Brainpool P random curves"
	case psa.CurveFRP:
		return "FRP curve"
	case psa.CurveMontgomery:
		return "Montgomery curve"
	default:
		return c.String()
	}
}

func splitList(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' })
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

func indent(s string) string { return strings.ReplaceAll(s, "\n", "\n    ") }
