package pkcs11

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"math/big"
	"slices"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/ck"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/frame"
)

// object is a key or certificate as it lies on the token.
type object struct {
	class     uint64
	id, label []byte // never nil
	// What follows is of keys.
	keyType                                         uint64
	sign, decrypt, derive, encrypt, exportable, ask bool
	allowed                                         []uint64 // empty allows all
	attributes                                      psa.Attributes
	public                                          *public
	problem                                         string
}

// asked are the attributes that read wants, in its order.
var asked = []frame.Attribute{
	frame.Ask(ck.AttrID, frame.KindBytes), frame.Ask(ck.AttrLabel, frame.KindBytes), frame.Ask(ck.AttrKeyType, frame.KindNumber),
	frame.Ask(ck.AttrSign, frame.KindBool), frame.Ask(ck.AttrDecrypt, frame.KindBool), frame.Ask(ck.AttrDerive, frame.KindBool),
	frame.Ask(ck.AttrEncrypt, frame.KindBool), frame.Ask(ck.AttrExtractable, frame.KindBool), frame.Ask(ck.AttrSensitive, frame.KindBool),
	frame.Ask(ck.AttrAlwaysAuth, frame.KindBool), frame.Ask(ck.AttrAllowedMechanisms, frame.KindNumbers),
	frame.Ask(ck.AttrValueLen, frame.KindNumber), frame.Ask(ck.AttrModulus, frame.KindBytes),
	frame.Ask(ck.AttrPublicExponent, frame.KindBytes), frame.Ask(ck.AttrECPoint, frame.KindBytes), frame.Ask(ck.AttrECParams, frame.KindBytes),
}

// objects reads the objects of a class that have the attributes, all where there are none;
// more says that there are more than the most.
func (p *Provider) objects(ctx context.Context, class uint64, having ...frame.Attribute) (all []*object, more bool, err error) {
	ask := asked
	if class == ck.ClassCertificate {
		ask = asked[:2]
	}
	out, err := p.link.do(ctx, &frame.Request{
		Op: frame.OpFind, Count: providers.MaxFound + 1, Object: append([]frame.Attribute{frame.Number(ck.AttrClass, class)}, having...),
		Template: ask,
	}, freely)
	if err != nil {
		return nil, false, err
	}
	for _, attributes := range out.Objects[:min(len(out.Objects), providers.MaxFound)] {
		if len(attributes) != len(ask) {
			return nil, false, wire.Errorf(wire.StatusHardwareFailure, "the helper answered %d attributes, %d were asked for", len(attributes), len(ask))
		}
		o := &object{class: class, id: slices.Concat([]byte{}, attributes[0].Bytes), label: slices.Concat([]byte{}, attributes[1].Bytes)}
		if class != ck.ClassCertificate {
			o.read(attributes)
		}
		all = append(all, o)
	}
	return all, len(out.Objects) > providers.MaxFound, nil
}

// beside is the attribute that objects which belong together have in common.
func (o *object) beside() frame.Attribute {
	if len(o.id) == 0 {
		return frame.Bytes(ck.AttrLabel, o.label)
	}
	return frame.Bytes(ck.AttrID, o.id)
}

// belongs reports whether o lies beside another object.
func (o *object) belongs(to *object) bool {
	if len(o.id)+len(to.id) == 0 {
		return len(o.label) > 0 && bytes.Equal(o.label, to.label) //nolint:forbidigo // no secrets
	}
	return bytes.Equal(o.id, to.id) //nolint:forbidigo // no secrets
}

