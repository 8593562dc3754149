package enrol

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/seed-73b3884f/parsec-agent/trust"
	"github.com/seed-73b3884f/parsec-agent/trust/mpack"
)

// The form of an entry's file, docs/formats/enrolment-journal.md. Integers are little-endian.
const (
	magic         = "PARSECE\x00"
	formatVersion = 1
	// sealInfo labels the derivation of the key of the sealed part from the local key of a device.
	sealInfo = "parsec-agent enrolment journal v1"
	// maxEntry bounds a file.
	maxEntry = len(magic) + 3*4 + maxPublic + maxSealed
)

// sealKey derives the key of sealed parts.
func sealKey(d *trust.LocalDevice) (trust.SecretKey, error) {
	return d.LocalSymkey.DeriveLocal(sealInfo)
}

// encodeHead returns a file up to the sealed part.
func encodeHead(e *Entry) ([]byte, error) {
	w := &mpack.Writer{}
	e.encode(w)
	public, err := w.Result()
	if err != nil {
		return nil, err
	}
	if len(public) > maxPublic {
		return nil, fmt.Errorf("an entry of %d bytes is too large", len(public))
	}
	b := binary.LittleEndian.AppendUint32([]byte(magic), formatVersion)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(public))) //nolint:gosec // was compared
	return append(b, public...), nil
}

// sealEntry returns the file of an entry. What is sealed begins with the digest of what stands before it, so that neither goes with another one.
func sealEntry(e *Entry, s *secrets, key trust.SecretKey) ([]byte, error) {
	b, err := encodeHead(e)
	if err != nil {
		return nil, err
	}
	w := &mpack.Writer{}
	defer w.Wipe()
	encodeSecrets(w, s)
	inner, err := w.Result()
	if err != nil {
		return nil, err
	}
	digest := sha256.Sum256(b)
	plain := make([]byte, 0, len(digest)+len(inner))
	plain = append(append(plain, digest[:]...), inner...)
	defer clear(plain)
	sealed, err := key.Encrypt(plain)
	if err != nil {
		return nil, err
	}
	if len(sealed) > maxSealed {
		return nil, fmt.Errorf("the secrets of an entry have %d bytes, which is too much", len(sealed))
	}
	b = binary.LittleEndian.AppendUint32(b, uint32(len(sealed))) //nolint:gosec // was compared
	return append(b, sealed...), nil
}

// file is an entry as it was read.
type file struct {
	Entry
	// head are the bytes before the sealed part.
	head, sealed []byte
}

// decodeEntryFile reads the file of an entry.
func decodeEntryFile(b []byte) (*file, error) {
	rest := b
	take := func(n uint32) (part []byte) {
		if uint64(n) > uint64(len(rest)) {
			rest = nil
			return nil
		}
		part, rest = rest[:n:n], rest[n:]
		return part
	}
	number := func() (uint32, error) {
		if part := take(4); part != nil {
			return binary.LittleEndian.Uint32(part), nil
		}
		return 0, errShort
	}
	if string(take(uint32(len(magic)))) != magic {
		return nil, errors.New("it is no entry of a journal of enrolments")
	}
	if v, err := number(); err != nil || v != formatVersion {
		return nil, fmt.Errorf("it has version %d of the format, this program knows %d", v, formatVersion)
	}
	n, err := number()
	if err != nil || n > maxPublic {
		return nil, errShort
	}
	f := &file{}
	public := take(n)
	r := mpack.NewReader(public)
	f.decode(r)
	if err := r.End(); err != nil {
		return nil, err
	}
	if err := f.check(); err != nil {
		return nil, err
	}
	f.head = b[:len(b)-len(rest)]
	if n, err = number(); err != nil || n > maxSealed || int(n) != len(rest) {
		return nil, errShort
	}
	f.sealed = rest
	return f, nil
}

var errShort = errors.New("its length is not what it says")

// open opens the sealed part. The caller wipes it.
func (f *file) open(key trust.SecretKey) (*secrets, error) {
	plain, err := key.Decrypt(f.sealed)
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	digest := sha256.Sum256(f.head)
	if len(plain) < len(digest) || subtle.ConstantTimeCompare(plain[:len(digest)], digest[:]) != 1 {
		return nil, errors.New("what is sealed in it belongs to another entry")
	}
	s := &secrets{}
	r := mpack.NewReader(plain[len(digest):])
	decodeSecrets(r, s)
	err = r.End()
	if err == nil {
		err = s.check(&f.Entry)
	}
	if err != nil {
		s.wipe()
		return nil, err
	}
	return s, nil
}
