package policy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
)

// Type is a kind of key with its size, as the command line names it.
type Type struct {
	Name string
	// Kind, Curve and Bits are those of the attributes. Bits is 0 where the user says it.
	Kind  psa.KeyType
	Curve psa.Curve
	Bits  uint64
	// Hash is the usual hash for the size.
	Hash psa.Hash
}

// types lists what the command line can create. The usual hash is as strong as the key.
var types = []Type{
	{"ecc-p192", psa.KeyECCPair, psa.CurveSECPR1, 192, psa.HashSHA256},
	{"ecc-p224", psa.KeyECCPair, psa.CurveSECPR1, 224, psa.HashSHA256},
	{"ecc-p256", psa.KeyECCPair, psa.CurveSECPR1, 256, psa.HashSHA256},
	{"ecc-p384", psa.KeyECCPair, psa.CurveSECPR1, 384, psa.HashSHA384},
	{"ecc-p521", psa.KeyECCPair, psa.CurveSECPR1, 521, psa.HashSHA512},
	{"ecc-secp192k1", psa.KeyECCPair, psa.CurveSECPK1, 192, psa.HashSHA256},
	{"ecc-secp256k1", psa.KeyECCPair, psa.CurveSECPK1, 256, psa.HashSHA256},
	{"ecc-brainpool256", psa.KeyECCPair, psa.CurveBrainpoolPR1, 256, psa.HashSHA256},
	{"ecc-brainpool384", psa.KeyECCPair, psa.CurveBrainpoolPR1, 384, psa.HashSHA384},
	{"ecc-brainpool512", psa.KeyECCPair, psa.CurveBrainpoolPR1, 512, psa.HashSHA512},
	{"ed25519", psa.KeyECCPair, psa.CurveEdwards, 255, psa.HashNone},
	{"x25519", psa.KeyECCPair, psa.CurveMontgomery, 255, psa.HashNone},
	{"x448", psa.KeyECCPair, psa.CurveMontgomery, 448, psa.HashNone},
	{"rsa-1024", psa.KeyRSAPair, 0, 1024, psa.HashSHA256},
	{"rsa-2048", psa.KeyRSAPair, 0, 2048, psa.HashSHA256},
	{"rsa-3072", psa.KeyRSAPair, 0, 3072, psa.HashSHA256},
	{"rsa-4096", psa.KeyRSAPair, 0, 4096, psa.HashSHA256},
	{"aes-128", psa.KeyAES, 0, 128, 0},
	{"aes-192", psa.KeyAES, 0, 192, 0},
	{"aes-256", psa.KeyAES, 0, 256, 0},
	{"camellia-128", psa.KeyCamellia, 0, 128, 0},
	{"camellia-192", psa.KeyCamellia, 0, 192, 0},
	{"camellia-256", psa.KeyCamellia, 0, 256, 0},
	{"chacha20", psa.KeyChaCha20, 0, 256, 0},
	{"hmac-sha224", psa.KeyHMAC, 0, 224, psa.HashSHA224},
	{"hmac-sha256", psa.KeyHMAC, 0, 256, psa.HashSHA256},
	{"hmac-sha384", psa.KeyHMAC, 0, 384, psa.HashSHA384},
	{"hmac-sha512", psa.KeyHMAC, 0, 512, psa.HashSHA512},
	{"hmac", psa.KeyHMAC, 0, 0, psa.HashSHA256},
	{"derive", psa.KeyDerive, 0, 0, psa.HashSHA256},
	{"dh-2048", psa.KeyDHPair, 0, 2048, 0},
	{"dh-3072", psa.KeyDHPair, 0, 3072, 0},
	{"raw", psa.KeyRawData, 0, 0, 0},
}

// TypeNames returns the names that ParseType accepts, without the sizes of other RSA keys.
func TypeNames() []string {
	var names []string
	for _, t := range types {
		names = append(names, t.Name)
	}
	return names
}

// ParseType finds a type by its name. "rsa-N" is accepted for every N.
func ParseType(name string) (Type, error) {
	name = strings.ToLower(name)
	if i := slices.IndexFunc(types, func(t Type) bool { return t.Name == name }); i >= 0 {
		return types[i], nil
	}
	if size, ok := strings.CutPrefix(name, "rsa-"); ok {
		if bits, err := strconv.ParseUint(size, 10, 16); err == nil {
			return Type{name, psa.KeyRSAPair, 0, bits, psa.HashSHA256}, nil
		}
	}
	return Type{}, fmt.Errorf("no key type is called %q; there are %s", name, strings.Join(TypeNames(), ", "))
}

// Sized returns t with the size that the user gives, in bits. 0 keeps the type's own.
func (t Type) Sized(bits uint64) (Type, error) {
	switch {
	case bits == 0 && t.Bits == 0:
		t.Bits = 256
	case bits == 0:
	case t.Bits == 0:
		t.Bits = bits
	case t.Bits != bits:
		return t, fmt.Errorf("a key of type %s has %d bits, not %d", t.Name, t.Bits, bits)
	}
	return t, nil
}

// TypeName names the type of a key for a person, as ParseType accepts it where it does.
func TypeName(a psa.Attributes) string {
	kind, suffix := a.Type, ""
	switch a.Type {
	case psa.KeyECCPublic:
		kind, suffix = psa.KeyECCPair, " (public)"
	case psa.KeyRSAPublic:
		kind, suffix = psa.KeyRSAPair, " (public)"
	case psa.KeyDHPublic:
		kind, suffix = psa.KeyDHPair, " (public)"
	default:
	}
	for _, t := range types {
		if t.Kind == kind && t.Curve == a.Curve && t.Bits == a.Bits && kind != psa.KeyHMAC {
			return t.Name + suffix
		}
	}
	switch {
	case kind == psa.KeyECCPair && a.Bits == 0:
		return "ecc-" + a.Curve.String() + suffix
	case kind == psa.KeyECCPair:
		return fmt.Sprintf("ecc-%s-%d%s", a.Curve, a.Bits, suffix)
	case a.Bits == 0:
		return kind.String() + suffix
	default:
		return fmt.Sprintf("%s-%d%s", kind, a.Bits, suffix)
	}
}

// PairOf returns the type of the pair that a public key belongs to, or the type itself.
func PairOf(t psa.KeyType) psa.KeyType {
	switch t {
	case psa.KeyECCPublic:
		return psa.KeyECCPair
	case psa.KeyRSAPublic:
		return psa.KeyRSAPair
	case psa.KeyDHPublic:
		return psa.KeyDHPair
	default:
		return t
	}
}

// TypeOf returns the type of a key that exists, with its usual hash.
func TypeOf(a psa.Attributes) Type {
	t := Type{Name: TypeName(a), Kind: a.Type, Curve: a.Curve, Bits: a.Bits, Hash: psa.HashSHA256}
	for _, known := range types {
		if known.Kind == PairOf(a.Type) && known.Curve == a.Curve && known.Bits == a.Bits {
			t.Hash = known.Hash
			break
		}
	}
	return t
}
