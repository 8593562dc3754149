package tpm

import (
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
)

// using are the flags of which a key needs one to be of use, in the original's eyes.
const using = psa.UsageEncrypt | psa.UsageDecrypt | psa.UsageSignHash | psa.UsageSignMessage | psa.UsageVerifyHash | psa.UsageVerifyMessage

// CanDo answers from the original's rules, or from what this TPM has.
func (p *Provider) CanDo(q providers.Capability) error {
	allowed := original
	if !q.Original {
		known := p.known.Load()
		if known == nil { // there was no TPM yet
			state := p.State()
			return &wire.Error{Status: wire.StatusHardwareFailure, Reason: state.Reason, Remedy: state.Remedy}
		}
		allowed = known.can.really
	}
	if !allowed(q.Check, q.Attributes) {
		return wire.StatusNotSupported
	}
	return nil
}

// original answers as docs/spec/parsec-service.md section 6.1.5 says; the TPM is not asked.
func original(check psa.Check, a psa.Attributes) bool {
	switch {
	case a.Type.RSA() && rsaSizes[a.Bits]:
	case a.Type.ECC() && a.Curve == psa.CurveSECPR1 && curves[a.Bits] != 0:
	default:
		return false
	}
	switch check {
	case psa.CheckGenerate:
		if !a.Type.Pair() {
			return false
		}
	case psa.CheckImport:
		if !a.Type.Public() {
			return false
		}
	case psa.CheckUse:
	default:
		return false
	}
	if a.Alg.Kind == psa.AlgNone {
		return check != psa.CheckUse
	}
	_, err := publicArea(a)
	return err == nil && a.Usage&using != 0 && a.Fits(a.Alg) && !a.Alg.Kind.Agreement()
}

// really answers from what the TPM says of itself.
func (c *capabilities) really(check psa.Check, a psa.Attributes) bool {
	switch check {
	case psa.CheckGenerate:
		if a.Type.Public() {
			return false
		}
	case psa.CheckImport:
		if _, ok := standardCurves[a.Bits]; a.Type == psa.KeyECCPair && !ok {
			return false
		}
	case psa.CheckUse:
	default:
		return false
	}
	if _, err := publicArea(a); err != nil || !a.Fits(a.Alg) {
		return false
	}
	has := func(h psa.Hash) bool { return h == psa.HashNone || c.algorithms[hashes[h]] }
	switch {
	case a.Type.RSA():
		// The padding of OAEP is removed here, so its hash need not be the TPM's.
		return c.rsaBits[a.Bits] && (a.Alg.Kind.Encryption() || has(a.Alg.Hash)) && c.algorithms[scheme(a.Alg.Kind)]
	case a.Type.ECC():
		return c.curves[curves[a.Bits]] && has(a.Alg.Hash) && c.algorithms[scheme(a.Alg.Kind)]
	default:
		return has(a.Alg.Hash) && c.algorithms[scheme(a.Alg.Kind)] && a.Bits%8 == 0 && a.Bits/8 <= uint64(maxHMACKey(a.Alg.Hash)) && //nolint:gosec // a small size
			(!a.Alg.Truncated || a.Alg.Length > 0 && a.Alg.Length <= uint64(a.Alg.Hash.Size())) //nolint:gosec // the length of a hash
	}
}
