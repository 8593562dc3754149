package tpm

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/google/go-tpm/tpm2"

	"github.com/seed-73b3884f/parsec-agent/kim"
	"github.com/seed-73b3884f/parsec-agent/providers"
)

// The key ids of adopted keys, docs/formats/tpm-keys.md.
const (
	adoptedMagic   = "PAGTTPM\x00"
	adoptedVersion = 1
	// maxPublic bounds a public area in bytes.
	maxPublic = 2048
)

// place says where an adopted key is. The numbers of parents are those of parents, plus
// underTemplate.
type place uint8

const (
	// persistent: under a handle of its own.
	persistent place = 1
	// underStorage: a blob below our storage key.
	underStorage place = 2
	// underHandle: a blob below a persistent storage key.
	underHandle place = 3
	// underTemplate and what follows: a blob below a primary key of the owner hierarchy, which is
	// made again from a template.
	underTemplate place = 16
)

// adopted is what the id of an adopted key has beyond that of another.
type adopted struct {
	place  place
	handle tpm2.TPMHandle // of the key, or of its parent; 0 for other places
	// public is the public area as the TPM has it: it does not follow from the attributes.
	public *tpm2.TPMTPublic
}

func isAdopted(b providers.KeyID) bool {
	return len(b) >= len(adoptedMagic) && string(b[:len(adoptedMagic)]) == adoptedMagic
}

// encodeAdopted returns the key id of an adopted key.
func (s *stored) encodeAdopted() providers.KeyID {
	b := binary.LittleEndian.AppendUint32([]byte(adoptedMagic), adoptedVersion)
	b = binary.LittleEndian.AppendUint32(append(b, byte(s.adopted.place)), uint32(s.adopted.handle))
	for _, part := range [][]byte{s.auth, tpm2.Marshal(*s.adopted.public), s.private} {
		b = kim.AppendBytes(b, part)
	}
	return b
}

// decodeAdopted reads what encodeAdopted returned. The result aliases b.
func decodeAdopted(b providers.KeyID) (*stored, error) {
	r := reader{rest: b[len(adoptedMagic):]}
	if v := r.u32(); r.err == nil && v != adoptedVersion {
		return nil, fmt.Errorf("the id of the adopted key has version %d, this program knows %d", v, adoptedVersion)
	}
	a := &adopted{place: place(r.fixed(1)[0]), handle: tpm2.TPMHandle(r.u32())}
	s := &stored{auth: r.bytes("authorisation value", maxAuth), adopted: a}
	public := r.bytes("public area", maxPublic)
	s.private = r.bytes("private part", maxPrivate)
	switch {
	case r.err != nil:
		return nil, r.err
	case len(r.rest) > 0:
		return nil, fmt.Errorf("%d bytes follow the key id", len(r.rest))
	case !a.place.known(), a.place.handled() != isPersistent(a.handle), !a.place.handled() && a.handle != 0,
		(a.place == persistent) != (len(s.private) == 0):
		return nil, errors.New("the id of the adopted key says no place where a key could be")
	}
	var err error
	if a.public, err = parsePublicArea(public); err != nil {
		return nil, err
	}
	return s, s.take(a.public)
}

func (p place) known() bool {
	return p >= persistent && p <= underHandle || p >= underTemplate && int(p-underTemplate) < len(parents)
}

// handled reports whether the place is one with a handle.
func (p place) handled() bool { return p == persistent || p == underHandle }

// isPersistent reports whether a handle is one of a persistent object.
func isPersistent(h tpm2.TPMHandle) bool { return h>>24 == 0x81 }

// parsePublicArea reads a public area of a kind that keys can have, in its one form.
func parsePublicArea(b []byte) (*tpm2.TPMTPublic, error) {
	if len(b) > maxPublic {
		return nil, fmt.Errorf("a public area of %d bytes is too long", len(b))
	}
	public, err := tpm2.Unmarshal[tpm2.TPMTPublic](b)
	if err != nil {
		return nil, fmt.Errorf("the public area cannot be decoded: %w", err)
	}
	if again := tpm2.Marshal(*public); string(again) != string(b) {
		return nil, errors.New("the public area is not in the form of the TPM")
	}
	switch public.Type {
	case tpm2.TPMAlgRSA, tpm2.TPMAlgECC, tpm2.TPMAlgKeyedHash:
		return public, nil
	default:
		return nil, fmt.Errorf("the public area is that of an object of type %#x", uint16(public.Type))
	}
}
