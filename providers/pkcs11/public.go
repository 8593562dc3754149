package pkcs11

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/asn1"
	"fmt"
	"math/big"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/ck"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/frame"
)

// public is the public half of a key.
type public struct {
	// n and e are set for RSA.
	n, e *big.Int
	// curve and point are set for elliptic curves.
	curve *curve
	point []byte
}

type pkcs1Public struct{ N, E *big.Int }

// maxModulus bounds RSA keys in bits: what larger ones cost is out of proportion.
const maxModulus = 16384

// parseRSA reads a PKCS #1 public key.
func parseRSA(data []byte) (*public, error) {
	k := pkcs1Public{}
	rest, err := asn1.Unmarshal(data, &k)
	switch {
	case err != nil:
		return nil, wire.Errorf(wire.StatusInvalidArgument, "the data is no RSAPublicKey of PKCS #1")
	case len(rest) > 0:
		return nil, wire.Errorf(wire.StatusInvalidArgument, "%d bytes follow the RSAPublicKey", len(rest))
	}
	return newRSA(k.N, k.E)
}

func newRSA(n, e *big.Int) (*public, error) {
	if n.Sign() <= 0 || n.Bit(0) == 0 || n.BitLen() > maxModulus || e.Sign() <= 0 || e.Bit(0) == 0 || e.Cmp(n) >= 0 || e.BitLen() < 2 {
		return nil, wire.Errorf(wire.StatusInvalidArgument, "modulus and exponent are those of no rsa key")
	}
	return &public{n: n, e: e}, nil
}

// bits returns the size of the key.
func (k *public) bits() uint64 {
	if k.n != nil {
		return uint64(k.n.BitLen()) //nolint:gosec // not negative
	}
	return k.curve.bits
}

// export returns the format of section 3.5.
func (k *public) export() ([]byte, error) {
	if k.n == nil {
		return k.point, nil
	}
	return asn1.Marshal(pkcs1Public{k.n, k.e})
}

// rsa returns the standard library's form, nil where the exponent does not fit.
func (k *public) rsa() *rsa.PublicKey {
	if k.n == nil || k.e.BitLen() > 31 {
		return nil
	}
	return &rsa.PublicKey{N: k.n, E: int(k.e.Int64())}
}

// ecdsa returns the standard library's form, nil where it lacks the curve.
func (k *public) ecdsa() *ecdsa.PublicKey {
	if k.curve == nil || k.curve.std == nil {
		return nil
	}
	key, err := ecdsa.ParseUncompressedPublicKey(k.curve.std, k.point)
	if err != nil {
		return nil
	}
	return key
}

// ed25519 returns the standard library's form, nil for a key on another curve.
func (k *public) ed25519() ed25519.PublicKey {
	if k.curve != edwards25519 {
		return nil
	}
	return k.point
}

// ExportPublicKey returns the public half.
func (p *Provider) ExportPublicKey(ctx context.Context, key providers.Key) ([]byte, error) {
	k, err := p.readPublic(ctx, key)
	if err != nil {
		return nil, err
	}
	return k.export()
}

// public returns the public half, which is read from the token once.
func (p *Provider) public(ctx context.Context, key providers.Key) (*public, error) {
	p.mu.Lock()
	k := p.publics[string(key.ID)]
	p.mu.Unlock()
	if k != nil {
		return k, nil
	}
	return p.readPublic(ctx, key)
}

// maxPublics bounds the public keys that are remembered.
const maxPublics = 1024

// readPublic reads the public half from the public object, or, where the token has none,
// from the private one.
func (p *Provider) readPublic(ctx context.Context, key providers.Key) (*public, error) {
	ref, err := parseReference(key.ID)
	if err != nil {
		return nil, err
	}
	if ref.adopted != nil {
		k, err := ref.adopted.publicKey(key.Attributes)
		if err == nil {
			p.rememberPublic(key.ID, k)
		}
		return k, err
	}
	id := ref.number
	c, err := p.link.connect(ctx)
	if err != nil {
		return nil, err
	}
	if !key.Attributes.Type.RSA() && !key.Attributes.Type.ECC() {
		free, err := p.unused(ctx, c, id)
		if err != nil {
			return nil, err
		}
		if free {
			return nil, c.missing(ref)
		}
		return nil, wire.Errorf(wire.StatusInvalidArgument, "a key of type %s has no public half", key.Attributes.Type)
	}
	for _, class := range []uint64{ck.ClassPublicKey, ck.ClassPrivateKey} {
		out, err := p.link.do(ctx, &frame.Request{
			Op: frame.OpFind, Count: 1, Object: id.selector(c.profile, class), Template: publicAttributes(key.Attributes),
		}, freely)
		if err != nil {
			return nil, err
		}
		if len(out.Objects) == 0 || len(out.Objects[0]) != 2 || out.Objects[0][0].Kind != frame.KindBytes {
			continue
		}
		k, err := decodePublic(key.Attributes, out.Objects[0])
		if err == nil {
			p.rememberPublic(key.ID, k)
		}
		return k, err
	}
	return nil, c.missing(ref)
}

// missing says that the token does not have a key.
func (c *connection) missing(r reference) error {
	return &wire.Error{
		Status: wire.StatusDoesNotExist, Reason: fmt.Sprintf("%s has no key with %s", c.describe(), r.describe(c.profile)),
		Remedy: "insert the token that has it, or give the key up: parsecctl key delete NAME",
	}
}

func (p *Provider) rememberPublic(id providers.KeyID, k *public) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.publics) >= maxPublics {
		clear(p.publics)
	}
	p.publics[string(id)] = k
}

func publicAttributes(a psa.Attributes) []frame.Attribute {
	if a.Type.RSA() {
		return []frame.Attribute{frame.Ask(ck.AttrModulus, frame.KindBytes), frame.Ask(ck.AttrPublicExponent, frame.KindBytes)}
	}
	return []frame.Attribute{frame.Ask(ck.AttrECPoint, frame.KindBytes), frame.Ask(ck.AttrECParams, frame.KindBytes)}
}

// decodePublic reads what publicAttributes asked for.
func decodePublic(a psa.Attributes, o []frame.Attribute) (*public, error) {
	if a.Type.RSA() {
		k, err := newRSA(new(big.Int).SetBytes(o[0].Bytes), new(big.Int).SetBytes(o[1].Bytes))
		if err != nil {
			return nil, wire.Errorf(wire.StatusDataInvalid, "the token's object is no rsa key: %v", err)
		}
		return k, nil
	}
	c, err := curveNamed(o[1].Bytes)
	if err != nil {
		return nil, err
	}
	point, err := c.decodePoint(o[0].Bytes)
	return &public{curve: c, point: point}, err
}
