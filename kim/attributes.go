package kim

import (
	"errors"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
)

var errFlag = errors.New("the key attributes have a usage flag that is neither 0 nor 1")

// The enums of section 5.3, each in the order of its indexes; ours is where an index
// stops being the original's.
var (
	keyTypes = []psa.KeyType{
		psa.KeyRawData, psa.KeyHMAC, psa.KeyDerive, psa.KeyAES, psa.KeyDES, psa.KeyCamellia, psa.KeyARC4, psa.KeyChaCha20,
		psa.KeyRSAPublic, psa.KeyRSAPair, psa.KeyECCPair, psa.KeyECCPublic, psa.KeyDHPair, psa.KeyDHPublic,
	}
	curves = []psa.Curve{
		psa.CurveSECPK1, psa.CurveSECPR1, psa.CurveSECPR2, psa.CurveSECTK1, psa.CurveSECTR1, psa.CurveSECTR2,
		psa.CurveBrainpoolPR1, psa.CurveFRP, psa.CurveMontgomery, psa.CurveEdwards,
	}
	groups = []psa.Group{psa.GroupRFC7919}
	hashes = []psa.Hash{
		psa.HashMD2, psa.HashMD4, psa.HashMD5, psa.HashRIPEMD160, psa.HashSHA1, psa.HashSHA224, psa.HashSHA256, psa.HashSHA384,
		psa.HashSHA512, psa.HashSHA512224, psa.HashSHA512256, psa.HashSHA3224, psa.HashSHA3256, psa.HashSHA3384, psa.HashSHA3512,
	}
	macs    = []psa.Kind{psa.AlgHMAC, psa.AlgCBCMAC, psa.AlgCMAC}
	ciphers = []psa.Kind{
		psa.AlgStreamCipher, psa.AlgCTR, psa.AlgCFB, psa.AlgOFB, psa.AlgXTS, psa.AlgECBNoPadding, psa.AlgCBCNoPadding, psa.AlgCBCPKCS7,
	}
	aeads      = []psa.Kind{psa.AlgCCM, psa.AlgGCM, psa.AlgChaCha20Poly1305}
	signatures = []psa.Kind{
		psa.AlgRSAPKCS1v15Sign, psa.AlgRSAPKCS1v15SignRaw, psa.AlgRSAPSS, psa.AlgECDSA, psa.AlgECDSAAny, psa.AlgDeterministicECDSA,
		psa.AlgPureEdDSA,
	}
	encryptions = []psa.Kind{psa.AlgRSAPKCS1v15Crypt, psa.AlgRSAOAEP}
	agreements  = []psa.Kind{psa.AlgFFDH, psa.AlgECDH}
	derivations = []psa.Kind{psa.AlgHKDF, psa.AlgTLS12PRF, psa.AlgTLS12PSKToMS}
)

const (
	ourCurves     = 9
	ourSignatures = 6
)

// The outer enum of Algorithm.
const (
	algorithmNone uint8 = iota
	algorithmHash
	algorithmMAC
	algorithmCipher
	algorithmAEAD
	algorithmSignature
	algorithmEncryption
	algorithmAgreement
	algorithmDerivation
	algorithmEnd
)

const (
	lifetimePersistent uint8 = 1
	lifetimeCustom     uint8 = 2
	usageFlags               = 10
)

func (c *codec) attributes(a *psa.Attributes) {
	lifetime := lifetimePersistent
	c.count("lifetime", &lifetime, lifetimeCustom+1)
	if lifetime == lifetimeCustom {
		c.u32(new(uint32))
	}
	variant(c, "key type", &a.Type, keyTypes, len(keyTypes))
	switch {
	case a.Type.ECC():
		variant(c, "curve family", &a.Curve, curves, ourCurves)
	case a.Type.DH():
		variant(c, "group family", &a.Group, groups, len(groups))
	}
	c.u64(&a.Bits)
	c.usage(&a.Usage)
	c.algorithm(&a.Alg)
}

