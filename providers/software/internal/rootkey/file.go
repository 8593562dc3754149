package rootkey

import (
	"bytes"
	"crypto/subtle"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
)

// Layout of root.key, docs/formats/root-key.md.
const (
	// FileSize is the size of root.key in bytes.
	FileSize = offKey + Size

	fileMagic   = "PARSECR\x00"
	fileVersion = 1
	offVersion  = 8
	offReserved = 12
	offID       = 16
	offKey      = 32
)

// ErrFormat is wrapped by every error about bytes that are not a root key. None of them
// contains a byte of the input.
var ErrFormat = errors.New("not a root key")

func format(why string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrFormat, fmt.Sprintf(why, args...))
}

// ParseFile decodes the content of root.key.
func ParseFile(b []byte) (*Key, error) {
	switch {
	case len(b) != FileSize:
		return nil, format("it has %d bytes, not %d", len(b), FileSize)
	case string(b[:offVersion]) != fileMagic:
		return nil, format("it does not begin with the magic of root key files")
	case binary.LittleEndian.Uint32(b[offVersion:]) != fileVersion:
		return nil, format("version %d is unknown", binary.LittleEndian.Uint32(b[offVersion:]))
	case binary.LittleEndian.Uint32(b[offReserved:]) != 0:
		return nil, format("the reserved field is not zero")
	}
	k, err := New(b[offKey:])
	if err != nil {
		return nil, err
	}
	if subtle.ConstantTimeCompare(k.id[:], b[offID:offKey]) != 1 {
		k.Wipe()
		return nil, format("it is damaged: the root key id does not follow from the key")
	}
	return k, nil
}

// MarshalFile encodes the key as the content of root.key. The caller wipes it.
func (k *Key) MarshalFile() ([]byte, error) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	if k.secret == nil {
		return nil, ErrWiped
	}
	b := make([]byte, FileSize)
	copy(b, fileMagic)
	binary.LittleEndian.PutUint32(b[offVersion:], fileVersion)
	copy(b[offID:], k.id[:])
	copy(b[offKey:], k.secret)
	return b, nil
}

// maxCredential is the size of the largest credential worth reading, in bytes.
const maxCredential = 128

// ParseCredential decodes a credential: 32 bytes, 64 hexadecimal digits with or without
// a final line feed, or the content of root.key.
func ParseCredential(b []byte) (*Key, error) {
	digits := bytes.TrimSuffix(b, []byte("\n"))
	switch {
	case len(b) == FileSize && bytes.HasPrefix(b, []byte(fileMagic)):
		return ParseFile(b)
	case len(b) == Size:
		return New(b)
	case len(digits) == hex.EncodedLen(Size):
		secret := make([]byte, Size)
		defer wipe(secret)
		if _, err := hex.Decode(secret, digits); err != nil {
			return nil, format("it has 64 characters that are not all hexadecimal digits")
		}
		return New(secret)
	default:
		return nil, format("it has %d bytes; 32 bytes, 64 hexadecimal digits or the content of a root key file are accepted", len(b))
	}
}
