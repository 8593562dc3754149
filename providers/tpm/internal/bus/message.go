package bus

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrMalformed is what every error of decoding wraps.
var ErrMalformed = errors.New("malformed D-Bus message")

// Types of messages, and codes of header fields.
const (
	methodCall   = 1
	methodReturn = 2
	methodError  = 3
	signal       = 4

	fieldPath        = 1
	fieldInterface   = 2
	fieldMember      = 3
	fieldErrorName   = 4
	fieldReplySerial = 5
	fieldDestination = 6
	fieldSignature   = 8
	fieldDescriptors = 9
)

const (
	version   = 1
	fixedSize = 16
	// maxPart bounds the header fields and the body; what we ask for has some hundred bytes.
	maxPart = 64 << 10
	// maxDescriptors is how many descriptors an answer may bring.
	maxDescriptors = 16
)

// Method names a method that takes no arguments.
type Method struct {
	Destination, Path, Interface, Member string
}

// append encodes a call, little-endian.
func (m Method) append(b []byte, serial uint32) []byte {
	b = append(b, 'l', methodCall, 0, version)
	b = binary.LittleEndian.AppendUint32(b, 0) // of the body
	b = binary.LittleEndian.AppendUint32(b, serial)
	size := len(b)
	b = binary.LittleEndian.AppendUint32(b, 0)
	for _, f := range []struct {
		code, kind byte
		value      string
	}{{fieldPath, 'o', m.Path}, {fieldInterface, 's', m.Interface}, {fieldMember, 's', m.Member}, {fieldDestination, 's', m.Destination}} {
		b = append(pad(b), f.code, 1, f.kind, 0)
		b = binary.LittleEndian.AppendUint32(b, uint32(len(f.value))) //nolint:gosec // a name
		b = append(append(b, f.value...), 0)
	}
	binary.LittleEndian.PutUint32(b[size:], uint32(len(b)-fixedSize)) //nolint:gosec // four names
	return pad(b)
}

// pad fills up to a multiple of eight.
func pad(b []byte) []byte { return append(b, make([]byte, -len(b)&7)...) }

// message is what we read of a message.
type message struct {
	kind        byte
	reply       uint32 // the serial of the call that it answers
	errorName   string
	signature   string
	descriptors uint32
	body        []byte
	order       binary.ByteOrder
}

// lengths reads the fixed part of a header: how many bytes of fields, with their padding,
// and of body follow.
func lengths(fixed []byte) (order binary.ByteOrder, fields, padded, body int, err error) {
	switch fixed[0] {
	case 'l':
		order = binary.LittleEndian
	case 'B':
		order = binary.BigEndian
	default:
		return nil, 0, 0, 0, fmt.Errorf("%w: it begins with byte %#x", ErrMalformed, fixed[0])
	}
	if fixed[3] != version {
		return nil, 0, 0, 0, fmt.Errorf("%w: it has version %d", ErrMalformed, fixed[3])
	}
	b, f := order.Uint32(fixed[4:]), order.Uint32(fixed[12:])
	if b > maxPart || f > maxPart {
		return nil, 0, 0, 0, fmt.Errorf("%w: %d bytes of header fields and %d of body are too many", ErrMalformed, f, b)
	}
	return order, int(f), int(f+7) &^ 7, int(b), nil
}

// decode decodes a whole message.
func decode(b []byte) (*message, error) {
	if len(b) < fixedSize {
		return nil, fmt.Errorf("%w: %d bytes", ErrMalformed, len(b))
	}
	order, fields, padded, body, err := lengths(b)
	if err != nil {
		return nil, err
	}
	if len(b) != fixedSize+padded+body {
		return nil, fmt.Errorf("%w: %d bytes where its header announces others", ErrMalformed, len(b))
	}
	m := &message{kind: b[1], order: order, body: b[fixedSize+padded:]}
	r := &reader{b: b[:fixedSize+fields], at: fixedSize, order: order}
	for r.err == nil && r.at < len(r.b) {
		m.field(r)
	}
	if r.err != nil {
		return nil, r.err
	}
	return m, nil
}

// field reads one header field.
func (m *message) field(r *reader) {
	r.align(8)
	code := r.byte()
	text, number := r.variant()
	switch code {
	case fieldErrorName:
		m.errorName = text
	case fieldReplySerial:
		m.reply = number
	case fieldSignature:
		m.signature = text
	case fieldDescriptors:
		m.descriptors = number
	}
}

// text returns the string that the body begins with, empty if it begins with none.
func (m *message) text() string {
	if m.signature == "" || m.signature[0] != 's' {
		return ""
	}
	r := &reader{b: m.body, order: m.order}
	if s := r.string(); r.err == nil {
		return s
	}
	return ""
}
