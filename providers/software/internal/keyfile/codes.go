package keyfile

import (
	"fmt"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// The PSA codes of key types without their curve family.
var typeCodes = map[psa.KeyType]uint16{
	psa.KeyRawData: 0x1001, psa.KeyHMAC: 0x1100, psa.KeyDerive: 0x1200, psa.KeyAES: 0x2400, psa.KeyDES: 0x2301,
	psa.KeyCamellia: 0x2403, psa.KeyARC4: 0x2002, psa.KeyChaCha20: 0x2004, psa.KeyRSAPublic: 0x4001, psa.KeyRSAPair: 0x7001,
	psa.KeyECCPublic: 0x4100, psa.KeyECCPair: 0x7100, psa.KeyDHPublic: 0x4203, psa.KeyDHPair: 0x7203,
}

var curveCodes = map[psa.Curve]uint16{
	psa.CurveSECPK1: 0x17, psa.CurveSECPR1: 0x12, psa.CurveSECPR2: 0x1b, psa.CurveSECTK1: 0x27, psa.CurveSECTR1: 0x22,
	psa.CurveSECTR2: 0x2b, psa.CurveBrainpoolPR1: 0x30, psa.CurveFRP: 0x33, psa.CurveMontgomery: 0x41, psa.CurveEdwards: 0x42,
}

func typeCode(a psa.Attributes) (uint16, error) {
	code, ok := typeCodes[a.Type]
	if ok && a.Type.ECC() {
		var family uint16
		family, ok = curveCodes[a.Curve]
		code |= family
	}
	if !ok || a.Group != psa.GroupRFC7919 {
		return 0, wire.Errorf(wire.StatusNotSupported, "a key of type %s, curve family %s, cannot be stored", a.Type, a.Curve)
	}
	return code, nil
}

func typeName(code uint16) string {
	for t, base := range typeCodes {
		if !t.ECC() {
			if code == base {
				return t.String()
			}
			continue
		}
		for c, family := range curveCodes {
			if code == base|family {
				return t.String() + ":" + c.String()
			}
		}
	}
	return fmt.Sprintf("0x%04x", code)
}

// usageCode loses what the original loses: cache, and the message flags that are not
// brought by the hash flags.
func usageCode(u psa.Usage) uint32 {
	var code uint32
	for _, f := range [...]struct {
		flag psa.Usage
		code uint32
	}{
		{psa.UsageExport, 0x0001},
		{psa.UsageCopy, 0x0002},
		{psa.UsageEncrypt, 0x0100},
		{psa.UsageDecrypt, 0x0200},
		{psa.UsageSignHash, 0x1400},
		{psa.UsageVerifyHash, 0x2800},
		{psa.UsageDerive, 0x4000},
	} {
		if u.Has(f.flag) {
			code |= f.code
		}
	}
	return code
}

const (
	algCipher = 0x04000000
	// lengthShift and lengthMask place the length of a MAC or tag: six bits.
	lengthShift, lengthMask = 16, 0x3f
	defaultTag              = 16
	derivationMask          = 0x0000ffff
)

// The PSA codes of algorithms without hash and length.
var algorithmCodes = map[psa.Kind]uint32{
	psa.AlgNone: 0, psa.AlgHash: 0x02000000,
	psa.AlgHMAC: 0x03800000, psa.AlgCBCMAC: 0x03c00100, psa.AlgCMAC: 0x03c00200,
	psa.AlgStreamCipher: 0x04800100, psa.AlgCTR: 0x04c01000, psa.AlgCFB: 0x04c01100, psa.AlgOFB: 0x04c01200, psa.AlgXTS: 0x0440ff00,
	psa.AlgECBNoPadding: 0x04404400, psa.AlgCBCNoPadding: 0x04404000, psa.AlgCBCPKCS7: 0x04404100,
	psa.AlgCCM: 0x05400100, psa.AlgGCM: 0x05400200, psa.AlgChaCha20Poly1305: 0x05000500,
	psa.AlgRSAPKCS1v15Sign: 0x06000200, psa.AlgRSAPKCS1v15SignRaw: 0x06000200, psa.AlgRSAPSS: 0x06000300,
	psa.AlgECDSA: 0x06000600, psa.AlgECDSAAny: 0x06000600, psa.AlgDeterministicECDSA: 0x06000700, psa.AlgPureEdDSA: 0x06000800,
	psa.AlgRSAPKCS1v15Crypt: 0x07000200, psa.AlgRSAOAEP: 0x07000300,
	psa.AlgHKDF: 0x08000100, psa.AlgTLS12PRF: 0x08000200, psa.AlgTLS12PSKToMS: 0x08000300,
	psa.AlgFFDH: 0x09010000, psa.AlgECDH: 0x09020000,
}

var hashCodes = map[psa.Hash]uint32{
	psa.HashNone: 0, psa.HashMD2: 0x01, psa.HashMD4: 0x02, psa.HashMD5: 0x03, psa.HashRIPEMD160: 0x04, psa.HashSHA1: 0x05,
	psa.HashSHA224: 0x08, psa.HashSHA256: 0x09, psa.HashSHA384: 0x0a, psa.HashSHA512: 0x0b,
	psa.HashSHA512224: 0x0c, psa.HashSHA512256: 0x0d,
	psa.HashSHA3224: 0x10, psa.HashSHA3256: 0x11, psa.HashSHA3384: 0x12, psa.HashSHA3512: 0x13, psa.HashAny: 0xff,
}

func algorithmCode(a psa.Algorithm) (uint32, error) {
	code, known := algorithmCodes[a.Kind]
	hash, knownHash := hashCodes[a.Hash]
	kdf, knownKDF := algorithmCodes[a.KDF]
	kdfHash, knownKDFHash := hashCodes[a.KDFHash]
	if !known || !knownHash || !knownKDF || !knownKDFHash {
		return 0, wire.Errorf(wire.StatusNotSupported, "algorithm %s cannot be stored", a)
	}
	length := uint64(0)
	switch {
	case a.Truncated:
		length = a.Length & lengthMask
	case a.Kind.AEAD():
		length = defaultTag
	}
	return code | hash | uint32(length)<<lengthShift | (kdf|kdfHash)&derivationMask, nil
}
