package psa

import (
	"math"

	"github.com/seed-73b3884f/parsec-agent/proto/psa/psapb"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// inexpressible is the error for what the original's messages have no number for.
func inexpressible(what any) error {
	return wire.Errorf(wire.StatusSerializingBody, "the original's messages cannot express %v", what)
}

// EncodeAttributes converts attributes to their message. Keys of our own kinds, which
// the original's messages cannot express, are an error.
func EncodeAttributes(a Attributes) (*psapb.KeyAttributes, error) {
	t, err := encodeType(a)
	if err != nil {
		return nil, err
	}
	alg, err := EncodeAlgorithm(a.Alg)
	if err != nil {
		return nil, err
	}
	if a.Bits > math.MaxUint32 {
		return nil, inexpressible("so large a key")
	}
	return &psapb.KeyAttributes{
		KeyType: t, KeyBits: uint32(a.Bits),
		KeyPolicy: &psapb.KeyPolicy{KeyUsageFlags: encodeUsage(a.Usage), KeyAlgorithm: alg},
	}, nil
}

func encodeUsage(u Usage) *psapb.UsageFlags {
	return &psapb.UsageFlags{
		Export: u.Has(UsageExport), Copy: u.Has(UsageCopy), Cache: u.Has(UsageCache), Encrypt: u.Has(UsageEncrypt),
		Decrypt: u.Has(UsageDecrypt), SignMessage: u.Has(UsageSignMessage), VerifyMessage: u.Has(UsageVerifyMessage),
		SignHash: u.Has(UsageSignHash), VerifyHash: u.Has(UsageVerifyHash), Derive: u.Has(UsageDerive),
	}
}

func encodeType(a Attributes) (*psapb.KeyType, error) {
	if a.Type.ECC() && (a.Curve <= CurveNone || a.Curve > maxWireCurve) {
		return nil, inexpressible(a.Curve)
	}
	ecc := &psapb.KeyType_Ecc{CurveFamily: int32(a.Curve)}
	dh := &psapb.KeyType_Dh{GroupFamily: int32(a.Group)}
	empty := &psapb.Empty{}
	m := &psapb.KeyType{}
	switch a.Type {
	case KeyRawData:
		m.Variant = &psapb.KeyType_RawData{RawData: empty}
	case KeyHMAC:
		m.Variant = &psapb.KeyType_Hmac{Hmac: empty}
	case KeyDerive:
		m.Variant = &psapb.KeyType_Derive{Derive: empty}
	case KeyAES:
		m.Variant = &psapb.KeyType_Aes{Aes: empty}
	case KeyDES:
		m.Variant = &psapb.KeyType_Des{Des: empty}
	case KeyCamellia:
		m.Variant = &psapb.KeyType_Camellia{Camellia: empty}
	case KeyARC4:
		m.Variant = &psapb.KeyType_Arc4{Arc4: empty}
	case KeyChaCha20:
		m.Variant = &psapb.KeyType_Chacha20{Chacha20: empty}
	case KeyRSAPublic:
		m.Variant = &psapb.KeyType_RsaPublicKey{RsaPublicKey: empty}
	case KeyRSAPair:
		m.Variant = &psapb.KeyType_RsaKeyPair{RsaKeyPair: empty}
	case KeyECCPair:
		m.Variant = &psapb.KeyType_EccKeyPair{EccKeyPair: ecc}
	case KeyECCPublic:
		m.Variant = &psapb.KeyType_EccPublicKey{EccPublicKey: ecc}
	case KeyDHPair:
		m.Variant = &psapb.KeyType_DhKeyPair{DhKeyPair: dh}
	case KeyDHPublic:
		m.Variant = &psapb.KeyType_DhPublicKey{DhPublicKey: dh}
	default:
		return nil, inexpressible(a.Type)
	}
	return m, nil
}

// EncodeAlgorithm converts the algorithm of a policy to its message.
func EncodeAlgorithm(a Algorithm) (*psapb.Algorithm, error) {
	m := &psapb.Algorithm{}
	var err error
	switch k := a.Kind; {
	case k == AlgNone:
		m.Variant = &psapb.Algorithm_None{None: &psapb.Empty{}}
	case k == AlgHash:
		m.Variant = &psapb.Algorithm_Hash{Hash: int32(a.Hash)}
	case k.MAC():
		v := &psapb.Algorithm_Mac{}
		v.Mac, err = EncodeMAC(a)
		m.Variant = v
	case k.Cipher():
		m.Variant = &psapb.Algorithm_Cipher{Cipher: EncodeCipher(a)}
	case k.AEAD():
		v := &psapb.Algorithm_Aead{}
		v.Aead, err = EncodeAEAD(a)
		m.Variant = v
	case k.Signature():
		v := &psapb.Algorithm_AsymmetricSignature{}
		v.AsymmetricSignature, err = EncodeSignature(a)
		m.Variant = v
	case k.Encryption():
		v := &psapb.Algorithm_AsymmetricEncryption{}
		v.AsymmetricEncryption, err = EncodeEncryption(a)
		m.Variant = v
	case k.Agreement():
		v := &psapb.Algorithm_KeyAgreement{}
		v.KeyAgreement, err = encodeAgreement(a)
		m.Variant = v
	case k.Derivation():
		v := &psapb.Algorithm_KeyDerivation{}
		v.KeyDerivation, err = encodeDerivation(k, a.Hash)
		m.Variant = v
	default:
		err = inexpressible(a)
	}
	return m, err
}

// EncodeCipher returns the wire number of a cipher, 0 for what is none.
func EncodeCipher(a Algorithm) int32 {
	if !a.Kind.Cipher() {
		return 0
	}
	return int32(a.Kind - cipherBase)
}

// EncodeAEAD converts an authenticated cipher to its message.
func EncodeAEAD(a Algorithm) (*psapb.Aead, error) {
	if !a.Kind.AEAD() || a.Length > math.MaxUint32 {
		return nil, inexpressible(a)
	}
	n := int32(a.Kind - aeadBase)
	if !a.Truncated {
		return &psapb.Aead{Variant: &psapb.Aead_AeadWithDefaultLengthTag{AeadWithDefaultLengthTag: n}}, nil
	}
	return &psapb.Aead{Variant: &psapb.Aead_AeadWithShortenedTag{
		AeadWithShortenedTag: &psapb.Aead_Shortened{AeadAlg: n, TagLength: uint32(a.Length)},
	}}, nil
}

// EncodeMAC converts a message authentication code to its message.
func EncodeMAC(a Algorithm) (*psapb.Mac, error) {
	full := &psapb.Mac_FullLength{}
	switch a.Kind {
	case AlgHMAC:
		full.Variant = &psapb.Mac_FullLength_Hmac{Hmac: &psapb.WithHash{HashAlg: int32(a.Hash)}}
	case AlgCBCMAC:
		full.Variant = &psapb.Mac_FullLength_CbcMac{CbcMac: &psapb.Empty{}}
	case AlgCMAC:
		full.Variant = &psapb.Mac_FullLength_Cmac{Cmac: &psapb.Empty{}}
	default:
		return nil, inexpressible(a)
	}
	if !a.Truncated {
		return &psapb.Mac{Variant: &psapb.Mac_FullLength_{FullLength: full}}, nil
	}
	if a.Length > math.MaxUint32 {
		return nil, inexpressible(a)
	}
	return &psapb.Mac{Variant: &psapb.Mac_Truncated_{Truncated: &psapb.Mac_Truncated{MacAlg: full, MacLength: uint32(a.Length)}}}, nil
}

// EncodeSignature converts a signature algorithm to its message.
func EncodeSignature(a Algorithm) (*psapb.AsymmetricSignature, error) {
	hash := &psapb.AsymmetricSignature_WithSignHash{HashAlg: &psapb.AsymmetricSignature_SignHash{
		Variant: &psapb.AsymmetricSignature_SignHash_Specific{Specific: int32(a.Hash)},
	}}
	if a.Hash == HashAny {
		hash.HashAlg.Variant = &psapb.AsymmetricSignature_SignHash_Any{Any: &psapb.Empty{}}
	}
	m := &psapb.AsymmetricSignature{}
	switch a.Kind {
	case AlgRSAPKCS1v15Sign:
		m.Variant = &psapb.AsymmetricSignature_RsaPkcs1V15Sign{RsaPkcs1V15Sign: hash}
	case AlgRSAPKCS1v15SignRaw:
		m.Variant = &psapb.AsymmetricSignature_RsaPkcs1V15SignRaw{RsaPkcs1V15SignRaw: &psapb.Empty{}}
	case AlgRSAPSS:
		m.Variant = &psapb.AsymmetricSignature_RsaPss{RsaPss: hash}
	case AlgECDSA:
		m.Variant = &psapb.AsymmetricSignature_Ecdsa{Ecdsa: hash}
	case AlgECDSAAny:
		m.Variant = &psapb.AsymmetricSignature_EcdsaAny{EcdsaAny: &psapb.Empty{}}
	case AlgDeterministicECDSA:
		m.Variant = &psapb.AsymmetricSignature_DeterministicEcdsa{DeterministicEcdsa: hash}
	default:
		return nil, inexpressible(a)
	}
	return m, nil
}

// EncodeEncryption converts an asymmetric encryption algorithm to its message.
func EncodeEncryption(a Algorithm) (*psapb.AsymmetricEncryption, error) {
	switch a.Kind {
	case AlgRSAPKCS1v15Crypt:
		return &psapb.AsymmetricEncryption{Variant: &psapb.AsymmetricEncryption_RsaPkcs1V15Crypt{RsaPkcs1V15Crypt: &psapb.Empty{}}}, nil
	case AlgRSAOAEP:
		return &psapb.AsymmetricEncryption{Variant: &psapb.AsymmetricEncryption_RsaOaep{RsaOaep: &psapb.WithHash{HashAlg: int32(a.Hash)}}}, nil
	default:
		return nil, inexpressible(a)
	}
}

// EncodeRawAgreement returns the wire number of a raw key agreement, 0 for what is none.
func EncodeRawAgreement(a Algorithm) int32 {
	if !a.Kind.Agreement() || a.KDF != AlgNone {
		return 0
	}
	return int32(a.Kind - rawBase)
}

func encodeAgreement(a Algorithm) (*psapb.KeyAgreement, error) {
	n := int32(a.Kind - rawBase)
	if a.KDF == AlgNone {
		return &psapb.KeyAgreement{Variant: &psapb.KeyAgreement_Raw{Raw: n}}, nil
	}
	kdf, err := encodeDerivation(a.KDF, a.KDFHash)
	if err != nil {
		return nil, err
	}
	return &psapb.KeyAgreement{Variant: &psapb.KeyAgreement_WithKeyDerivation_{
		WithKeyDerivation: &psapb.KeyAgreement_WithKeyDerivation{KaAlg: n, KdfAlg: kdf},
	}}, nil
}

func encodeDerivation(k Kind, h Hash) (*psapb.KeyDerivation, error) {
	hash := &psapb.WithHash{HashAlg: int32(h)}
	switch k {
	case AlgHKDF:
		return &psapb.KeyDerivation{Variant: &psapb.KeyDerivation_Hkdf{Hkdf: hash}}, nil
	case AlgTLS12PRF:
		return &psapb.KeyDerivation{Variant: &psapb.KeyDerivation_Tls12Prf{Tls12Prf: hash}}, nil
	case AlgTLS12PSKToMS:
		return &psapb.KeyDerivation{Variant: &psapb.KeyDerivation_Tls12PskToMs{Tls12PskToMs: hash}}, nil
	default:
		return nil, inexpressible(k)
	}
}
