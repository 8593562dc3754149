package pkcs11

import (
	"context"
	"fmt"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/ck"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/frame"
)

// Examine looks for the objects of the known keys. A key whose object is missing is
// reported and stays: the token may be another one today. Objects that no key knows are
// other people's affair.
func (p *Provider) Examine(ctx context.Context, known []providers.KeyID) ([]providers.Finding, error) {
	c, err := p.link.connect(ctx)
	if err != nil {
		return nil, err
	}
	var found []providers.Finding
	for _, b := range known {
		f, err := p.examineKey(ctx, c, b)
		if err != nil {
			return nil, err
		}
		if f != nil {
			found = append(found, *f)
		}
	}
	return found, nil
}

func (p *Provider) examineKey(ctx context.Context, c *connection, b providers.KeyID) (*providers.Finding, error) {
	ref, foreign := parseReference(b)
	if foreign != nil {
		//nolint:nilerr // a finding, not a failure of the examination
		return &providers.Finding{
			Severity: "error", Object: fmt.Sprintf("key id %x", []byte(b)), Problem: foreign.Error(), Remedy: "parsecctl key delete NAME",
		}, nil
	}
	if ref.adopted != nil {
		return p.examineAdopted(ctx, c, ref)
	}
	out, err := p.link.do(ctx, &frame.Request{
		Op: frame.OpFind, Count: 8, Object: []frame.Attribute{frame.Bytes(ck.AttrID, ref.number.cka(c.profile))},
		Template: []frame.Attribute{frame.Ask(ck.AttrClass, frame.KindNumber)},
	}, freely)
	if err != nil {
		return nil, err
	}
	for _, o := range out.Objects {
		switch o[0].Number {
		case ck.ClassPrivateKey, ck.ClassPublicKey, ck.ClassSecretKey:
			return nil, nil
		}
	}
	return c.notThere(ref, "no object of the key is on "+c.describe()), nil
}

// notThere is the finding that a key cannot be used.
func (c *connection) notThere(r reference, problem string) *providers.Finding {
	return &providers.Finding{
		Severity: "error", Object: r.describe(c.profile), Problem: problem,
		Remedy: "insert the token that has it, or give the key up: parsecctl key delete NAME",
	}
}

// examineAdopted sees whether an adopted key is there, and still the same.
func (p *Provider) examineAdopted(ctx context.Context, c *connection, r reference) (*providers.Finding, error) {
	err := p.compare(ctx, c, r.adopted)
	switch wire.StatusOf(err) {
	case wire.StatusSuccess:
		return nil, nil //nolint:nilnil // nothing is found
	case wire.StatusDoesNotExist, wire.StatusDataInvalid, wire.StatusNotSupported:
		return c.notThere(r, err.Error()), nil
	default:
		return nil, err
	}
}
