package ck

import "fmt"

// Mechanism types, CKM_….
const (
	MechRSAKeyPairGen uint64 = 0x0
	MechRSAPKCS       uint64 = 0x1
	MechRSAX509       uint64 = 0x3
	MechRSAOAEP       uint64 = 0x9
	MechRSAPSS        uint64 = 0xd
	MechECKeyPairGen  uint64 = 0x1040
	MechECDSA         uint64 = 0x1041
	MechECDH1Derive   uint64 = 0x1050
	MechAESKeyGen     uint64 = 0x1080
	MechAESECB        uint64 = 0x1081
	MechAESCBC        uint64 = 0x1082
	MechAESCBCPad     uint64 = 0x1085
	MechAESCTR        uint64 = 0x1086
	MechAESGCM        uint64 = 0x1087
	MechAESCMAC       uint64 = 0x108a
	MechGenericGen    uint64 = 0x350
	MechSHA1          uint64 = 0x220
	MechSHA224        uint64 = 0x255
	MechSHA256        uint64 = 0x250
	MechSHA384        uint64 = 0x260
	MechSHA512        uint64 = 0x270
	MechSHA1HMAC      uint64 = 0x221
	MechSHA224HMAC    uint64 = 0x256
	MechSHA256HMAC    uint64 = 0x251
	MechSHA384HMAC    uint64 = 0x261
	MechSHA512HMAC    uint64 = 0x271
)

// Mask generation functions, CKG_….
const (
	MGF1SHA1   uint64 = 1
	MGF1SHA256 uint64 = 2
	MGF1SHA384 uint64 = 3
	MGF1SHA512 uint64 = 4
	MGF1SHA224 uint64 = 5
)

// Object classes, CKO_….
const (
	ClassCertificate uint64 = 1
	ClassPublicKey   uint64 = 2
	ClassPrivateKey  uint64 = 3
	ClassSecretKey   uint64 = 4
)

// Key types, CKK_….
const (
	KeyRSA           uint64 = 0x0
	KeyEC            uint64 = 0x3
	KeyGenericSecret uint64 = 0x10
	KeyAES           uint64 = 0x1f
)

// Attribute types, CKA_….
const (
	AttrClass             uint64 = 0x0
	AttrToken             uint64 = 0x1
	AttrPrivate           uint64 = 0x2
	AttrLabel             uint64 = 0x3
	AttrValue             uint64 = 0x11
	AttrKeyType           uint64 = 0x100
	AttrID                uint64 = 0x102
	AttrSensitive         uint64 = 0x103
	AttrEncrypt           uint64 = 0x104
	AttrDecrypt           uint64 = 0x105
	AttrSign              uint64 = 0x108
	AttrVerify            uint64 = 0x10a
	AttrDerive            uint64 = 0x10c
	AttrModulus           uint64 = 0x120
	AttrModulusBits       uint64 = 0x121
	AttrPublicExponent    uint64 = 0x122
	AttrPrivateExponent   uint64 = 0x123
	AttrPrime1            uint64 = 0x124
	AttrPrime2            uint64 = 0x125
	AttrExponent1         uint64 = 0x126
	AttrExponent2         uint64 = 0x127
	AttrCoefficient       uint64 = 0x128
	AttrValueLen          uint64 = 0x161
	AttrExtractable       uint64 = 0x162
	AttrCopyable          uint64 = 0x171
	AttrECParams          uint64 = 0x180
	AttrECPoint           uint64 = 0x181
	AttrAlwaysAuth        uint64 = 0x202
	AttrAllowedMechanisms uint64 = 0x40000600
)

