package tpm

import (
	"errors"
	"fmt"
	"strings"

	"github.com/google/go-tpm/tpm2"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
)

// foreignKey is what a public area of others says of a key.
type foreignKey struct {
	attrs         psa.Attributes // type, curve and size
	sign, decrypt bool
	// scheme is the only algorithm that the key was made for; zero for any.
	scheme psa.Algorithm
}

// examine reads a public area, or says why such a key cannot be adopted.
func examine(a *tpm2.TPMTPublic) (*foreignKey, error) {
	k := &foreignKey{}
	var err error
	f := a.ObjectAttributes
	k.sign, k.decrypt = f.SignEncrypt, f.Decrypt
	switch {
	case f.Restricted && f.Decrypt:
		return k, errors.New("it is a storage key: it holds other keys and does nothing else")
	case f.Restricted:
		return k, errors.New("it is restricted: it signs what the TPM itself made only")
	case !f.UserWithAuth:
		return k, errors.New("it needs a policy, which the agent cannot satisfy")
	case !f.SignEncrypt && !f.Decrypt:
		return k, errors.New("it is sealed data, no key")
	}
	switch a.Type {
	case tpm2.TPMAlgRSA:
		err = k.rsa(a)
	case tpm2.TPMAlgECC:
		err = k.ecc(a)
	case tpm2.TPMAlgKeyedHash:
		err = k.hmac(a)
	default:
		err = errors.New("it is a symmetric cipher's key, which the provider does not use")
	}
	return k, err
}

func (k *foreignKey) rsa(a *tpm2.TPMTPublic) error {
	parms, err := a.Parameters.RSADetail()
	if err != nil {
		return err
	}
	k.attrs = psa.Attributes{Type: psa.KeyRSAPair, Bits: uint64(parms.KeyBits)}
	if parms.Exponent != 0 && parms.Exponent != exponent {
		return fmt.Errorf("its public exponent is %d, not %d", parms.Exponent, exponent)
	}
	details := &parms.Scheme.Details
	switch parms.Scheme.Scheme {
	case tpm2.TPMAlgNull:
		return nil
	case tpm2.TPMAlgRSASSA:
		s, err := details.RSASSA()
		return k.only(psa.AlgRSAPKCS1v15Sign, func() tpm2.TPMAlgID { return s.HashAlg }, err)
	case tpm2.TPMAlgRSAPSS:
		s, err := details.RSAPSS()
		return k.only(psa.AlgRSAPSS, func() tpm2.TPMAlgID { return s.HashAlg }, err)
	case tpm2.TPMAlgRSAES:
		k.scheme = psa.Algorithm{Kind: psa.AlgRSAPKCS1v15Crypt}
		return nil
	default:
		return fmt.Errorf("it is made for the scheme %#x, which the provider does not use", uint16(parms.Scheme.Scheme))
	}
}

func (k *foreignKey) ecc(a *tpm2.TPMTPublic) error {
	parms, err := a.Parameters.ECCDetail()
	if err != nil {
		return err
	}
	k.attrs = psa.Attributes{Type: psa.KeyECCPair, Curve: psa.CurveSECPR1}
	for bits, id := range curves {
		if id == parms.CurveID {
			k.attrs.Bits = bits
		}
	}
	if k.attrs.Bits == 0 {
		return fmt.Errorf("it is on the curve %#x, which the provider does not use", uint16(parms.CurveID))
	}
	switch parms.Scheme.Scheme {
	case tpm2.TPMAlgNull:
		return nil
	case tpm2.TPMAlgECDSA:
		s, err := parms.Scheme.Details.ECDSA()
		return k.only(psa.AlgECDSA, func() tpm2.TPMAlgID { return s.HashAlg }, err)
	case tpm2.TPMAlgECDH:
		k.scheme = psa.Algorithm{Kind: psa.AlgECDH}
		return nil
	default:
		return fmt.Errorf("it is made for the scheme %#x, which the provider does not use", uint16(parms.Scheme.Scheme))
	}
}

func (k *foreignKey) hmac(a *tpm2.TPMTPublic) error {
	parms, err := a.Parameters.KeyedHashDetail()
	if err != nil {
		return err
	}
	k.attrs = psa.Attributes{Type: psa.KeyHMAC}
	if parms.Scheme.Scheme != tpm2.TPMAlgHMAC || !k.sign {
		return errors.New("it is a keyed hash without HMAC, which the provider does not use")
	}
	s, err := parms.Scheme.Details.HMAC()
	return k.only(psa.AlgHMAC, func() tpm2.TPMAlgID { return s.HashAlg }, err)
}

