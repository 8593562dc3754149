package pkcs11

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/ck"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/frame"
)

// GenerateKey makes a key on the token.
func (p *Provider) GenerateKey(ctx context.Context, attrs psa.Attributes) (providers.KeyID, error) {
	return p.GenerateLabelled(ctx, attrs, "")
}

// GenerateLabelled makes a key on the token, with a label.
func (p *Provider) GenerateLabelled(ctx context.Context, attrs psa.Attributes, label string) (providers.KeyID, error) {
	if err := p.CheckNewKey(attrs, nil); err != nil {
		return nil, err
	}
	plan, err := generation(attrs)
	if err != nil {
		return nil, err
	}
	return p.make(ctx, attrs, label, plan)
}

// maker returns the request that makes a key with an id. Templates are reduced afterwards.
type maker func(id keyID, c *connection) (*frame.Request, error)

// generation plans the generation of a key.
func generation(a psa.Attributes) (maker, error) {
	if _, err := mechanisms(a.Alg); err != nil {
		return nil, err
	}
	var mechanism uint64
	var extra []frame.Attribute
	switch a.Type {
	case psa.KeyRSAPair:
		mechanism = ck.MechRSAKeyPairGen
		extra = []frame.Attribute{frame.Bytes(ck.AttrPublicExponent, []byte{1, 0, 1}), frame.Number(ck.AttrModulusBits, a.Bits)}
		if a.Bits == 0 {
			return nil, wire.Errorf(wire.StatusInvalidArgument, "an rsa key needs a size")
		}
	case psa.KeyECCPair:
		c, err := curveOf(a)
		if err != nil {
			return nil, err
		}
		mechanism, extra = ck.MechECKeyPairGen, []frame.Attribute{frame.Bytes(ck.AttrECParams, c.params())}
		if c == edwards25519 {
			mechanism = ck.MechEdwardsGen
		}
	case psa.KeyAES:
		if !aesSize(a.Bits) {
			return nil, wire.Errorf(wire.StatusInvalidArgument, "an aes key has 128, 192 or 256 bits, not %d", a.Bits)
		}
		return func(id keyID, c *connection) (*frame.Request, error) {
			allowed, err := c.profile.policyMechanisms(a.Alg)
			return &frame.Request{
				Op: frame.OpGenerateKey, Mechanism: frame.Mechanism{Type: ck.MechAESKeyGen},
				Template: append(secretTemplate(id, c.profile, a, allowed), frame.Number(ck.AttrValueLen, a.Bits/8)),
			}, err
		}, nil
	default:
		return nil, wire.Errorf(wire.StatusNotSupported, "keys of type %s cannot be generated on tokens", a.Type)
	}
	return func(id keyID, c *connection) (*frame.Request, error) {
		allowed, err := c.profile.policyMechanisms(a.Alg)
		return &frame.Request{
			Op: frame.OpGenerateKeyPair, Mechanism: frame.Mechanism{Type: mechanism},
			Template: append(publicTemplate(id, c.profile, a, allowed), extra...),
			Private:  privateTemplate(id, c.profile, a, allowed),
		}, err
	}, nil
}

func aesSize(bits uint64) bool { return bits == 128 || bits == 192 || bits == 256 }

// make makes objects under a new id; when one cannot be made, those before are removed.
func (p *Provider) make(ctx context.Context, attrs psa.Attributes, label string, plans ...maker) (providers.KeyID, error) {
	c, err := p.link.connect(ctx)
	if err == nil {
		err = c.refuse(attrs)
	}
	if err != nil {
		return nil, err
	}
	if err := c.mayChange(); err != nil {
		return nil, err
	}
	id, err := p.newID(ctx, c)
	if err != nil {
		return nil, err
	}
	for i, plan := range plans {
		var r *frame.Request
		var omitted []uint64
		if r, err = plan(id, c); err == nil {
			inscribe(r, label)
			omitted, err = p.reduce(ctx, c, r)
		}
		if err == nil && len(omitted) > 0 {
			err = p.confirm(ctx, c, id, attrs, omitted)
			i++ // what was made is to be removed as well
		}
		if err != nil {
			if i > 0 {
				err = errors.Join(err, p.remove(context.WithoutCancel(ctx), c, id))
			}
			p.release(id)
			return nil, err
		}
	}
	return id.encode(), nil
}

// refuse refuses keys that the token would make and could not use.
func (c *connection) refuse(a psa.Attributes) error {
	if !c.profile.hasCurve(a) {
		return wire.Errorf(wire.StatusNotSupported, "curve %s of %d bits does not work on tokens of the family %s", a.Curve, a.Bits, c.profile.name)
	}
	if a.Type.Public() || a.Alg.Kind == psa.AlgRSAOAEP {
		return nil // the policy of a public key is the agent's, and OAEP has another way
	}
	types, err := mechanisms(a.Alg)
	if err != nil {
		return err
	}
	if _, ok := c.mechanisms[types[0]]; !ok {
		return wire.Errorf(wire.StatusNotSupported, "%s has no %s, which a key for %s needs", c.describe(), ck.MechanismName(types[0]), a.Alg)
	}
	return nil
}