var attributes = map[uint64]string{
	AttrClass: "CKA_CLASS", AttrToken: "CKA_TOKEN", AttrPrivate: "CKA_PRIVATE", AttrLabel: "CKA_LABEL", AttrValue: "CKA_VALUE",
	AttrKeyType: "CKA_KEY_TYPE", AttrID: "CKA_ID", AttrSensitive: "CKA_SENSITIVE", AttrEncrypt: "CKA_ENCRYPT", AttrDecrypt: "CKA_DECRYPT",
	AttrSign: "CKA_SIGN", AttrVerify: "CKA_VERIFY", AttrDerive: "CKA_DERIVE", AttrModulus: "CKA_MODULUS", AttrModulusBits: "CKA_MODULUS_BITS",
	AttrPublicExponent: "CKA_PUBLIC_EXPONENT", AttrPrivateExponent: "CKA_PRIVATE_EXPONENT", AttrPrime1: "CKA_PRIME_1", AttrPrime2: "CKA_PRIME_2",
	AttrExponent1: "CKA_EXPONENT_1", AttrExponent2: "CKA_EXPONENT_2", AttrCoefficient: "CKA_COEFFICIENT", AttrValueLen: "CKA_VALUE_LEN",
	AttrExtractable: "CKA_EXTRACTABLE", AttrCopyable: "CKA_COPYABLE", AttrECParams: "CKA_EC_PARAMS", AttrECPoint: "CKA_EC_POINT",
	AttrAlwaysAuth:        "CKA_ALWAYS_AUTHENTICATE",
	AttrAllowedMechanisms: "CKA_ALLOWED_MECHANISMS",
}

var mechanisms = map[uint64]string{
	MechRSAKeyPairGen: "CKM_RSA_PKCS_KEY_PAIR_GEN", MechRSAPKCS: "CKM_RSA_PKCS", MechRSAX509: "CKM_RSA_X_509", MechRSAOAEP: "CKM_RSA_PKCS_OAEP",
	MechRSAPSS: "CKM_RSA_PKCS_PSS", MechECKeyPairGen: "CKM_EC_KEY_PAIR_GEN", MechECDSA: "CKM_ECDSA", MechECDH1Derive: "CKM_ECDH1_DERIVE",
	MechAESKeyGen: "CKM_AES_KEY_GEN", MechAESECB: "CKM_AES_ECB", MechAESCBC: "CKM_AES_CBC", MechAESCBCPad: "CKM_AES_CBC_PAD",
	MechAESCTR: "CKM_AES_CTR", MechAESGCM: "CKM_AES_GCM", MechAESCMAC: "CKM_AES_CMAC", MechGenericGen: "CKM_GENERIC_SECRET_KEY_GEN",
	MechSHA1HMAC: "CKM_SHA_1_HMAC", MechSHA224HMAC: "CKM_SHA224_HMAC", MechSHA256HMAC: "CKM_SHA256_HMAC", MechSHA384HMAC: "CKM_SHA384_HMAC",
	MechSHA512HMAC: "CKM_SHA512_HMAC",
}

// AttributeName returns the standard's name, or the number.
func AttributeName(t uint64) string { return named(attributes, "CKA", t) }

// MechanismName returns the standard's name, or the number.
func MechanismName(m uint64) string { return named(mechanisms, "CKM", m) }

// Flags of a token, CKF_….
const (
	FlagWriteProtected     uint64 = 0x2
	FlagLoginRequired      uint64 = 0x4
	FlagUserPINInitialized uint64 = 0x8
	FlagProtectedPath      uint64 = 0x100
	FlagTokenInitialized   uint64 = 0x400
	FlagUserPINCountLow    uint64 = 0x10000
	FlagUserPINFinalTry    uint64 = 0x20000
	FlagUserPINLocked      uint64 = 0x40000
)

// Flags of a mechanism, CKF_….
const (
	FlagEncrypt         uint64 = 0x100
	FlagDecrypt         uint64 = 0x200
	FlagSign            uint64 = 0x800
	FlagVerify          uint64 = 0x2000
	FlagGenerate        uint64 = 0x8000
	FlagGenerateKeyPair uint64 = 0x10000
	FlagDerive          uint64 = 0x80000
)

func named(names map[uint64]string, kind string, n uint64) string {
	if name, ok := names[n]; ok {
		return name
	}
	return fmt.Sprintf("%s %#x", kind, n)
}
