package pkcs11

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/ck"
)

// policy returns the attributes that an object is adopted with: as wanted, else the first
// usual algorithm that the object and the token allow. They are never wider than the object.
func (o *object) policy(c *connection, usage psa.Usage, alg psa.Algorithm) (psa.Attributes, error) {
	if alg.Kind != psa.AlgNone {
		return o.grant(c, usage, alg)
	}
	var reasons []string
	for _, usual := range o.usual() {
		a, err := o.grant(c, usage, usual)
		if err == nil {
			return a, nil
		}
		if e, ok := errors.AsType[*wire.Error](err); ok {
			reasons = append(reasons, e.Reason)
		}
	}
	return psa.Attributes{}, wire.Errorf(wire.StatusNotPermitted, "nothing that is wanted is possible: %s", strings.Join(reasons, "; "))
}

// usual are the algorithms of the type, the usual one first.
func (o *object) usual() []psa.Algorithm {
	switch o.attributes.Type {
	case psa.KeyRSAPair:
		return []psa.Algorithm{
			{Kind: psa.AlgRSAPKCS1v15Sign, Hash: psa.HashSHA256},
			{Kind: psa.AlgRSAPSS, Hash: psa.HashSHA256},
			{Kind: psa.AlgRSAOAEP, Hash: psa.HashSHA256},
			{Kind: psa.AlgRSAPKCS1v15Crypt},
		}
	case psa.KeyECCPair:
		hash := psa.HashSHA256
		switch o.attributes.Bits {
		case 384:
			hash = psa.HashSHA384
		case 521:
			hash = psa.HashSHA512
		}
		return []psa.Algorithm{{Kind: psa.AlgECDSA, Hash: hash}, {Kind: psa.AlgECDH}}
	default:
		return []psa.Algorithm{{Kind: psa.AlgGCM}, {Kind: psa.AlgCTR}, {Kind: psa.AlgCBCPKCS7}, {Kind: psa.AlgCBCNoPadding}, {Kind: psa.AlgECBNoPadding}}
	}
}

// grant returns the attributes for one algorithm, or says what forbids it.
func (o *object) grant(c *connection, usage psa.Usage, alg psa.Algorithm) (psa.Attributes, error) {
	a := o.attributes
	a.Alg = alg
	if !a.Fits(alg) {
		return a, wire.Errorf(wire.StatusInvalidArgument, "%s does not fit a key of type %s", alg, a.Type)
	}
	types, err := mechanisms(alg)
	if err != nil {
		return a, err
	}
	needed := types[0]
	if c.foreignOAEP(alg, nil) {
		needed = ck.MechRSAX509
	}
	if len(o.allowed) > 0 && !slices.Contains(o.allowed, needed) {
		return a, wire.Errorf(wire.StatusNotPermitted, "its CKA_ALLOWED_MECHANISMS lack %s, which %s needs", ck.MechanismName(needed), alg)
	}
	most, lacks := o.most(alg.Kind)
	if most == 0 {
		return a, wire.Errorf(wire.StatusNotPermitted, "its %s is not set, which %s needs", lacks, alg)
	}
	if a.Usage = usage.Expand(); usage == 0 {
		a.Usage = most
	}
	if o.exportable {
		most |= psa.UsageExport
	}
	if wrong := a.Usage &^ most; wrong != 0 {
		return a, wire.Errorf(wire.StatusNotPermitted, "with %s its attributes do not allow %s", alg, strings.Join(wrong.Names(), " and "))
	}
	if !c.usable(a) {
		return a, wire.Errorf(wire.StatusNotSupported, "the token cannot do %s for %s", alg, strings.Join(a.Usage.Names(), " or "))
	}
	return a, nil
}

// most returns the usage flags that the object allows with a kind of algorithm; for none, the
// attributes that are not set. What the public half does is allowed with the private half.
func (o *object) most(k psa.Kind) (u psa.Usage, lacks string) {
	name := func(types ...uint64) string {
		var names []string
		for _, t := range types {
			names = append(names, ck.AttributeName(t))
		}
		return strings.Join(names, " or ")
	}
	give := func(allowed bool, flags psa.Usage) {
		if allowed {
			u |= flags
		}
	}
	switch {
	case k.Signature():
		give(o.sign, anySign|anyVerify)
		lacks = name(ck.AttrSign)
	case k.Encryption():
		give(o.decrypt, psa.UsageEncrypt|psa.UsageDecrypt)
		lacks = name(ck.AttrDecrypt)
	case k.Agreement():
		give(o.derive, psa.UsageDerive)
		lacks = name(ck.AttrDerive)
	default:
		give(o.encrypt, psa.UsageEncrypt)
		give(o.decrypt, psa.UsageDecrypt)
		lacks = name(ck.AttrEncrypt, ck.AttrDecrypt)
	}
	return u, lacks
}

// kindName is what a listing calls an object.
func (o *object) kindName() string {
	switch o.class {
	case ck.ClassPrivateKey:
		return "private key"
	case ck.ClassSecretKey:
		return "secret key"
	case ck.ClassPublicKey:
		return "public key"
	case ck.ClassCertificate:
		return "certificate"
	default:
		return fmt.Sprintf("object of class %d", o.class)
	}
}
