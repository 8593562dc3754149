package pkcs11

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/seed-73b3884f/parsec-agent/kim"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/ck"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/frame"
)

// adopted is the key id of an object that other programs made: docs/formats/pkcs11-keys.md.
// It names the object as a token can, and says which key that is, for a CKA_ID of 01 is on
// many tokens.
type adopted struct {
	class uint64 // private or secret key
	// id is CKA_ID, label CKA_LABEL; nil where the object is named without it.
	id, label []byte
	// serial is the token's, public the public half in the format of section 3.5; empty for
	// secret keys.
	serial string
	public []byte
}

const (
	adoptedMagic         = "PAGTP11\x00"
	adoptedVersion       = 1
	adoptedPrivate uint8 = 1
	adoptedSecret  uint8 = 2
	partID         uint8 = 1
	partLabel      uint8 = 2
)

// Limits of an adopted key id: what is longer is not adopted.
const (
	maxAdoptedText   = 1024
	maxAdoptedSerial = 64
	maxAdoptedPublic = 4096
)

// isAdopted reports whether a key id is that of an adopted object. One of ours has four bytes.
func isAdopted(b providers.KeyID) bool {
	return len(b) >= len(adoptedMagic) && string(b[:len(adoptedMagic)]) == adoptedMagic
}

func (a *adopted) encode() providers.KeyID {
	b := binary.LittleEndian.AppendUint32([]byte(adoptedMagic), adoptedVersion)
	class, parts := adoptedPrivate, uint8(0)
	if a.class == ck.ClassSecretKey {
		class = adoptedSecret
	}
	if a.id != nil {
		parts |= partID
	}
	if a.label != nil {
		parts |= partLabel
	}
	b = append(b, class, parts)
	for _, part := range [][]byte{a.id, a.label, []byte(a.serial), a.public} {
		b = kim.AppendBytes(b, part)
	}
	return b
}

// decodeAdopted decodes what encode returned. The result refers to b.
func decodeAdopted(b providers.KeyID) (*adopted, error) {
	a, err := readAdopted(b)
	if err != nil {
		return nil, &wire.Error{Status: wire.StatusInvalidEncoding, Reason: "the id of the adopted key: " + err.Error(), Err: err}
	}
	return a, nil
}

func readAdopted(b []byte) (*adopted, error) {
	const fixed = len(adoptedMagic) + 6
	if len(b) < fixed || !isAdopted(b) {
		return nil, errors.New("it is too short, or does not begin as one")
	}
	if v := binary.LittleEndian.Uint32(b[len(adoptedMagic):]); v != adoptedVersion {
		return nil, fmt.Errorf("it has version %d, this program knows %d", v, adoptedVersion)
	}
	class, parts, b := b[fixed-2], b[fixed-1], b[fixed:]
	var vectors [4][]byte
	for i, most := range [4]int{maxAdoptedText, maxAdoptedText, maxAdoptedSerial, maxAdoptedPublic} {
		var err error
		if vectors[i], b, err = kim.CutBytes(b); err != nil {
			return nil, err
		}
		if len(vectors[i]) > most {
			return nil, fmt.Errorf("a part has %d bytes, %d are the most", len(vectors[i]), most)
		}
	}
	a := &adopted{class: ck.ClassPrivateKey, serial: string(vectors[2]), public: vectors[3]}
	if class == adoptedSecret {
		a.class = ck.ClassSecretKey
	}
	if parts&partID != 0 {
		a.id = vectors[0]
	}
	if parts&partLabel != 0 {
		a.label = vectors[1]
	}
	switch {
	case len(b) > 0:
		return nil, fmt.Errorf("%d bytes follow it", len(b))
	case class != adoptedPrivate && class != adoptedSecret, parts == 0 || parts > partID|partLabel:
		return nil, errors.New("it names no object")
	case a.id == nil && len(vectors[0]) > 0, a.label == nil && len(vectors[1]) > 0:
		return nil, errors.New("it has a part that names nothing")
	case (class == adoptedPrivate) == (len(a.public) == 0):
		return nil, errors.New("it has no public half, or one too many")
	}
	return a, nil
}

// selector names the object on the token.
func (a *adopted) selector(class uint64) []frame.Attribute {
	s := []frame.Attribute{frame.Number(ck.AttrClass, class)}
	if a.id != nil {
		s = append(s, frame.Bytes(ck.AttrID, a.id))
	}
	if a.label != nil {
		s = append(s, frame.Bytes(ck.AttrLabel, a.label))
	}
	return s
}

func (a *adopted) locator() locator { return locator{id: a.id, label: a.label, class: a.class} }

// refersTo reports whether the object is the one that the id names, and no other key where
// both public halves are known.
func (a *adopted) refersTo(o *object) bool {
	if len(a.public) > 0 && o.public != nil && !a.half(o) {
		return false
	}
	return a.class == o.class && (a.id == nil || bytes.Equal(a.id, o.id)) && (a.label == nil || bytes.Equal(a.label, o.label)) //nolint:forbidigo // no secrets
}

// publicKey returns the public half.
func (a *adopted) publicKey(attrs psa.Attributes) (*public, error) {
	if len(a.public) == 0 || !attrs.Type.RSA() && !attrs.Type.ECC() {
		return nil, wire.Errorf(wire.StatusInvalidArgument, "a key of type %s has no public half", attrs.Type)
	}
	k, err := parsePublic(attrs, a.public)
	if err != nil {
		return nil, &wire.Error{Status: wire.StatusDataInvalid, Reason: "the stored public half: " + err.Error(), Err: err}
	}
	return k, nil
}
