package policy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
)

// uses are the words of --use. What a word means depends on the algorithm, so it names
// all flags that it may stand for.
var uses = []struct {
	name  string
	flags psa.Usage
}{
	{"sign", psa.UsageSignHash | psa.UsageSignMessage | psa.UsageVerifyHash | psa.UsageVerifyMessage},
	{"verify", psa.UsageVerifyHash | psa.UsageVerifyMessage},
	{"encrypt", psa.UsageEncrypt | psa.UsageDecrypt},
	{"decrypt", psa.UsageDecrypt},
	{"mac", psa.UsageSignMessage | psa.UsageVerifyMessage},
	{"agree", psa.UsageDerive},
	{"derive", psa.UsageDerive},
	{"export", psa.UsageExport},
	{"copy", psa.UsageCopy},
	{"cache", psa.UsageCache},
	{"sign-hash", psa.UsageSignHash},
	{"verify-hash", psa.UsageVerifyHash},
	{"sign-message", psa.UsageSignMessage},
	{"verify-message", psa.UsageVerifyMessage},
}

// UseNames returns the words of --use.
func UseNames() []string {
	var names []string
	for _, u := range uses {
		names = append(names, u.name)
	}
	return names
}

// ParseUse reads words of --use.
func ParseUse(words []string) (psa.Usage, error) {
	var flags psa.Usage
	for _, w := range words {
		i := slices.IndexFunc(uses, func(u struct {
			name  string
			flags psa.Usage
		},
		) bool {
			return u.name == strings.ToLower(w)
		})
		if i < 0 {
			return 0, fmt.Errorf("no use is called %q; there are %s", w, strings.Join(UseNames(), ", "))
		}
		flags |= uses[i].flags
	}
	return flags, nil
}

// Request is what a person says of a key to be made, asked about or imported.
type Request struct {
	Type       string
	Bits       uint64
	Use        []string
	Algorithm  string
	Hash       string
	Exportable bool
}

// Attributes completes a request: what is left out is what most people want of the type.
func (r Request) Attributes() (psa.Attributes, error) {
	t, err := ParseType(r.Type)
	if err != nil {
		return psa.Attributes{}, err
	}
	if t, err = t.Sized(r.Bits); err != nil {
		return psa.Attributes{}, err
	}
	return r.Complete(t)
}

// Complete fills in use and algorithm of a key whose type is known.
func (r Request) Complete(t Type) (psa.Attributes, error) {
	a := psa.Attributes{Type: t.Kind, Curve: t.Curve, Bits: t.Bits}
	hash := t.Hash
	var err error
	if r.Hash == "any" {
		hash = psa.HashAny
	} else if r.Hash != "" {
		if hash, err = ParseHash(r.Hash); err != nil {
			return a, err
		}
	}
	if a.Usage, err = ParseUse(r.Use); err != nil {
		return a, err
	}
	if r.Algorithm != "" {
		a.Alg, err = ParseAlgorithm(r.Algorithm, hash)
	} else {
		a.Alg = usual(t, a.Usage, hash)
		err = a.Alg.Valid()
	}
	if err != nil {
		return a, err
	}
	if r.Hash != "" && a.Alg.Hash != hash {
		return a, fmt.Errorf("--hash %s does not go with the algorithm %s", r.Hash, a.Alg)
	}
	if a.Usage&^(psa.UsageExport|psa.UsageCopy|psa.UsageCache) == 0 {
		a.Usage |= everyUse(a)
	}
	if r.Exportable {
		a.Usage |= psa.UsageExport
	}
	a.Usage = trim(a)
	return a, check(t, a)
}

// usual returns the algorithm that the type and the use suggest.
func usual(t Type, use psa.Usage, hash psa.Hash) psa.Algorithm {
	agree := use.Has(psa.UsageDerive)
	crypt := use&(psa.UsageEncrypt|psa.UsageDecrypt) != 0
	mac := use&(psa.UsageSignMessage|psa.UsageVerifyMessage) != 0
	switch t.Kind {
	case psa.KeyECCPair, psa.KeyECCPublic:
		switch {
		case t.Curve == psa.CurveEdwards:
			return psa.Algorithm{Kind: psa.AlgPureEdDSA}
		case t.Curve == psa.CurveMontgomery || agree:
			return psa.Algorithm{Kind: psa.AlgECDH}
		}
		return psa.Algorithm{Kind: psa.AlgECDSA, Hash: hash}
	case psa.KeyRSAPair, psa.KeyRSAPublic:
		if crypt {
			return psa.Algorithm{Kind: psa.AlgRSAOAEP, Hash: hash}
		}
		return psa.Algorithm{Kind: psa.AlgRSAPKCS1v15Sign, Hash: hash}
	case psa.KeyAES, psa.KeyCamellia:
		if mac && !crypt {
			return psa.Algorithm{Kind: psa.AlgCMAC}
		}
		return psa.Algorithm{Kind: psa.AlgGCM}
	case psa.KeyChaCha20:
		return psa.Algorithm{Kind: psa.AlgChaCha20Poly1305}
	case psa.KeyHMAC:
		return psa.Algorithm{Kind: psa.AlgHMAC, Hash: hash}
	case psa.KeyDerive:
		return psa.Algorithm{Kind: psa.AlgHKDF, Hash: hash}
	case psa.KeyDHPair, psa.KeyDHPublic:
		return psa.Algorithm{Kind: psa.AlgFFDH}
	default:
		return psa.Algorithm{}
	}
}

const (
	signing   = psa.UsageSignHash | psa.UsageSignMessage
	verifying = psa.UsageVerifyHash | psa.UsageVerifyMessage
)

// everyUse returns all that the algorithm is for.
func everyUse(a psa.Attributes) psa.Usage {
	switch k := a.Alg.Kind; {
	case k.Signature():
		return signing | verifying
	case k.MAC():
		return psa.UsageSignMessage | psa.UsageVerifyMessage
	case k.Encryption(), k.AEAD(), k.Cipher():
		return psa.UsageEncrypt | psa.UsageDecrypt
	case k.Agreement(), k.Derivation():
		return psa.UsageDerive
	default:
		return psa.UsageExport
	}
}

// trim takes away the flags that --use words bring along but the key cannot have: hashes
// that Ed25519 does not sign, the private half's of a public key.
func trim(a psa.Attributes) psa.Usage {
	u := a.Usage
	if a.Alg.Kind == psa.AlgPureEdDSA || a.Alg.Kind.MAC() {
		u &^= psa.UsageSignHash | psa.UsageVerifyHash
	}
	if a.Type.Public() {
		u &^= signing | psa.UsageDecrypt | psa.UsageDerive
	}
	return u
}

func check(t Type, a psa.Attributes) error {
	if a.Alg.Kind != psa.AlgNone && !a.Fits(a.Alg) {
		return fmt.Errorf("a key of type %s cannot be used with the algorithm %s", t.Name, a.Alg)
	}
	can := everyUse(a) | psa.UsageExport | psa.UsageCopy | psa.UsageCache
	if wrong := a.Usage &^ can; wrong != 0 {
		return fmt.Errorf("the algorithm %s cannot %s: give another --alg, or another --use", a.Alg, strings.Join(wrong.Names(), " or "))
	}
	return a.Valid()
}