// mayChange refuses where only the security officer makes and removes keys.
func (c *connection) mayChange() error {
	if !c.profile.officer {
		return nil
	}
	return &wire.Error{
		Status: wire.StatusNotSupported, Object: c.describe(),
		Reason: fmt.Sprintf("tokens of the family %s make and remove keys for their security officer only", c.profile.name),
		Remedy: "make the key and its certificate with the vendor's tool, such as piv-tool or yubico-piv-tool; the agent uses what is there",
	}
}

// reduce makes an object, with fewer attributes where the token refuses some. It returns
// what was left out.
func (p *Provider) reduce(ctx context.Context, c *connection, r *frame.Request) ([]uint64, error) {
	var reason error
	var refused frame.Request
	for _, step := range reductions {
		omitted := append(slices.Clone(c.profile.omit), step...)
		reduced := *r
		reduced.Template, reduced.Private = without(r.Template, omitted), without(r.Private, omitted)
		if reason != nil && sameTypes(reduced.Template, refused.Template) && sameTypes(reduced.Private, refused.Private) {
			continue
		}
		refused = reduced
		_, err := p.link.do(ctx, &reduced, once)
		if err == nil {
			if reason == nil {
				return c.profile.omit, nil
			}
			p.reportReduction(ctx, c, omitted, reason)
			return omitted, nil
		}
		if !resultOf(err).TemplateRefused() {
			return nil, err
		}
		if reason == nil {
			reason = err
		}
	}
	return nil, reason
}

func sameTypes(a, b []frame.Attribute) bool {
	return slices.EqualFunc(a, b, func(x, y frame.Attribute) bool { return x.Type == y.Type })
}

func (p *Provider) reportReduction(ctx context.Context, c *connection, omitted []uint64, reason error) {
	names := make([]string, len(omitted))
	for i, t := range omitted {
		names[i] = ck.AttributeName(t)
	}
	p.o.Logger.LogAttrs(ctx, slog.LevelWarn, "pkcs11_template_reduced", slog.String("provider", p.info.Name), slog.String("token", c.describe()),
		slog.String("profile", c.profile.name), slog.String("left_out", strings.Join(names, " ")), slog.String("reason", reason.Error()))
}

// confirm makes sure that a key made without CKA_EXTRACTABLE and CKA_SENSITIVE is not
// weaker than its policy says.
func (p *Provider) confirm(ctx context.Context, c *connection, id keyID, a psa.Attributes, omitted []uint64) error {
	if !slices.Contains(omitted, ck.AttrExtractable) || a.Usage.Has(psa.UsageExport) || a.Type.Public() {
		return nil
	}
	class := ck.ClassPrivateKey
	if !a.Type.Pair() {
		class = ck.ClassSecretKey
	}
	out, err := p.link.do(ctx, &frame.Request{
		Op: frame.OpFind, Count: 1, Object: id.selector(c.profile, class),
		Template: []frame.Attribute{frame.Ask(ck.AttrExtractable, frame.KindBool), frame.Ask(ck.AttrSensitive, frame.KindBool)},
	}, freely)
	if err != nil {
		return err
	}
	for _, o := range out.Objects {
		extractable, known := o[0].Bool, o[0].Kind == frame.KindBool
		if extractable || !known && o[1].Kind == frame.KindBool && !o[1].Bool {
			return wire.Errorf(wire.StatusNotSupported, "%s makes keys that can be exported, which the key's usage flags forbid", c.describe())
		}
	}
	return nil
}

// DestroyKey removes the objects of the key from the token.
func (p *Provider) DestroyKey(ctx context.Context, key providers.Key) error {
	id, err := parseKeyID(key.ID)
	if err != nil {
		return err
	}
	c, err := p.link.connect(ctx)
	if err != nil {
		return err
	}
	if err := c.mayChange(); err != nil {
		return err
	}
	if err := p.remove(ctx, c, id); err != nil {
		return err
	}
	p.release(id)
	return nil
}

// remove removes all key objects with the id; others, such as certificates, stay.
func (p *Provider) remove(ctx context.Context, c *connection, id keyID) error {
	removed := uint32(0)
	for _, class := range []uint64{ck.ClassPrivateKey, ck.ClassSecretKey, ck.ClassPublicKey} {
		const most = 64
		out, err := p.link.do(ctx, &frame.Request{Op: frame.OpDestroy, Count: most, Object: id.selector(c.profile, class)}, freely)
		if err != nil {
			return err
		}
		removed += out.Count
	}
	if removed == 0 {
		return c.missing(reference{number: id})
	}
	return nil
}
