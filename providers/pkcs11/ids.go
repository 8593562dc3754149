package pkcs11

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/ck"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/frame"
)

// keyID is the number of a key: little-endian in the key info manager, CKA_ID on the token.
type keyID uint32

const keyIDSize = 4

// parseKeyID decodes the id as the key info manager holds it. An id of another shape
// belongs to another provider.
func parseKeyID(b providers.KeyID) (keyID, error) {
	if len(b) != keyIDSize {
		return 0, wire.Errorf(wire.StatusInvalidEncoding, "the key id has %d bytes, one of the PKCS#11 provider has %d", len(b), keyIDSize)
	}
	return keyID(binary.LittleEndian.Uint32(b)), nil
}

func (id keyID) encode() providers.KeyID {
	return binary.LittleEndian.AppendUint32(make([]byte, 0, keyIDSize), uint32(id))
}

// cka returns CKA_ID: the number in four bytes, big-endian, or in one where the token has
// no room for more.
func (id keyID) cka(p *profile) []byte {
	if p.shortIDs && id <= 0xff {
		return []byte{byte(id)}
	}
	return binary.BigEndian.AppendUint32(nil, uint32(id))
}

// selector names the object of a key.
func (id keyID) selector(p *profile, class uint64) []frame.Attribute {
	return []frame.Attribute{frame.Number(ck.AttrClass, class), frame.Bytes(ck.AttrID, id.cka(p))}
}

// reference is what a key id refers to: a key under a number of ours, or an adopted object.
type reference struct {
	number  keyID
	adopted *adopted // nil for a number
}

func parseReference(b providers.KeyID) (reference, error) {
	if isAdopted(b) {
		a, err := decodeAdopted(b)
		return reference{adopted: a}, err
	}
	id, err := parseKeyID(b)
	return reference{number: id}, err
}

// selector names the object of the key.
func (r reference) selector(p *profile, class uint64) []frame.Attribute {
	if r.adopted != nil {
		return r.adopted.selector(class)
	}
	return r.number.selector(p, class)
}

// describe names the object for a person.
func (r reference) describe(p *profile) string {
	if r.adopted != nil {
		return r.adopted.locator().String()
	}
	return fmt.Sprintf("CKA_ID %x", r.number.cka(p))
}

// newID takes a number that no key of the key info manager and no object of the token has.
// It stays taken until release.
func (p *Provider) newID(ctx context.Context, c *connection) (keyID, error) {
	const tries = 64
	for try := range uint32(tries) {
		id := randomID()
		if c.profile.shortIDs {
			id = keyID(try%c.profile.lastID + 1)
		}
		if !p.reserve(id) {
			continue
		}
		free, err := p.unused(ctx, c, id)
		if err == nil && free {
			return id, nil
		}
		p.release(id)
		if err != nil {
			return 0, err
		}
	}
	return 0, wire.Errorf(wire.StatusInsufficientStorage, "%s has no free key id", c.describe())
}

func randomID() keyID {
	var b [keyIDSize]byte
	for {
		_, _ = rand.Read(b[:]) // never fails
		if id := keyID(binary.LittleEndian.Uint32(b[:])); id != 0 {
			return id
		}
	}
}

// unused reports whether no object of the token, of whatever class, has the id.
func (p *Provider) unused(ctx context.Context, c *connection, id keyID) (bool, error) {
	out, err := p.link.do(ctx, &frame.Request{
		Op: frame.OpFind, Count: 1, Object: []frame.Attribute{frame.Bytes(ck.AttrID, id.cka(c.profile))},
	}, freely)
	if err != nil {
		return false, err
	}
	return len(out.Objects) == 0, nil
}

func (p *Provider) reserve(id keyID) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reserved[id] {
		return false
	}
	p.reserved[id] = true
	return true
}

func (p *Provider) release(id keyID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.reserved, id)
	delete(p.publics, string(id.encode()))
	delete(p.always, string(id.encode()))
}
