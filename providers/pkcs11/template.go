package pkcs11

import (
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/ck"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/frame"
)

// The templates of docs/spec/parsec-service.md 6.3.

const (
	anySign   = psa.UsageSignHash | psa.UsageSignMessage
	anyVerify = psa.UsageVerifyHash | psa.UsageVerifyMessage
)

// common are the attributes that every new object has.
func common(id keyID, p *profile, class uint64, mechanisms []uint64) []frame.Attribute {
	return []frame.Attribute{
		frame.Number(ck.AttrClass, class), frame.Bool(ck.AttrToken, true), frame.Bytes(ck.AttrID, id.cka(p)),
		frame.Numbers(ck.AttrAllowedMechanisms, mechanisms...),
	}
}

// privateTemplate describes the private half of a pair.
func privateTemplate(id keyID, p *profile, a psa.Attributes, mechanisms []uint64) []frame.Attribute {
	return append(common(id, p, ck.ClassPrivateKey, mechanisms),
		frame.Bool(ck.AttrSign, a.Usage&anySign != 0),
		frame.Bool(ck.AttrDecrypt, a.Usage.Has(psa.UsageDecrypt)),
		frame.Bool(ck.AttrDerive, a.Usage.Has(psa.UsageDerive)),
		frame.Bool(ck.AttrExtractable, a.Usage.Has(psa.UsageExport)),
		frame.Bool(ck.AttrSensitive, !a.Usage.Has(psa.UsageExport)),
		frame.Bool(ck.AttrCopyable, a.Usage.Has(psa.UsageCopy)))
}

// publicTemplate describes the public half of a pair.
func publicTemplate(id keyID, p *profile, a psa.Attributes, mechanisms []uint64) []frame.Attribute {
	return append(common(id, p, ck.ClassPublicKey, mechanisms),
		frame.Bool(ck.AttrPrivate, false),
		frame.Bool(ck.AttrVerify, a.Usage&anyVerify != 0),
		frame.Bool(ck.AttrEncrypt, a.Usage.Has(psa.UsageEncrypt)),
		frame.Bool(ck.AttrCopyable, a.Usage.Has(psa.UsageCopy)))
}

// importedPublicTemplate describes a public key that comes alone: it may do whatever its
// type can, for its policy is with the agent.
func importedPublicTemplate(id keyID, p *profile, a psa.Attributes, mechanisms []uint64) []frame.Attribute {
	t := append(common(id, p, ck.ClassPublicKey, mechanisms), frame.Bool(ck.AttrPrivate, false), frame.Bool(ck.AttrVerify, true))
	if a.Type.RSA() {
		t = append(t, frame.Bool(ck.AttrEncrypt, true))
	}
	return t
}

// secretTemplate describes a symmetric key.
func secretTemplate(id keyID, p *profile, a psa.Attributes, mechanisms []uint64) []frame.Attribute {
	return append(common(id, p, ck.ClassSecretKey, mechanisms),
		frame.Number(ck.AttrKeyType, ck.KeyAES),
		frame.Bool(ck.AttrPrivate, true),
		frame.Bool(ck.AttrEncrypt, a.Usage.Has(psa.UsageEncrypt)),
		frame.Bool(ck.AttrDecrypt, a.Usage.Has(psa.UsageDecrypt)),
		frame.Bool(ck.AttrExtractable, a.Usage.Has(psa.UsageExport)),
		frame.Bool(ck.AttrSensitive, !a.Usage.Has(psa.UsageExport)),
		frame.Bool(ck.AttrCopyable, a.Usage.Has(psa.UsageCopy)))
}
