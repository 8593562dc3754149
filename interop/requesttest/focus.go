package requesttest

import (
	"math/rand/v2"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// Focus is the provider that a source draws requests for, and what it draws most of.
type Focus struct {
	Provider wire.ProviderID
	// Given are keys worth having on both sides from the start.
	Given []psa.Attributes

	rsaSizes   []int
	operations []weighted
	attributes func(*rand.Rand) psa.Attributes
	material   func(*Source) material
}

// The providers that requests are drawn for.
var (
	Software = &Focus{
		Provider: wire.ProviderMbedCrypto, rsaSizes: softwareRSASizes,
		operations: softwareOperations, attributes: attributes, material: (*Source).anyMaterial,
	}
	PKCS11 = &Focus{
		Provider: wire.ProviderPKCS11, Given: append(givenSmall, givenEverywhere...), rsaSizes: hardwareRSASizes, operations: tokenOperations,
		attributes: tokenAttributes, material: (*Source).publicMaterial,
	}
	TPM = &Focus{
		Provider: wire.ProviderTPM, Given: givenEverywhere, rsaSizes: hardwareRSASizes, operations: tpmOperations,
		attributes: tpmAttributes, material: (*Source).publicMaterial,
	}
)

// anyMaterial draws key data for an import.
func (s *Source) anyMaterial() material {
	from := pick(s.r, s.materials...)
	if chance(s.r, 35) {
		from = s.smallRSA()
	}
	return from
}

// publicMaterial draws mostly public keys, the only ones that the original imports into
// hardware, and of these mostly the halves of pairs that are there.
func (s *Source) publicMaterial() material {
	var shared []public
	for _, p := range s.publics {
		if p.key.Shared {
			shared = append(shared, p)
		}
	}
	switch n := s.r.IntN(100); {
	case n < 50 && len(shared) > 0:
		p := pick(s.r, shared...)
		a := p.key.Attributes
		typ := psa.KeyRSAPublic
		if a.Type.ECC() {
			typ = psa.KeyECCPublic
		}
		return material{typ: typ, curve: a.Curve, bits: a.Bits, data: p.data, of: p.key}
	case n < 75:
		for {
			if m := s.smallRSA(); m.typ == psa.KeyRSAPublic {
				return m
			}
		}
	default:
		return s.anyMaterial()
	}
}
