package wire

import "encoding/binary"

// Header is the fixed part of a frame. Fields of requests that the protocol ignores in
// requests (Status) or in responses (AuthType, AuthLen) are carried all the same.
type Header struct {
	Flags       uint16
	Provider    ProviderID
	Session     uint64
	ContentType uint8
	AcceptType  uint8
	AuthType    AuthType
	BodyLen     uint32
	AuthLen     uint16
	Opcode      Opcode
	Status      Status
}

// DefaultHeader is what the original answers with to requests that fail before their
// provider and opcode are known: opcode 1, all else zero.
func DefaultHeader(s Status) Header { return Header{Opcode: OpPing, Status: s} }

// Append appends the 36 bytes of h to b.
func (h Header) Append(b []byte) []byte {
	le := binary.LittleEndian
	b = le.AppendUint32(b, Magic)
	b = le.AppendUint16(b, announcedSize)
	b = append(b, VersionMajor, VersionMinor)
	b = le.AppendUint16(b, h.Flags)
	b = append(b, byte(h.Provider))
	b = le.AppendUint64(b, h.Session)
	b = append(b, h.ContentType, h.AcceptType, byte(h.AuthType))
	b = le.AppendUint32(b, h.BodyLen)
	b = le.AppendUint16(b, h.AuthLen)
	b = le.AppendUint32(b, uint32(h.Opcode))
	b = le.AppendUint16(b, uint16(h.Status))
	return append(b, 0, 0)
}

// ParseHeader decodes the 36 bytes of b. It makes checks 1 to 4 of the specification's
// section 1.2 in their order: magic, header size, version, reserved bytes. Its errors
// are Status values.
func ParseHeader(b *[HeaderSize]byte) (Header, error) {
	le := binary.LittleEndian
	if le.Uint32(b[0:]) != Magic || le.Uint16(b[4:]) != announcedSize {
		return Header{}, StatusInvalidHeader
	}
	if b[6] != VersionMajor || b[7] != VersionMinor {
		return Header{}, StatusVersionTooBig
	}
	if b[34] != 0 || b[35] != 0 {
		return Header{}, StatusInvalidHeader
	}
	return Header{
		Flags: le.Uint16(b[8:]), Provider: ProviderID(b[10]), Session: le.Uint64(b[11:]),
		ContentType: b[19], AcceptType: b[20], AuthType: AuthType(b[21]),
		BodyLen: le.Uint32(b[22:]), AuthLen: le.Uint16(b[26:]),
		Opcode: Opcode(le.Uint32(b[28:])), Status: Status(le.Uint16(b[32:])),
	}, nil
}

// Persistent reports whether a request asks for a persistent connection: any other
// value of the flags than exactly FlagPersistent counts as none.
func (h Header) Persistent() bool { return h.Flags == FlagPersistent }
