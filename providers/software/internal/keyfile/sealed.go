package keyfile

import (
	"crypto/rand"
	"encoding/binary"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers/software/internal/rootkey"
)

// Layout of the encrypted form.
const (
	// MaxSize is the size of the largest key file of either form, in bytes.
	MaxSize = offText + maxITS + chacha20poly1305.Overhead
	// HeadSize is how much of a file DetectForm and ParseHead need, in bytes.
	HeadSize = offText

	sealedMagic      = "PARSECK\x00"
	sealedVersion    = 1
	offSealedVersion = 8
	offID            = 12
	offRootKey       = 16
	offNonce         = 32
	offText          = offNonce + chacha20poly1305.NonceSizeX

	minSealed = offText + minITS + chacha20poly1305.Overhead
)

// Form is what a file is by its first bytes.
type Form uint8

// The forms.
const (
	FormUnknown Form = iota
	FormCompatible
	FormEncrypted
)

// DetectForm looks at the first bytes of a file, HeadSize or as many as there are.
func DetectForm(head []byte) Form {
	switch {
	case len(head) < offSize:
		return FormUnknown
	case string(head[:offSize]) == itsMagic:
		return FormCompatible
	case string(head[:offSize]) == sealedMagic:
		return FormEncrypted
	default:
		return FormUnknown
	}
}

// Head is the readable part of an encrypted file.
type Head struct {
	ID      uint32
	RootKey rootkey.ID
	Nonce   [chacha20poly1305.NonceSizeX]byte
}

// ParseHead decodes the first HeadSize bytes of an encrypted file.
func ParseHead(b []byte) (Head, error) {
	switch {
	case len(b) < HeadSize:
		return Head{}, corrupt("its head has %d bytes, not %d", len(b), HeadSize)
	case DetectForm(b) != FormEncrypted:
		return Head{}, corrupt("it does not begin with the magic of key files")
	case binary.LittleEndian.Uint32(b[offSealedVersion:]) != sealedVersion:
		return Head{}, corrupt("its version %d is unknown", binary.LittleEndian.Uint32(b[offSealedVersion:]))
	}
	return Head{
		ID:      binary.LittleEndian.Uint32(b[offID:]),
		RootKey: rootkey.ID(b[offRootKey:offNonce]),
		Nonce:   [chacha20poly1305.NonceSizeX]byte(b[offNonce:offText]),
	}, nil
}

// Append appends the encoded head, which is also the associated data.
func (h Head) Append(b []byte) []byte {
	b = append(b, sealedMagic...)
	b = binary.LittleEndian.AppendUint32(b, sealedVersion)
	b = binary.LittleEndian.AppendUint32(b, h.ID)
	b = append(b, h.RootKey[:]...)
	return append(b, h.Nonce[:]...)
}

// Seal encrypts the content of a compatible file for the key id. Every call takes a new
// random nonce.
func Seal(root *rootkey.Key, id uint32, its []byte) ([]byte, error) {
	aead, err := root.AEAD(rootkey.PurposeKeyFile)
	if err != nil {
		return nil, &wire.Error{Status: wire.StatusStorageFailure, Reason: "the root key is not available", Err: err}
	}
	h := Head{ID: id, RootKey: root.ID()}
	_, _ = rand.Read(h.Nonce[:]) // never fails
	file := h.Append(make([]byte, 0, offText+len(its)+aead.Overhead()))
	return aead.Seal(file, h.Nonce[:], its, file), nil
}

// Open decrypts a file that must be the one of the key id, and returns the content of a
// compatible file. The caller wipes it. Whatever is wrong is StatusDataCorrupt.
func Open(root *rootkey.Key, id uint32, file []byte) ([]byte, error) {
	if len(file) < minSealed || len(file) > MaxSize {
		return nil, corrupt("it has %d bytes, an encrypted key file has %d to %d", len(file), minSealed, MaxSize)
	}
	h, err := ParseHead(file)
	if err != nil {
		return nil, err
	}
	if h.RootKey != root.ID() {
		return nil, wire.Errorf(wire.StatusDataCorrupt, "the key file is encrypted under root key %s, the agent has root key %s", h.RootKey, root.ID())
	}
	if h.ID != id {
		return nil, corrupt("it belongs to key %d, not to key %d", h.ID, id)
	}
	aead, err := root.AEAD(rootkey.PurposeKeyFile)
	if err != nil {
		return nil, &wire.Error{Status: wire.StatusStorageFailure, Reason: "the root key is not available", Err: err}
	}
	its, err := aead.Open(nil, h.Nonce[:], file[offText:], file[:offText])
	if err != nil {
		return nil, corrupt("it does not decrypt")
	}
	return its, nil
}
