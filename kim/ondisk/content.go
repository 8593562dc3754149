package ondisk

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/seed-73b3884f/parsec-agent/kim"
	"github.com/seed-73b3884f/parsec-agent/kim/internal/index"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

const (
	// ourMagic and a version open our own files. The second version has flags.
	ourMagic    = "PAGTKEY\x00"
	ourVersion  = 1
	ourFlagged  = 2
	flagAdopted = 1
	// maxFile bounds what is read of one file, in bytes.
	maxFile = 1 << 20
)

// place returns the path and the content of an entry's file.
func place(k index.Key, e kim.Entry) (path string, content []byte, err error) {
	attrs, err := kim.EncodeAttributes(e.Attributes)
	ours := e.Adopted || errors.Is(err, kim.ErrExtended)
	if err != nil && !ours {
		return "", nil, err
	}
	if _, known := prefixes[k.Provider]; known && !ours {
		path, content = originalPath(k), append(kim.AppendBytes(nil, e.KeyID), attrs...)
	} else {
		path = ourPath(k)
		content, err = encodeOurs(k, e)
	}
	if err == nil && len(content) > maxFile {
		err = wire.Errorf(wire.StatusKeyInfoManagerError, "cannot store a key id of %d bytes", len(e.KeyID))
	}
	return path, content, err
}

// parseOriginal reads what stands in a file of the original: the key id as a byte vector,
// the attributes. The original tolerates bytes behind them.
func parseOriginal(b []byte) (keyID []byte, a psa.Attributes, err error) {
	keyID, b, err = kim.CutBytes(b)
	if err != nil {
		return nil, psa.Attributes{}, err
	}
	a, _, err = kim.DecodeAttributes(b)
	return keyID, a, err
}

// encodeOurs returns a file of our own: magic (8 bytes), version u32, provider ID u8, for
// adopted keys flags u8, then three byte vectors: key name, key id, extended attributes.
func encodeOurs(k index.Key, e kim.Entry) ([]byte, error) {
	attrs, err := kim.EncodeExtended(e.Attributes)
	if err != nil {
		return nil, err
	}
	version, head := uint32(ourVersion), []byte{byte(k.Provider)}
	if e.Adopted {
		version, head = ourFlagged, append(head, flagAdopted)
	}
	b := binary.LittleEndian.AppendUint32([]byte(ourMagic), version)
	b = kim.AppendBytes(append(b, head...), []byte(k.Name))
	return kim.AppendBytes(kim.AppendBytes(b, e.KeyID), attrs), nil
}

// parseOurs is the inverse of encodeOurs; the owner is for the caller to set.
func parseOurs(b []byte) (kim.Entry, error) {
	const fixed = len(ourMagic) + 5
	if len(b) < fixed || string(b[:len(ourMagic)]) != ourMagic {
		return kim.Entry{}, errors.New("it does not begin as a file of this program")
	}
	version := binary.LittleEndian.Uint32(b[len(ourMagic):])
	e := kim.Entry{Provider: kim.Provider{ID: wire.ProviderID(b[fixed-1])}}
	b = b[fixed:]
	switch {
	case version == ourVersion:
	case version != ourFlagged:
		return kim.Entry{}, fmt.Errorf("it has version %d, this program knows versions up to %d", version, ourFlagged)
	case len(b) == 0 || b[0] != flagAdopted:
		return kim.Entry{}, errors.New("it has flags that this program does not know")
	default:
		e.Adopted, b = true, b[1:]
	}
	name, b, err := kim.CutBytes(b)
	if err != nil {
		return kim.Entry{}, err
	}
	e.Name = psa.KeyName(name)
	if e.KeyID, b, err = kim.CutBytes(b); err != nil {
		return kim.Entry{}, err
	}
	attrs, b, err := kim.CutBytes(b)
	if err != nil {
		return kim.Entry{}, err
	}
	if e.Attributes, err = kim.DecodeExtended(attrs); err != nil {
		return kim.Entry{}, err
	}
	if len(b) > 0 || !utf8.Valid(name) {
		return kim.Entry{}, errors.New("it has bytes behind its end, or a name that is not UTF-8")
	}
	return e, nil
}
