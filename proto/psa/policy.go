package psa

import "github.com/seed-73b3884f/parsec-agent/proto/wire"

// Check is the question of CanDoCrypto. Values are the wire's.
type Check uint8

// The questions.
const (
	CheckNone     Check = 0
	CheckUse      Check = 1
	CheckGenerate Check = 2
	CheckImport   Check = 3
	CheckDerive   Check = 4
)

var checkNames = [...]string{CheckNone: "none", CheckUse: "use", CheckGenerate: "generate", CheckImport: "import", CheckDerive: "derive"}

func (c Check) String() string { return name(checkNames[:], int(c), "check") }

// Permit makes the checks of docs/spec/parsec-service.md section 3.4 that are common to
// all operations with a key, in their order: flag, algorithm permitted, algorithm fits
// the type. All refusals are StatusNotPermitted.
func (a Attributes) Permit(need Usage, alg Algorithm) error {
	switch {
	case !a.Usage.Has(need):
		return wire.Errorf(wire.StatusNotPermitted, "the key's usage flags do not include %s", need.Names()[0])
	case !a.Alg.Permits(alg):
		return wire.Errorf(wire.StatusNotPermitted, "the key's policy permits %s, not %s", a.Alg, alg)
	case !a.Fits(alg):
		return wire.Errorf(wire.StatusNotPermitted, "%s does not fit a key of type %s", alg, a.Type)
	}
	return nil
}

// defaultTag is the length of an AEAD tag that is not shortened, in bytes.
const defaultTag = 16

// Permits reports whether a policy of algorithm a permits an operation with op: equal, or
// a names any hash and op a specific one of the same scheme, or a says the default length
// of a tag that op leaves out. An operation that itself names any hash is never permitted.
func (a Algorithm) Permits(op Algorithm) bool {
	if a.Kind.AEAD() && a.Truncated && a.Length == defaultTag && !op.Truncated {
		a.Truncated, a.Length = false, 0
	}
	if op.Hash == HashAny {
		return false
	}
	if a.Hash == HashAny && op.Hash != HashNone {
		a.Hash = op.Hash
	}
	return a == op
}

// PermitsAgreement reports whether a policy permits a raw agreement of kind k.
func (a Algorithm) PermitsAgreement(k Kind) bool { return a == Algorithm{Kind: k} }

// Fits reports whether keys of the type can be used with alg at all.
func (a Attributes) Fits(alg Algorithm) bool {
	k := alg.Kind
	block := k == AlgCBCMAC || k == AlgCMAC || k.Cipher() && k != AlgStreamCipher
	switch a.Type {
	case KeyHMAC:
		return k == AlgHMAC
	case KeyDerive:
		return k.Derivation()
	case KeyAES, KeyCamellia:
		return block || k == AlgCCM || k == AlgGCM
	case KeyDES:
		return block
	case KeyARC4:
		return k == AlgStreamCipher
	case KeyChaCha20:
		return k == AlgStreamCipher || k == AlgChaCha20Poly1305
	case KeyRSAPair, KeyRSAPublic:
		return k == AlgRSAPKCS1v15Sign || k == AlgRSAPKCS1v15SignRaw || k == AlgRSAPSS || k.Encryption()
	case KeyECCPair, KeyECCPublic:
		if a.Curve == CurveEdwards || k == AlgPureEdDSA {
			return a.Curve == CurveEdwards && k == AlgPureEdDSA
		}
		return k == AlgECDSA || k == AlgECDSAAny || k == AlgDeterministicECDSA || k == AlgECDH
	case KeyDHPair, KeyDHPublic:
		return k == AlgFFDH
	default:
		return false
	}
}

// CheckHashLength refuses a hash that is not as long as alg's hash; ECDSA-any and PKCS#1
// raw accept every length.
func CheckHashLength(alg Algorithm, hash []byte) error {
	if alg.Kind == AlgECDSAAny || alg.Kind == AlgRSAPKCS1v15SignRaw {
		return nil
	}
	if want := alg.Hash.Size(); len(hash) != want {
		return wire.Errorf(wire.StatusInvalidArgument, "the hash has %d bytes, %s has %d", len(hash), alg.Hash, want)
	}
	return nil
}
