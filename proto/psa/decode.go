package psa

import (
	"github.com/seed-73b3884f/parsec-agent/proto/psa/psapb"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// invalid is the answer to every message that breaks a rule of the wire.
func invalid(format string, args ...any) error {
	return wire.Errorf(wire.StatusInvalidEncoding, format, args...)
}

// DecodeAttributes validates and converts key attributes; sign-hash and verify-hash
// bring their message flags with them.
func DecodeAttributes(m *psapb.KeyAttributes) (Attributes, error) {
	if m == nil {
		return Attributes{}, invalid("attributes are missing")
	}
	a := Attributes{Bits: uint64(m.GetKeyBits())}
	if err := decodeType(m.GetKeyType(), &a); err != nil {
		return Attributes{}, err
	}
	policy := m.GetKeyPolicy()
	if policy == nil || policy.GetKeyUsageFlags() == nil {
		return Attributes{}, invalid("the key policy or its usage flags are missing")
	}
	a.Usage = decodeUsage(policy.GetKeyUsageFlags()).Expand()
	var err error
	a.Alg, err = DecodeAlgorithm(policy.GetKeyAlgorithm())
	return a, err
}

func decodeType(m *psapb.KeyType, a *Attributes) error {
	var ecc *psapb.KeyType_Ecc
	var dh *psapb.KeyType_Dh
	switch v := m.GetVariant().(type) {
	case *psapb.KeyType_RawData:
		a.Type = KeyRawData
	case *psapb.KeyType_Hmac:
		a.Type = KeyHMAC
	case *psapb.KeyType_Derive:
		a.Type = KeyDerive
	case *psapb.KeyType_Aes:
		a.Type = KeyAES
	case *psapb.KeyType_Des:
		a.Type = KeyDES
	case *psapb.KeyType_Camellia:
		a.Type = KeyCamellia
	case *psapb.KeyType_Arc4:
		a.Type = KeyARC4
	case *psapb.KeyType_Chacha20:
		a.Type = KeyChaCha20
	case *psapb.KeyType_RsaPublicKey:
		a.Type = KeyRSAPublic
	case *psapb.KeyType_RsaKeyPair:
		a.Type = KeyRSAPair
	case *psapb.KeyType_EccKeyPair:
		a.Type, ecc = KeyECCPair, v.EccKeyPair
	case *psapb.KeyType_EccPublicKey:
		a.Type, ecc = KeyECCPublic, v.EccPublicKey
	case *psapb.KeyType_DhKeyPair:
		a.Type, dh = KeyDHPair, v.DhKeyPair
	case *psapb.KeyType_DhPublicKey:
		a.Type, dh = KeyDHPublic, v.DhPublicKey
	default:
		return invalid("the key type is missing")
	}
	if a.Type.ECC() {
		f := ecc.GetCurveFamily()
		if f <= int32(CurveNone) || f > int32(maxWireCurve) {
			return invalid("no curve family has the number %d", f)
		}
		a.Curve = Curve(f)
	}
	if g := dh.GetGroupFamily(); g != int32(GroupRFC7919) {
		return invalid("no group family has the number %d", g)
	}
	return nil
}

func decodeUsage(m *psapb.UsageFlags) Usage {
	var u Usage
	for i, set := range []bool{
		m.GetExport(), m.GetCopy(), m.GetCache(), m.GetEncrypt(), m.GetDecrypt(), m.GetSignMessage(),
		m.GetVerifyMessage(), m.GetSignHash(), m.GetVerifyHash(), m.GetDerive(),
	} {
		if set {
			u |= 1 << i
		}
	}
	return u
}

// DecodeAlgorithm validates and converts the algorithm of a policy.
func DecodeAlgorithm(m *psapb.Algorithm) (Algorithm, error) {
	switch v := m.GetVariant().(type) {
	case *psapb.Algorithm_None:
		return Algorithm{}, nil
	case *psapb.Algorithm_Hash:
		h, err := DecodeHash(v.Hash)
		return Algorithm{Kind: AlgHash, Hash: h}, err
	case *psapb.Algorithm_Mac:
		return DecodeMAC(v.Mac)
	case *psapb.Algorithm_Cipher:
		return DecodeCipher(v.Cipher)
	case *psapb.Algorithm_Aead:
		return DecodeAEAD(v.Aead)
	case *psapb.Algorithm_AsymmetricSignature:
		return DecodeSignature(v.AsymmetricSignature)
	case *psapb.Algorithm_AsymmetricEncryption:
		return DecodeEncryption(v.AsymmetricEncryption)
	case *psapb.Algorithm_KeyAgreement:
		return decodeAgreement(v.KeyAgreement)
	case *psapb.Algorithm_KeyDerivation:
		return decodeDerivation(v.KeyDerivation)
	default:
		return Algorithm{}, invalid("the algorithm is missing")
	}
}

// DecodeHash validates the number of a hash.
func DecodeHash(n int32) (Hash, error) {
	if n <= int32(HashNone) || n > int32(maxHash) {
		return HashNone, invalid("no hash has the number %d", n)
	}
	return Hash(n), nil
}

// cipherBase and aeadBase turn wire numbers, which begin at 1, into kinds.
const (
	cipherBase = AlgStreamCipher - 1
	aeadBase   = AlgCCM - 1
	rawBase    = AlgFFDH - 1
)

// DecodeCipher validates the number of a cipher.
func DecodeCipher(n int32) (Algorithm, error) {
	if n <= 0 || n > int32(AlgCBCPKCS7-cipherBase) {
		return Algorithm{}, invalid("no cipher has the number %d", n)
	}
	return Algorithm{Kind: cipherBase + Kind(n)}, nil
}

// DecodeAEAD validates and converts an authenticated cipher.
func DecodeAEAD(m *psapb.Aead) (Algorithm, error) {
	var n int32
	var a Algorithm
	switch v := m.GetVariant().(type) {
	case *psapb.Aead_AeadWithDefaultLengthTag:
		n = v.AeadWithDefaultLengthTag
	case *psapb.Aead_AeadWithShortenedTag:
		n = v.AeadWithShortenedTag.GetAeadAlg()
		a.Truncated, a.Length = true, uint64(v.AeadWithShortenedTag.GetTagLength())
	default:
		return Algorithm{}, invalid("the AEAD algorithm is missing")
	}
	if n <= 0 || n > int32(AlgChaCha20Poly1305-aeadBase) {
		return Algorithm{}, invalid("no AEAD algorithm has the number %d", n)
	}
	a.Kind = aeadBase + Kind(n)
	return a, nil
}

// DecodeMAC validates and converts a message authentication code.
func DecodeMAC(m *psapb.Mac) (Algorithm, error) {
	switch v := m.GetVariant().(type) {
	case *psapb.Mac_FullLength_:
		return decodeFullMAC(v.FullLength)
	case *psapb.Mac_Truncated_:
		if v.Truncated.GetMacAlg() == nil {
			return Algorithm{}, invalid("the MAC algorithm is missing")
		}
		a, err := decodeFullMAC(v.Truncated.GetMacAlg())
		a.Truncated, a.Length = true, uint64(v.Truncated.GetMacLength())
		return a, err
	default:
		return Algorithm{}, invalid("the MAC algorithm is missing")
	}
}

func decodeFullMAC(m *psapb.Mac_FullLength) (Algorithm, error) {
	switch v := m.GetVariant().(type) {
	case *psapb.Mac_FullLength_Hmac:
		h, err := DecodeHash(v.Hmac.GetHashAlg())
		return Algorithm{Kind: AlgHMAC, Hash: h}, err
	case *psapb.Mac_FullLength_CbcMac:
		return Algorithm{Kind: AlgCBCMAC}, nil
	case *psapb.Mac_FullLength_Cmac:
		return Algorithm{Kind: AlgCMAC}, nil
	default:
		return Algorithm{}, invalid("the MAC algorithm is missing")
	}
}

// DecodeSignature validates and converts a signature algorithm.
func DecodeSignature(m *psapb.AsymmetricSignature) (Algorithm, error) {
	var k Kind
	var hash *psapb.AsymmetricSignature_WithSignHash
	switch v := m.GetVariant().(type) {
	case *psapb.AsymmetricSignature_RsaPkcs1V15SignRaw:
		return Algorithm{Kind: AlgRSAPKCS1v15SignRaw}, nil
	case *psapb.AsymmetricSignature_EcdsaAny:
		return Algorithm{Kind: AlgECDSAAny}, nil
	case *psapb.AsymmetricSignature_RsaPkcs1V15Sign:
		k, hash = AlgRSAPKCS1v15Sign, v.RsaPkcs1V15Sign
	case *psapb.AsymmetricSignature_RsaPss:
		k, hash = AlgRSAPSS, v.RsaPss
	case *psapb.AsymmetricSignature_Ecdsa:
		k, hash = AlgECDSA, v.Ecdsa
	case *psapb.AsymmetricSignature_DeterministicEcdsa:
		k, hash = AlgDeterministicECDSA, v.DeterministicEcdsa
	default:
		return Algorithm{}, invalid("the signature algorithm is missing")
	}
	switch v := hash.GetHashAlg().GetVariant().(type) {
	case *psapb.AsymmetricSignature_SignHash_Any:
		return Algorithm{Kind: k, Hash: HashAny}, nil
	case *psapb.AsymmetricSignature_SignHash_Specific:
		h, err := DecodeHash(v.Specific)
		return Algorithm{Kind: k, Hash: h}, err
	default:
		return Algorithm{}, invalid("the hash of the signature algorithm is missing")
	}
}

// DecodeEncryption validates and converts an asymmetric encryption algorithm.
func DecodeEncryption(m *psapb.AsymmetricEncryption) (Algorithm, error) {
	switch v := m.GetVariant().(type) {
	case *psapb.AsymmetricEncryption_RsaPkcs1V15Crypt:
		return Algorithm{Kind: AlgRSAPKCS1v15Crypt}, nil
	case *psapb.AsymmetricEncryption_RsaOaep:
		h, err := DecodeHash(v.RsaOaep.GetHashAlg())
		return Algorithm{Kind: AlgRSAOAEP, Hash: h}, err
	default:
		return Algorithm{}, invalid("the encryption algorithm is missing")
	}
}

// DecodeRawAgreement validates the number of a raw key agreement.
func DecodeRawAgreement(n int32) (Algorithm, error) {
	if n <= 0 || n > int32(AlgECDH-rawBase) {
		return Algorithm{}, invalid("no key agreement has the number %d", n)
	}
	return Algorithm{Kind: rawBase + Kind(n)}, nil
}

func decodeAgreement(m *psapb.KeyAgreement) (Algorithm, error) {
	switch v := m.GetVariant().(type) {
	case *psapb.KeyAgreement_Raw:
		return DecodeRawAgreement(v.Raw)
	case *psapb.KeyAgreement_WithKeyDerivation_:
		kdf, err := decodeDerivation(v.WithKeyDerivation.GetKdfAlg())
		if err != nil {
			return Algorithm{}, err
		}
		a, err := DecodeRawAgreement(v.WithKeyDerivation.GetKaAlg())
		a.KDF, a.KDFHash = kdf.Kind, kdf.Hash
		return a, err
	default:
		return Algorithm{}, invalid("the key agreement is missing")
	}
}

func decodeDerivation(m *psapb.KeyDerivation) (Algorithm, error) {
	var k Kind
	var hash *psapb.WithHash
	switch v := m.GetVariant().(type) {
	case *psapb.KeyDerivation_Hkdf:
		k, hash = AlgHKDF, v.Hkdf
	case *psapb.KeyDerivation_Tls12Prf:
		k, hash = AlgTLS12PRF, v.Tls12Prf
	case *psapb.KeyDerivation_Tls12PskToMs:
		k, hash = AlgTLS12PSKToMS, v.Tls12PskToMs
	default:
		return Algorithm{}, invalid("the key derivation is missing")
	}
	h, err := DecodeHash(hash.GetHashAlg())
	return Algorithm{Kind: k, Hash: h}, err
}

// DecodeCheck validates the question of CanDoCrypto.
func DecodeCheck(n int32) (Check, error) {
	if n <= int32(CheckNone) || n > int32(CheckDerive) {
		return CheckNone, invalid("no check has the number %d", n)
	}
	return Check(n), nil
}
