package tpm

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/google/go-tpm/tpm2"

	"github.com/seed-73b3884f/parsec-agent/kim"
	"github.com/seed-73b3884f/parsec-agent/providers"
)

// The encoding of key ids, docs/formats/tpm-keys.md. A key of the TPM is nothing but its
// id: the private half inside is wrapped by the TPM's storage key.

// form says how the TPM made the key; it decides the attributes of its public area.
type form uint8

const (
	formCreated  form = 0 // by TPM2_Create, as the original does
	formImported form = 1 // by TPM2_Import from a private key of the caller
	formProvided form = 2 // by TPM2_Create from secret bytes that were handed in
)

// The variants of the public part. The original knows the first two.
const (
	publicRSA uint32 = iota
	publicECC
	publicKeyedHash
	publicEnd
)

// stored is a decoded key id.
type stored struct {
	auth []byte // the authorisation value; empty for public keys
	kind uint32 // publicRSA, publicECC or publicKeyedHash
	// unique is the modulus, the x coordinate, or the unique digest of a symmetric key.
	unique  []byte
	y       []byte // of publicECC only
	private []byte // the contents of TPM2B_PRIVATE; empty for public keys
	form    form
	adopted *adopted // nil for keys of our own
}

// legacySize is the length of the saved context when it is empty, as it is since keys are
// stored in their wrapped form: sequence, handle, hierarchy, length of the blob.
const legacySize = 8 + 4 + 4 + 8

// Limits of what a TPM can have made, so that a corrupt id costs nothing.
const (
	maxAuth    = 64
	maxUnique  = 1024
	maxPrivate = 4096
)

// trailer opens what we append for keys of a form that the original does not make. Its
// decoder tolerates bytes behind the private part.
var trailer = []byte("PATK\x01")

// errLegacy says that a key id is of the time before wrapped keys were stored.
var errLegacy = errors.New("the key is stored as a saved context of an old Parsec service, not as a wrapped key; " +
	"start a Parsec service 1.x once on the same TPM and use the key, which rewrites it")

func (s *stored) encode() providers.KeyID {
	b := make([]byte, legacySize, legacySize+len(s.auth)+len(s.unique)+len(s.y)+len(s.private)+64)
	b = kim.AppendBytes(b, s.auth)
	b = binary.LittleEndian.AppendUint32(b, s.kind)
	b = kim.AppendBytes(b, s.unique)
	if s.kind == publicECC {
		b = kim.AppendBytes(b, s.y)
	}
	b = kim.AppendBytes(b, s.private)
	if s.form != formCreated {
		b = append(append(b, trailer...), byte(s.form))
	}
	return b
}

// decode reads a key id. The result aliases b.
func decode(b providers.KeyID) (*stored, error) {
	if isAdopted(b) {
		return decodeAdopted(b)
	}
	r := reader{rest: b}
	context := r.fixed(legacySize - 8)
	saved := r.bytes("saved context", maxPrivate)
	s := &stored{auth: r.bytes("authorisation value", maxAuth)}
	if r.err != nil {
		return nil, r.err
	}
	if len(saved) > 0 {
		return nil, errLegacy
	}
	if !bytes.Equal(context, make([]byte, len(context))) { //nolint:forbidigo // no secret
		return nil, errors.New("the key id has a saved context without content")
	}
	s.kind = r.u32()
	if r.err == nil && s.kind >= publicEnd {
		return nil, fmt.Errorf("the key id has the unknown kind %d", s.kind)
	}
	s.unique = r.bytes("public part", maxUnique)
	if s.kind == publicECC {
		s.y = r.bytes("public part", maxUnique)
	}
	s.private = r.bytes("private part", maxPrivate)
	s.form = r.form()
	return s, r.err
}

// reader cuts values off a key id; the first error stays.
type reader struct {
	rest []byte
	err  error
}

func (r *reader) fixed(n int) []byte {
	if r.err == nil && len(r.rest) < n {
		r.err = fmt.Errorf("the key id ends where %d bytes should follow, it has %d", n, len(r.rest))
	}
	if r.err != nil {
		return make([]byte, n)
	}
	v := r.rest[:n:n]
	r.rest = r.rest[n:]
	return v
}

func (r *reader) u32() uint32 { return binary.LittleEndian.Uint32(r.fixed(4)) }

func (r *reader) bytes(what string, most int) []byte {
	if r.err != nil {
		return nil
	}
	v, rest, err := kim.CutBytes(r.rest)
	if err == nil && len(v) > most {
		err = fmt.Errorf("%d bytes are more than the %d that a TPM makes", len(v), most)
	}
	if err != nil {
		r.err = fmt.Errorf("%s of the key id: %w", what, err)
		return nil
	}
	r.rest = rest
	return v
}

// form reads the trailer, which must be all that is left.
func (r *reader) form() form {
	if r.err != nil || len(r.rest) == 0 {
		return formCreated
	}
	f, ours := bytes.CutPrefix(r.rest, trailer)
	if !ours || len(f) != 1 || f[0] == byte(formCreated) || f[0] > byte(formProvided) {
		r.err = fmt.Errorf("%d bytes follow the key id", len(r.rest))
		return formCreated
	}
	return form(f[0])
}

// encodeRoot returns the key id of the root key: its Name.
func encodeRoot(name []byte) []byte { return kim.AppendBytes(nil, name) }

// decodeRoot returns the Name that the key id of the root key holds.
func decodeRoot(id []byte) ([]byte, error) {
	name, rest, err := kim.CutBytes(id)
	if err != nil {
		return nil, fmt.Errorf("the id of the root key: %w", err)
	}
	const size = 2 + 32 // the number of SHA-256 and its digest
	if len(rest) > 0 || len(name) != size || tpm2.TPMAlgID(binary.BigEndian.Uint16(name)) != tpm2.TPMAlgSHA256 {
		return nil, fmt.Errorf("the id of the root key has %d bytes and is no SHA-256 Name", len(id))
	}
	return name, nil
}

// bits returns the size of the key in bits as its public part tells.
func (s *stored) bits() uint64 {
	if s.kind == publicECC {
		for bits := range curves {
			if len(s.unique) == fieldSize(bits) {
				return bits
			}
		}
		return 0
	}
	return uint64(len(s.unique)) * 8
}

// fieldSize is the length of a coordinate of a curve in bytes.
func fieldSize(bits uint64) int { return int((bits + 7) / 8) } //nolint:gosec // the size of a curve
