package pkcs11

import (
	"strings"

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

// maxLabel bounds CKA_LABEL in bytes: longer names are cut.
const maxLabel = 128

// inscribe adds the label to the private half of a pair or to a secret key: they are read
// after a login only, while everybody who reaches the token reads a public object.
func inscribe(r *frame.Request, label string) {
	if label == "" {
		return
	}
	a := frame.Bytes(ck.AttrLabel, []byte(strings.ToValidUTF8(label[:min(len(label), maxLabel)], "")))
	if len(r.Private) > 0 {
		r.Private = append(r.Private, a)
		return
	}
	for _, t := range r.Template {
		if t.Type == ck.AttrClass && t.Number != ck.ClassPublicKey {
			r.Template = append(r.Template, a)
			return
		}
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
