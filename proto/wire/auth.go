package wire

import "encoding/binary"

// AppendUID appends the authentication field of Unix peer credentials: the caller's real
// uid, four bytes little-endian.
func AppendUID(b []byte, uid uint32) []byte { return binary.LittleEndian.AppendUint32(b, uid) }

// ParseUID decodes the authentication field of Unix peer credentials.
func ParseUID(field []byte) (uint32, bool) {
	if len(field) != 4 {
		return 0, false
	}
	return binary.LittleEndian.Uint32(field), true
}