// only takes the scheme that is built into the key.
func (k *foreignKey) only(kind psa.Kind, hash func() tpm2.TPMAlgID, err error) error {
	if err != nil {
		return err
	}
	for h, id := range hashes {
		if id == hash() {
			k.scheme = psa.Algorithm{Kind: kind, Hash: h}
			return nil
		}
	}
	return fmt.Errorf("it is made for the hash %#x, which the provider does not use", uint16(hash()))
}

// policy returns the attributes that a key is adopted with: as wanted, else the usual ones.
func (p *Provider) policy(k *foreignKey, usage psa.Usage, alg psa.Algorithm) (psa.Attributes, error) {
	if alg.Kind != psa.AlgNone {
		return p.grant(k, usage, alg)
	}
	var reasons []string
	for _, usual := range k.usual() {
		a, err := p.grant(k, usage, usual)
		if err == nil {
			return a, nil
		}
		if e, ok := errors.AsType[*wire.Error](err); ok {
			reasons = append(reasons, e.Reason)
		}
	}
	return psa.Attributes{}, wire.Errorf(wire.StatusNotPermitted, "nothing that is wanted is possible: %s", strings.Join(reasons, "; "))
}

// usual are the algorithms of a key, the usual one first.
func (k *foreignKey) usual() []psa.Algorithm {
	if k.scheme.Kind != psa.AlgNone {
		return []psa.Algorithm{k.scheme}
	}
	if k.attrs.Type == psa.KeyRSAPair {
		return []psa.Algorithm{
			{Kind: psa.AlgRSAPKCS1v15Sign, Hash: psa.HashSHA256},
			{Kind: psa.AlgRSAPSS, Hash: psa.HashSHA256},
			{Kind: psa.AlgRSAOAEP, Hash: psa.HashSHA256},
			{Kind: psa.AlgRSAPKCS1v15Crypt},
		}
	}
	hash := psa.HashSHA256
	if k.attrs.Bits == 384 {
		hash = psa.HashSHA384
	}
	return []psa.Algorithm{{Kind: psa.AlgECDSA, Hash: hash}, {Kind: psa.AlgECDH}}
}

// grant returns the attributes for one algorithm, or says what forbids it.
func (p *Provider) grant(k *foreignKey, usage psa.Usage, alg psa.Algorithm) (psa.Attributes, error) {
	a := k.attrs
	a.Alg = alg
	most, lacks := k.most(alg.Kind)
	if a.Usage = usage.Expand(); usage == 0 {
		a.Usage = most
	}
	wrong := a.Usage &^ most
	switch {
	case !a.Fits(alg):
		return a, wire.Errorf(wire.StatusInvalidArgument, "%s does not fit a key of type %s", alg, a.Type)
	case k.scheme.Kind != psa.AlgNone && alg != k.scheme:
		return a, wire.Errorf(wire.StatusNotPermitted, "it is made for %s, not %s", k.scheme, alg)
	case most == 0:
		return a, wire.Errorf(wire.StatusNotPermitted, "its attribute %s is not set, which %s needs", lacks, alg)
	case wrong != 0:
		return a, wire.Errorf(wire.StatusNotPermitted, "with %s its attributes do not allow %s", alg, strings.Join(wrong.Names(), " and "))
	case p.CanDo(providers.Capability{Check: psa.CheckUse, Attributes: a}) != nil:
		return a, wire.Errorf(wire.StatusNotSupported, "the TPM cannot do %s", alg)
	}
	return a, nil
}

// most returns the usage flags that the key allows with a kind of algorithm; for none, the
// attribute that is not set.
func (k *foreignKey) most(kind psa.Kind) (most psa.Usage, lacks string) {
	const verifying = psa.UsageVerifyHash | psa.UsageVerifyMessage
	switch {
	case kind == psa.AlgHMAC && k.sign:
		return psa.UsageSignMessage | psa.UsageVerifyMessage, ""
	case kind.Signature() && k.sign:
		return psa.UsageSignHash | psa.UsageSignMessage | verifying, ""
	case kind.Encryption() && k.decrypt:
		return psa.UsageEncrypt | psa.UsageDecrypt, ""
	case kind.Agreement() && k.decrypt:
		return psa.UsageDerive, ""
	case kind.Signature() || kind == psa.AlgHMAC:
		return 0, "sign"
	default:
		return 0, "decrypt"
	}
}
