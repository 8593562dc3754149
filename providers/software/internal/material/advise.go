package material

import (
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
)

// Advise answers CanDoCrypto: nil for yes, StatusNotSupported for no.
//
// With q.Original the answer is the original's (docs/spec/parsec-service.md 6.1.5), except
// where that is wrong for what we do:
//
//	P-384, RSA-3072               yes; the original's size tables lack them
//	SECP_R1 of 284 bits           no; a misprint of the original for 384
//	a size that no key can have   no; the original answers yes for AES-77 and DH-1000
//	curves that nobody implements no; the original knows them by name only
//	GENERATE without a size       no; the original answers yes and refuses to generate
//
// Otherwise the answer is what we really do: GENERATE and IMPORT are yes if the call would
// succeed and the key would be usable with its algorithm (or has none, or feeds a
// key derivation); USE is yes if some operation succeeds for the algorithm, size and usage
// flags. Deprecated types count as possible, refusing them is the caller's.
func Advise(q providers.Capability) error {
	answer := advise
	if q.Original {
		answer = adviseOriginal
	}
	if !answer(q.Check, q.Attributes) {
		return wire.Errorf(wire.StatusNotSupported, "%s of such a key is not possible here", q.Check)
	}
	return nil
}

func advise(check psa.Check, a psa.Attributes) bool {
	switch check {
	case psa.CheckUse:
		return sizePossible(a) && usable(a)
	case psa.CheckGenerate:
		return !a.Type.Public() && checkSize(a) == nil && purposeful(a)
	case psa.CheckImport:
		return sizePossible(a) && purposeful(a)
	default:
		return false
	}
}

// sizePossible reports whether a key may have the size, which is 0 where the data decides.
func sizePossible(a psa.Attributes) bool {
	if a.Bits != 0 {
		return checkSize(a) == nil
	}
	if !a.Type.ECC() {
		return a.Type != psa.KeyARC4
	}
	for _, c := range curves {
		if c.family == a.Curve && c.impl != nil {
			return true
		}
	}
	return false
}

// purposeful reports whether a key with the policy is good for anything: to be kept, to be
// used, or to feed a key derivation, for which there is no operation yet.
func purposeful(a psa.Attributes) bool {
	if a.Alg.Kind == psa.AlgNone {
		return true
	}
	return a.Fits(a.Alg) && (a.Alg.Kind.Derivation() || a.Alg.KDF != psa.AlgNone || usable(a))
}

// usable reports whether an operation exists for algorithm, type and usage flags.
func usable(a psa.Attributes) bool {
	return a.Usage&flagsFor(a) != 0 && a.Alg.KDF == psa.AlgNone && a.Fits(a.Alg) && supportedPolicy(a)
}

// flagsFor returns the usage flags that an operation with the policy's algorithm asks for.
func flagsFor(a psa.Attributes) psa.Usage {
	var private, public psa.Usage
	switch k := a.Alg.Kind; {
	case k == psa.AlgRSAPKCS1v15SignRaw || k == psa.AlgECDSAAny:
		private, public = psa.UsageSignHash, psa.UsageVerifyHash
	case k == psa.AlgPureEdDSA:
		private, public = psa.UsageSignMessage, psa.UsageVerifyMessage
	case k.Signature():
		private, public = psa.UsageSignHash|psa.UsageSignMessage, psa.UsageVerifyHash|psa.UsageVerifyMessage
	case k.MAC():
		private = psa.UsageSignMessage | psa.UsageVerifyMessage
	case k.Cipher() || k.AEAD():
		private = psa.UsageEncrypt | psa.UsageDecrypt
	case k.Encryption():
		private, public = psa.UsageDecrypt, psa.UsageEncrypt
	case k.Agreement():
		private = psa.UsageDerive
	}
	if a.Type.Public() {
		return public
	}
	return private | public
}

// supportedPolicy is supported for a policy, which may name any hash.
func supportedPolicy(a psa.Attributes) bool {
	if a.Alg.Hash == psa.HashAny {
		a.Alg.Hash = psa.HashSHA256
	}
	return supported(a, a.Alg) == nil
}

// adviseOriginal follows the steps of section 6.1.5.
func adviseOriginal(check psa.Check, a psa.Attributes) bool {
	if !sizePossible(a) {
		return false
	}
	switch check {
	case psa.CheckUse:
		return originalUse(a)
	case psa.CheckGenerate:
		return originalGenerates(a.Type) && checkSize(a) == nil && (a.Alg.Kind == psa.AlgNone || originalUse(a))
	case psa.CheckImport:
		return (originalGenerates(a.Type) || a.Type.Public()) && (a.Alg.Kind == psa.AlgNone || originalUse(a))
	default:
		return false
	}
}

// originalGenerates lists the types that the original admits to generate.
func originalGenerates(t psa.KeyType) bool {
	switch t {
	case psa.KeyRawData, psa.KeyAES, psa.KeyCamellia, psa.KeyChaCha20:
		return true
	default:
		return t.Pair()
	}
}

// originalUse is the original's notion of a usable key: it does not know derivation.
func originalUse(a psa.Attributes) bool {
	const flags = psa.UsageEncrypt | psa.UsageDecrypt |
		psa.UsageSignMessage | psa.UsageVerifyMessage | psa.UsageSignHash | psa.UsageVerifyHash
	if a.Alg.Kind == psa.AlgNone || a.Usage&flags == 0 || !a.Fits(a.Alg) {
		return false
	}
	return !a.Type.RSA() || checkSize(a) == nil
}
