package psa

import "fmt"

// KeyName is the name that an application gave to a key: any UTF-8, also empty.
type KeyName string

// Attributes describes a key: what it is and what it may be used for.
type Attributes struct {
	Type  KeyType
	Curve Curve // for the ecc key types only
	Group Group // for the dh key types only
	Bits  uint64
	Usage Usage
	Alg   Algorithm
}

// KeyType is the kind of a key. Values are the wire's field numbers.
type KeyType uint8

// The key types.
const (
	KeyRawData   KeyType = 1
	KeyHMAC      KeyType = 2
	KeyDerive    KeyType = 3
	KeyAES       KeyType = 4
	KeyDES       KeyType = 5
	KeyCamellia  KeyType = 6
	KeyARC4      KeyType = 7
	KeyChaCha20  KeyType = 8
	KeyRSAPublic KeyType = 9
	KeyRSAPair   KeyType = 10
	KeyECCPair   KeyType = 11
	KeyECCPublic KeyType = 12
	KeyDHPair    KeyType = 13
	KeyDHPublic  KeyType = 14
)

// Public reports whether keys of the type are public halves.
func (t KeyType) Public() bool { return t == KeyRSAPublic || t == KeyECCPublic || t == KeyDHPublic }

// Pair reports whether keys of the type have a public half that can be exported.
func (t KeyType) Pair() bool { return t == KeyRSAPair || t == KeyECCPair || t == KeyDHPair }

// RSA reports whether the type is an RSA pair or public key.
func (t KeyType) RSA() bool { return t == KeyRSAPair || t == KeyRSAPublic }

// ECC reports whether the type is an elliptic curve pair or public key.
func (t KeyType) ECC() bool { return t == KeyECCPair || t == KeyECCPublic }

// DH reports whether the type is a finite field pair or public key.
func (t KeyType) DH() bool { return t == KeyDHPair || t == KeyDHPublic }

var keyTypeNames = [...]string{
	KeyRawData: "raw-data", KeyHMAC: "hmac", KeyDerive: "derive", KeyAES: "aes", KeyDES: "des",
	KeyCamellia: "camellia", KeyARC4: "arc4", KeyChaCha20: "chacha20", KeyRSAPublic: "rsa-public",
	KeyRSAPair: "rsa", KeyECCPair: "ecc", KeyECCPublic: "ecc-public", KeyDHPair: "dh", KeyDHPublic: "dh-public",
}

func (t KeyType) String() string { return name(keyTypeNames[:], int(t), "key type") }

// Curve is a family of elliptic curves. Values up to CurveMontgomery are the wire's.
type Curve uint8

// The curve families. CurveEdwards (Ed25519) is ours: the original's messages have no
// number for it, see package proto/agent.
const (
	CurveNone         Curve = 0
	CurveSECPK1       Curve = 1
	CurveSECPR1       Curve = 2
	CurveSECPR2       Curve = 3
	CurveSECTK1       Curve = 4
	CurveSECTR1       Curve = 5
	CurveSECTR2       Curve = 6
	CurveBrainpoolPR1 Curve = 7
	CurveFRP          Curve = 8
	CurveMontgomery   Curve = 9
	CurveEdwards      Curve = 100
	maxWireCurve            = CurveMontgomery
)

var curveNames = [...]string{
	CurveNone: "none", CurveSECPK1: "secp-k1", CurveSECPR1: "secp-r1", CurveSECPR2: "secp-r2", CurveSECTK1: "sect-k1",
	CurveSECTR1: "sect-r1", CurveSECTR2: "sect-r2", CurveBrainpoolPR1: "brainpool-p-r1", CurveFRP: "frp",
	CurveMontgomery: "montgomery",
}

func (c Curve) String() string {
	if c == CurveEdwards {
		return "twisted-edwards"
	}
	return name(curveNames[:], int(c), "curve family")
}

// Group is a family of finite field groups; RFC 7919 is the only one.
type Group uint8

// GroupRFC7919 is the only group family, and the wire's default.
const GroupRFC7919 Group = 0

func (g Group) String() string { return name([]string{"rfc7919"}, int(g), "group family") }

// Usage is a set of usage flags.
type Usage uint16

// The usage flags, in the order of the wire.
const (
	UsageExport Usage = 1 << iota
	UsageCopy
	UsageCache
	UsageEncrypt
	UsageDecrypt
	UsageSignMessage
	UsageVerifyMessage
	UsageSignHash
	UsageVerifyHash
	UsageDerive
	usageEnd
)

// UsageAll is every flag there is.
const UsageAll = usageEnd - 1

var usageNames = [...]string{
	"export", "copy", "cache", "encrypt", "decrypt", "sign-message", "verify-message", "sign-hash", "verify-hash", "derive",
}

// Has reports whether all flags of want are set.
func (u Usage) Has(want Usage) bool { return u&want == want }

// Expand adds what the protocol implies: sign-hash brings sign-message, verify-hash
// brings verify-message.
func (u Usage) Expand() Usage {
	if u.Has(UsageSignHash) {
		u |= UsageSignMessage
	}
	if u.Has(UsageVerifyHash) {
		u |= UsageVerifyMessage
	}
	return u
}

// Names returns the names of the flags that are set, in the order of the wire.
func (u Usage) Names() []string {
	names := []string{}
	for i, n := range usageNames {
		if u.Has(1 << i) {
			names = append(names, n)
		}
	}
	return names
}

func name(names []string, i int, what string) string {
	if i < len(names) && names[i] != "" {
		return names[i]
	}
	return fmt.Sprintf("%s %d", what, i)
}