func (c *codec) usage(u *psa.Usage) {
	for i := range usageFlags {
		bit := psa.Usage(1) << i
		flag := uint8(*u >> i & 1)
		c.u8(&flag)
		switch flag {
		case 0:
		case 1:
			*u |= bit
		default:
			c.fail(errFlag)
		}
	}
}

func (c *codec) algorithm(a *psa.Algorithm) {
	outer := outerOf(a.Kind)
	c.count("algorithm", &outer, algorithmEnd)
	switch outer {
	case algorithmNone:
	case algorithmHash:
		a.Kind = psa.AlgHash
		c.hash(&a.Hash)
	case algorithmMAC:
		c.truncated(&a.Truncated)
		variant(c, "MAC", &a.Kind, macs, len(macs))
		if a.Kind == psa.AlgHMAC {
			c.hash(&a.Hash)
		}
		c.length(a)
	case algorithmCipher:
		variant(c, "cipher", &a.Kind, ciphers, len(ciphers))
	case algorithmAEAD:
		c.truncated(&a.Truncated)
		variant(c, "AEAD", &a.Kind, aeads, len(aeads))
		c.length(a)
	case algorithmSignature:
		c.signature(a)
	case algorithmEncryption:
		variant(c, "asymmetric encryption", &a.Kind, encryptions, len(encryptions))
		if a.Kind == psa.AlgRSAOAEP {
			c.hash(&a.Hash)
		}
	case algorithmAgreement:
		c.agreement(a)
	case algorithmDerivation:
		variant(c, "key derivation", &a.Kind, derivations, len(derivations))
		c.hash(&a.Hash)
	}
}

func (c *codec) signature(a *psa.Algorithm) {
	variant(c, "signature algorithm", &a.Kind, signatures, ourSignatures)
	switch a.Kind {
	case psa.AlgRSAPKCS1v15Sign, psa.AlgRSAPSS, psa.AlgECDSA, psa.AlgDeterministicECDSA:
	default:
		return
	}
	// 0 is a specific hash and 1 any, the reverse of the wire.
	anyHash := a.Hash == psa.HashAny
	c.choice("hash selector", &anyHash)
	if anyHash {
		a.Hash = psa.HashAny
		return
	}
	c.hash(&a.Hash)
}

func (c *codec) agreement(a *psa.Algorithm) {
	derived := a.KDF != psa.AlgNone
	c.choice("key agreement", &derived)
	variant(c, "raw key agreement", &a.Kind, agreements, len(agreements))
	if derived {
		variant(c, "key derivation", &a.KDF, derivations, len(derivations))
		c.hash(&a.KDFHash)
	}
}

func (c *codec) hash(h *psa.Hash) { variant(c, "hash", h, hashes, len(hashes)) }

func (c *codec) truncated(t *bool) { c.choice("output length selector", t) }

func (c *codec) length(a *psa.Algorithm) {
	if a.Truncated {
		c.u64(&a.Length)
	}
}

// choice codes an enum of two variants.
func (c *codec) choice(what string, v *bool) {
	var index uint8
	if *v {
		index = 1
	}
	c.count(what, &index, 2)
	*v = index == 1
}

// count codes an enum whose variants are known by their index alone.
func (c *codec) count(what string, index *uint8, end uint8) {
	all := make([]uint8, end)
	for i := range all {
		all[i] = uint8(i)
	}
	variant(c, what, index, all, len(all))
}

func outerOf(k psa.Kind) uint8 {
	switch {
	case k == psa.AlgNone:
		return algorithmNone
	case k == psa.AlgHash:
		return algorithmHash
	case k.MAC():
		return algorithmMAC
	case k.Cipher():
		return algorithmCipher
	case k.AEAD():
		return algorithmAEAD
	case k.Signature():
		return algorithmSignature
	case k.Encryption():
		return algorithmEncryption
	case k.Agreement():
		return algorithmAgreement
	case k.Derivation():
		return algorithmDerivation
	default:
		return algorithmEnd
	}
}
