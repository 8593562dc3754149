package pkcs11

import (
	"slices"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/ck"
)

// CanDo answers what can be done with keys of these attributes, by the mechanisms that the
// token listed when it was last there.
//
// With q.Original the answer is the original's (docs/spec/parsec-service.md 6.1.5) except
// that it is no where no key can have the size. Otherwise it is what we really do.
func (p *Provider) CanDo(q providers.Capability) error {
	c := p.link.last()
	if c == nil { // there was no token yet
		return p.link.why()
	}
	answer := c.advise
	if q.Original {
		answer = c.adviseOriginal
	}
	if !answer(q.Check, q.Attributes) {
		return wire.Errorf(wire.StatusNotSupported, "%s of such a key is not possible on this token", q.Check)
	}
	return nil
}

// edwardsBits is the size of Ed25519 as tokens count it.
const edwardsBits = 256

// has reports whether the token has a mechanism with the flag for keys of the size.
func (c *connection) has(mechanism, flag, bits uint64) bool {
	m, ok := c.mechanisms[mechanism]
	if !ok || m.Flags&flag == 0 {
		return false
	}
	switch mechanism {
	case ck.MechAESKeyGen, ck.MechAESECB, ck.MechAESCBC, ck.MechAESCBCPad, ck.MechAESCTR, ck.MechAESGCM:
		return true // tokens disagree whether these sizes are bits or bytes
	}
	return bits >= m.Min && (m.Max == 0 || bits <= m.Max)
}

func (c *connection) advise(check psa.Check, a psa.Attributes) bool {
	switch check {
	case psa.CheckUse:
		return c.sizePossible(a) && c.usable(a)
	case psa.CheckGenerate:
		return c.generates(a) && c.usable(a)
	case psa.CheckImport:
		return c.imports(a) && c.usable(a)
	default:
		return false
	}
}

// sizePossible reports whether the token can hold a key of the type and size.
func (c *connection) sizePossible(a psa.Attributes) bool {
	switch {
	case a.Type.RSA():
		return a.Bits > 0
	case a.Type.ECC():
		_, err := curveOf(a)
		return err == nil && c.profile.hasCurve(a)
	default:
		return a.Type == psa.KeyAES && aesSize(a.Bits)
	}
}

func (c *connection) generates(a psa.Attributes) bool {
	if !c.sizePossible(a) || c.profile.officer {
		return false
	}
	switch a.Type {
	case psa.KeyRSAPair:
		return c.has(ck.MechRSAKeyPairGen, ck.FlagGenerateKeyPair, a.Bits)
	case psa.KeyECCPair:
		if a.Curve == psa.CurveEdwards {
			return c.has(ck.MechEdwardsGen, ck.FlagGenerateKeyPair, edwardsBits)
		}
		return c.has(ck.MechECKeyPairGen, ck.FlagGenerateKeyPair, a.Bits)
	case psa.KeyAES:
		return c.has(ck.MechAESKeyGen, ck.FlagGenerate, a.Bits)
	default:
		return false
	}
}

func (c *connection) imports(a psa.Attributes) bool {
	if c.profile.officer {
		return false
	}
	if types := c.profile.imports; types != nil && !slices.Contains(types, a.Type) {
		return false
	}
	if a.Curve == psa.CurveEdwards { // public ones alone have no check of the point
		return a.Type == psa.KeyECCPair && (a.Bits == 0 || a.Bits == edwards25519.bits) && c.has(ck.MechEdwardsGen, ck.FlagGenerateKeyPair, edwardsBits)
	}
	if a.Bits == 0 {
		return a.Type.RSA() || a.Type.ECC() && a.Curve == psa.CurveSECPR1 || a.Type == psa.KeyAES
	}
	if curve, err := curveOf(a); a.Type == psa.KeyECCPair && (err != nil || curve.std == nil && curve != edwards25519) {
		return false
	}
	return c.sizePossible(a)
}

