package kim

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// ErrExtended says that attributes are sound, but that the original's encoding has no
// number for them. EncodeExtended has.
var ErrExtended error = &wire.Error{
	Status: wire.StatusNotSupported, Reason: "the original service's key info managers have no encoding for these attributes",
}

// extendedVersion opens every extended encoding.
const extendedVersion uint32 = 1

// EncodeAttributes returns the attributes in the original's serialisation (bincode 1.x,
// section 5.3; 28 to 62 bytes). Attributes of our own are ErrExtended; attributes that no
// decoder could have returned, such as a curve on an AES key, are StatusInvalidArgument.
func EncodeAttributes(a psa.Attributes) ([]byte, error) { return encode(nil, a, false) }

// DecodeAttributes decodes the original's serialisation at the start of b and returns how
// many bytes it took: the original tolerates bytes behind it. Unknown variants and a
// truncated input are errors. The lifetime, which means nothing here, is checked and
// dropped.
func DecodeAttributes(b []byte) (psa.Attributes, int, error) { return decode(b, false) }

// EncodeExtended returns the attributes in our own serialisation: version 1 as u32, then
// as EncodeAttributes, with the curve family 9 (twisted Edwards) and the signature
// algorithm 6 (pure EdDSA) added.
func EncodeExtended(a psa.Attributes) ([]byte, error) {
	return encode(binary.LittleEndian.AppendUint32(nil, extendedVersion), a, true)
}

// DecodeExtended decodes what EncodeExtended returned. Another version, unknown variants
// and bytes too few or too many are errors.
func DecodeExtended(b []byte) (psa.Attributes, error) {
	if len(b) < 4 {
		return psa.Attributes{}, errors.New("extended attributes end before their version")
	}
	if v := binary.LittleEndian.Uint32(b); v != extendedVersion {
		return psa.Attributes{}, fmt.Errorf("extended attributes have version %d, this program knows %d", v, extendedVersion)
	}
	a, n, err := decode(b[4:], true)
	if err == nil && n != len(b)-4 {
		err = fmt.Errorf("%d bytes follow the extended attributes", len(b)-4-n)
	}
	if err != nil {
		return psa.Attributes{}, err
	}
	return a, nil
}

// AppendBytes appends v as the original serialises a byte vector: length as u64, bytes.
func AppendBytes(b, v []byte) []byte {
	return append(binary.LittleEndian.AppendUint64(b, uint64(len(v))), v...)
}

// CutBytes splits a byte vector, as AppendBytes wrote it, off the start of b. Both parts
// alias b. A length above what b holds is an error.
func CutBytes(b []byte) (v, rest []byte, err error) {
	if len(b) < 8 {
		return nil, nil, errors.New("a byte vector ends before its length")
	}
	n, b := binary.LittleEndian.Uint64(b), b[8:]
	if n > uint64(len(b)) {
		return nil, nil, fmt.Errorf("a byte vector announces %d bytes where %d follow", n, len(b))
	}
	return b[:n:n], b[n:], nil
}

func encode(b []byte, a psa.Attributes, extended bool) ([]byte, error) {
	start := len(b)
	c := codec{b: b, encoding: true, extended: extended}
	given := a
	c.attributes(&a)
	if c.err != nil {
		return nil, c.err
	}
	// What decodes to something else holds parameters that its type does not have.
	if back, n, err := decode(c.b[start:], extended); err != nil || back != given || n != len(c.b)-start {
		return nil, wire.Errorf(wire.StatusInvalidArgument, "the key attributes are not sound: %+v", given)
	}
	return c.b, nil
}

func decode(b []byte, extended bool) (psa.Attributes, int, error) {
	var a psa.Attributes
	c := codec{b: b, extended: extended}
	c.attributes(&a)
	if c.err != nil {
		return psa.Attributes{}, 0, c.err
	}
	return a, len(b) - len(c.b), nil
}

// codec walks attributes in one order for both directions: encoding appends to b,
// decoding cuts from it. The first error stays and makes every later step harmless.
type codec struct {
	b        []byte
	encoding bool
	extended bool
	err      error
}

func (c *codec) cut(n int) []byte {
	if c.err == nil && len(c.b) < n {
		c.err = errors.New("the key attributes end too early")
	}
	if c.err != nil {
		return make([]byte, n)
	}
	v := c.b[:n]
	c.b = c.b[n:]
	return v
}

func (c *codec) u8(v *uint8) {
	if c.encoding {
		c.b = append(c.b, *v)
		return
	}
	*v = c.cut(1)[0]
}

func (c *codec) u32(v *uint32) {
	if c.encoding {
		c.b = binary.LittleEndian.AppendUint32(c.b, *v)
		return
	}
	*v = binary.LittleEndian.Uint32(c.cut(4))
}

func (c *codec) u64(v *uint64) {
	if c.encoding {
		c.b = binary.LittleEndian.AppendUint64(c.b, *v)
		return
	}
	*v = binary.LittleEndian.Uint64(c.cut(8))
}

// variant codes an enum as the index of its value in all; values from the index ours on
// exist in the extended encoding only.
func variant[T ~uint8](c *codec, what string, v *T, all []T, ours int) {
	known := uint32(ours) //nolint:gosec // the length of a short table
	if c.extended {
		known = uint32(len(all)) //nolint:gosec // the length of a short table
	}
	var index uint32
	if c.encoding {
		i := slices.Index(all, *v)
		if i < 0 {
			c.fail(wire.Errorf(wire.StatusInvalidArgument, "the key attributes have an invalid %s (%v)", what, *v))
			return
		}
		index = uint32(i) //nolint:gosec // the index of a short table
		if index >= known {
			c.fail(ErrExtended)
		}
	}
	c.u32(&index)
	if index >= known {
		c.fail(fmt.Errorf("the key attributes have the unknown %s %d", what, index))
		return
	}
	*v = all[index]
}

func (c *codec) fail(err error) {
	if c.err == nil {
		c.err = err
	}
}
