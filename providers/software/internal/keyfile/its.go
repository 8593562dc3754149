package keyfile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// Layout of the compatible form.
const (
	// MaxData is the largest key data in bytes; the largest key of all, raw data of
	// 65528 bits, has half of it.
	MaxData = 16 << 10

	itsMagic   = "PSA\x00ITS\x00"
	keyMagic   = "PSA\x00KEY\x00"
	offSize    = 8
	offFlags   = 12
	offKey     = 16
	offVersion = 24
	offLife    = 28
	offType    = 32
	offBits    = 34
	offUsage   = 36
	offAlg     = 40
	offAlg2    = 44
	offLength  = 48
	offData    = 52

	minITS = offData + 1
	maxITS = offData + MaxData

	persistent = 1
)

// ITS is the content of a file of the compatible form, with PSA's own codes.
type ITS struct {
	Type, Bits       uint16
	Usage, Alg, Alg2 uint32
	// Data is the key in the export format of section 3.5. Parse lets it share the input.
	Data []byte
}

// New describes a key. bits is its real size, which attrs may not know.
func New(attrs psa.Attributes, bits uint64, data []byte) (ITS, error) {
	code, err := typeCode(attrs)
	if err != nil {
		return ITS{}, err
	}
	alg, err := algorithmCode(attrs.Alg)
	if err != nil {
		return ITS{}, err
	}
	if bits == 0 || bits > 0xffff || len(data) == 0 || len(data) > MaxData {
		return ITS{}, wire.Errorf(wire.StatusNotSupported, "a key of %d bits in %d bytes cannot be stored", bits, len(data))
	}
	return ITS{Type: code, Bits: uint16(bits), Usage: usageCode(attrs.Usage), Alg: alg, Data: data}, nil
}

// Marshal encodes the file. The caller wipes it.
func (i ITS) Marshal() []byte {
	le := binary.LittleEndian
	b := make([]byte, offData, offData+len(i.Data))
	copy(b, itsMagic)
	le.PutUint32(b[offSize:], uint32(offData-offKey+len(i.Data))) //nolint:gosec // bounded by MaxData
	copy(b[offKey:], keyMagic)
	le.PutUint32(b[offLife:], persistent)
	le.PutUint16(b[offType:], i.Type)
	le.PutUint16(b[offBits:], i.Bits)
	le.PutUint32(b[offUsage:], i.Usage)
	le.PutUint32(b[offAlg:], i.Alg)
	le.PutUint32(b[offAlg2:], i.Alg2)
	le.PutUint32(b[offLength:], uint32(len(i.Data))) //nolint:gosec // bounded by MaxData
	return append(b, i.Data...)
}

// Parse decodes a file of the compatible form. Data shares b.
func Parse(b []byte) (ITS, error) {
	le := binary.LittleEndian
	switch {
	case len(b) < minITS || len(b) > maxITS:
		return ITS{}, corrupt("it has %d bytes, a key file has %d to %d", len(b), minITS, maxITS)
	case string(b[:offSize]) != itsMagic || string(b[offKey:offVersion]) != keyMagic:
		return ITS{}, corrupt("it does not begin with the magic of key files")
	case int64(le.Uint32(b[offSize:])) != int64(len(b)-offKey) || int64(le.Uint32(b[offLength:])) != int64(len(b)-offData):
		return ITS{}, corrupt("its lengths do not add up to its %d bytes", len(b))
	case le.Uint32(b[offFlags:]) != 0 || le.Uint32(b[offVersion:]) != 0 || le.Uint32(b[offLife:]) != persistent:
		return ITS{}, corrupt("it is of an unknown version")
	case le.Uint16(b[offBits:]) == 0:
		return ITS{}, corrupt("its key has no size")
	}
	return ITS{
		Type: le.Uint16(b[offType:]), Bits: le.Uint16(b[offBits:]),
		Usage: le.Uint32(b[offUsage:]), Alg: le.Uint32(b[offAlg:]), Alg2: le.Uint32(b[offAlg2:]),
		Data: b[offData:],
	}, nil
}

// Agree refuses, with StatusDataInvalid, a file that is not the key that attrs describes:
// another type or curve, or another size unless attrs leaves it open with 0 bits.
func (i ITS) Agree(attrs psa.Attributes) error {
	code, err := typeCode(attrs)
	if err != nil {
		return err
	}
	if code != i.Type {
		return wire.Errorf(wire.StatusDataInvalid, "the key file holds a key of type %s, the key is of type %s", typeName(i.Type), typeName(code))
	}
	if attrs.Bits != 0 && attrs.Bits != uint64(i.Bits) {
		return wire.Errorf(wire.StatusDataInvalid, "the key file holds a key of %d bits, the key has %d", i.Bits, attrs.Bits)
	}
	return nil
}

// StopsOriginal reports whether the original service would not start while this key is
// mapped: it cannot read back the policy of an unauthenticated cipher.
func (i ITS) StopsOriginal() bool { return i.Alg>>24 == algCipher>>24 }

// Describe says what the key is, such as "rsa key of 2048 bits".
func (i ITS) Describe() string { return fmt.Sprintf("%s key of %d bits", typeName(i.Type), i.Bits) }

// String returns the description without the key.
func (i ITS) String() string { return i.Describe() }

// Format prints the description without the key for every verb.
func (i ITS) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(i.Describe())) }

// LogValue returns the description without the key.
func (i ITS) LogValue() slog.Value { return slog.StringValue(i.Describe()) }

// MarshalText refuses, and with it JSON.
func (ITS) MarshalText() ([]byte, error) { return nil, errors.New("a key is not for marshalling") }

func corrupt(why string, args ...any) error {
	return wire.Errorf(wire.StatusDataCorrupt, "the key file is damaged: "+why, args...)
}