// powers are the usage flags of an algorithm, with the mechanism flag that each needs.
func powers(a psa.Attributes) map[psa.Usage]uint64 {
	all := map[psa.Usage]uint64{}
	switch k := a.Alg.Kind; {
	case k.Signature():
		all[psa.UsageSignMessage], all[psa.UsageVerifyMessage] = ck.FlagSign, ck.FlagVerify
		if k != psa.AlgPureEdDSA {
			all[psa.UsageSignHash], all[psa.UsageVerifyHash] = ck.FlagSign, ck.FlagVerify
		}
	case k.Encryption() || k.AEAD() || k.Cipher():
		all[psa.UsageDecrypt], all[psa.UsageEncrypt] = ck.FlagDecrypt, ck.FlagEncrypt
	case k.Agreement():
		all[psa.UsageDerive] = ck.FlagDerive
	}
	if a.Type.Public() {
		delete(all, psa.UsageSignHash)
		delete(all, psa.UsageSignMessage)
		delete(all, psa.UsageDecrypt)
		delete(all, psa.UsageDerive)
	}
	return all
}

// usable reports whether some operation works for the algorithm and the usage flags.
func (c *connection) usable(a psa.Attributes) bool {
	types, err := mechanisms(a.Alg)
	if err != nil || !a.Fits(a.Alg) || !c.parameters(a) {
		return false
	}
	for usage, flag := range powers(a) {
		bits := a.Bits
		if a.Curve == psa.CurveEdwards {
			bits = edwardsBits
		}
		if bits == 0 { // the data of an import decides
			bits = c.mechanisms[types[0]].Min
		}
		if a.Usage.Has(usage) && c.has(types[0], flag, bits) {
			return true
		}
	}
	return false
}

// parameters reports whether the token's mechanism takes the hash of the policy.
func (c *connection) parameters(a psa.Attributes) bool {
	alg := a.Alg
	_, known := tokenHashes[alg.Hash]
	switch alg.Kind {
	case psa.AlgRSAPKCS1v15Sign:
		_, named := hashOIDs[alg.Hash]
		return named || alg.Hash == psa.HashAny
	case psa.AlgRSAPSS:
		return known || alg.Hash == psa.HashAny
	case psa.AlgRSAOAEP:
		if c.foreignOAEP(alg, nil) {
			return alg.Hash.Std().Available() && c.mechanisms[ck.MechRSAX509].Flags&ck.FlagDecrypt != 0
		}
		return known
	case psa.AlgGCM:
		_, err := tagBits(alg)
		return err == nil
	default:
		return true
	}
}

// adviseOriginal follows the steps of section 6.1.5.
func (c *connection) adviseOriginal(check psa.Check, a psa.Attributes) bool {
	if !gate(a) {
		return false
	}
	none := a.Alg.Kind == psa.AlgNone
	switch check {
	case psa.CheckUse:
		return c.originalUse(a)
	case psa.CheckGenerate:
		return a.Type.Pair() && a.Bits != 0 && (none || c.originalUse(a))
	case psa.CheckImport:
		return a.Type.Public() && (none || c.originalUse(a))
	default:
		return false
	}
}

// gate is what the original looks at first.
func gate(a psa.Attributes) bool {
	switch {
	case a.Type.RSA() && a.Alg.Kind == psa.AlgRSAPKCS1v15Sign:
		return a.Alg.Hash >= psa.HashSHA224 && a.Alg.Hash <= psa.HashSHA512
	case a.Type.RSA():
		return true
	case a.Type.ECC():
		_, err := curveOf(a)
		return err == nil && a.Curve == psa.CurveSECPR1
	default:
		return false
	}
}

// originalUse is the original's notion of a usable key: it knows neither derivation nor
// which operation a flag is for.
func (c *connection) originalUse(a psa.Attributes) bool {
	const flags = psa.UsageEncrypt | psa.UsageDecrypt |
		psa.UsageSignMessage | psa.UsageVerifyMessage | psa.UsageSignHash | psa.UsageVerifyHash
	var mechanism uint64
	_, known := tokenHashes[a.Alg.Hash]
	known = known && a.Alg.Hash != psa.HashSHA224
	switch a.Alg.Kind {
	case psa.AlgRSAPKCS1v15Sign, psa.AlgRSAPKCS1v15Crypt: // the gate has looked at the hash
		mechanism, known = ck.MechRSAPKCS, true
	case psa.AlgRSAPSS:
		mechanism = ck.MechRSAPSS
	case psa.AlgRSAOAEP:
		mechanism = ck.MechRSAOAEP
	case psa.AlgECDSA:
		mechanism, known = ck.MechECDSA, true
	default:
		return false
	}
	m, ok := c.mechanisms[mechanism]
	return ok && known && a.Usage&flags != 0 && a.Fits(a.Alg) && a.Bits >= m.Min && (m.Max == 0 || a.Bits <= m.Max)
}