// read takes what asked asked for. What an object does not show is not allowed.
func (o *object) read(a []frame.Attribute) {
	o.keyType = a[2].Number
	o.sign, o.decrypt, o.derive, o.encrypt = a[3].Bool, a[4].Bool, a[5].Bool, a[6].Bool
	o.exportable = a[7].Bool && a[8].Kind == frame.KindBool && !a[8].Bool
	o.ask, o.allowed = a[9].Bool, a[10].Numbers
	pair, public := o.class == ck.ClassPrivateKey, o.class == ck.ClassPublicKey
	switch {
	case a[2].Kind != frame.KindNumber:
		o.problem = "it does not show its key type"
	case (pair || public) && o.keyType == ck.KeyRSA:
		o.attributes.Type = psa.KeyRSAPair
		o.take(a[12:14])
	case (pair || public) && o.keyType == ck.KeyEC:
		o.attributes.Type = psa.KeyECCPair
		o.take(a[14:16])
	case o.class == ck.ClassSecretKey && o.keyType == ck.KeyAES:
		o.attributes = psa.Attributes{Type: psa.KeyAES, Bits: 8 * min(a[11].Number, 1<<16)}
		if !aesSize(o.attributes.Bits) {
			o.problem = "it does not show the length of an AES key"
		}
	default:
		o.problem = fmt.Sprintf("keys of type CKK %#x are not supported", o.keyType)
	}
}

// take reads the public half, where the object shows it.
func (o *object) take(a []frame.Attribute) {
	if a[0].Kind != frame.KindBytes || a[1].Kind != frame.KindBytes || len(a[0].Bytes) == 0 {
		return
	}
	k, err := decodePublic(o.attributes, a)
	if err != nil {
		o.problem = err.Error()
		return
	}
	o.know(k)
}

// know takes the public half, which says what the key is.
func (o *object) know(k *public) {
	if k == nil || (k.n != nil) != o.attributes.Type.RSA() {
		return // of another key
	}
	o.public = k
	o.attributes.Bits = k.bits()
	if k.curve != nil {
		o.attributes.Curve = psa.CurveSECPR1
	}
}

// certificate returns the DER of a certificate that has the attribute, nil when there is none:
// the first one, or the first for a public half that is known.
func (p *Provider) certificate(ctx context.Context, having frame.Attribute, of *public) ([]byte, error) {
	const most = 8
	out, err := p.link.do(ctx, &frame.Request{
		Op: frame.OpFind, Count: most, Object: []frame.Attribute{frame.Number(ck.AttrClass, ck.ClassCertificate), having},
		Template: []frame.Attribute{frame.Ask(ck.AttrValue, frame.KindBytes)},
	}, freely)
	if err != nil {
		return nil, err
	}
	for _, o := range out.Objects {
		if len(o) != 1 || len(o[0].Bytes) == 0 || len(o[0].Bytes) > providers.MaxCertificate {
			continue
		}
		if of == nil || of.equal(certified(o[0].Bytes)) {
			return o[0].Bytes, nil
		}
	}
	return nil, nil
}

// equal reports whether two public halves are one.
func (k *public) equal(o *public) bool {
	switch {
	case o == nil, (k.n == nil) != (o.n == nil):
		return false
	case k.n != nil:
		return k.n.Cmp(o.n) == 0 && k.e.Cmp(o.e) == 0
	default:
		return bytes.Equal(k.point, o.point) //nolint:forbidigo // public
	}
}

// halfOf returns the public half among those beside a private key: the only one, or the only one
// that has its label too.
func halfOf(o *object, halves []*object) *public {
	only := func(fits func(*object) bool) *public {
		var found *public
		for _, h := range halves {
			switch {
			case h.public == nil || h.public.n != nil != o.attributes.Type.RSA() || !fits(h):
			case found != nil && !found.equal(h.public):
				return nil
			default:
				found = h.public
			}
		}
		return found
	}
	if k := only(func(h *object) bool { return h.belongs(o) }); k != nil {
		return k
	}
	return only(func(h *object) bool { return h.belongs(o) && bytes.Equal(h.label, o.label) }) //nolint:forbidigo // no secrets
}

// certified returns the public half that a certificate has, nil for one that is of no use.
func certified(der []byte) *public {
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return nil
	}
	switch key := c.PublicKey.(type) {
	case *rsa.PublicKey:
		if k, err := newRSA(key.N, big.NewInt(int64(key.E))); err == nil {
			return k
		}
	case *ecdsa.PublicKey:
		point, err := key.Bytes()
		for _, known := range curves {
			if err == nil && known.std == key.Curve {
				return &public{curve: known, point: point}
			}
		}
	}
	return nil
}
