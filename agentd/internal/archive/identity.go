package archive

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
)

var errTwice = errors.New("the archive has this key already")

// identities is the keys of an archive, by a digest of owner, provider and name.
type identities map[[16]byte]struct{}

func identity(r *Record) (id [16]byte) {
	h := sha256.New()
	_, _ = h.Write([]byte{byte(r.Owner.Auth)})
	for _, s := range []string{r.Owner.App, r.Provider.UUID, r.Provider.Name, string(r.Name)} {
		_, _ = h.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(s))))
		_, _ = io.WriteString(h, s)
	}
	copy(id[:], h.Sum(nil))
	return id
}

func (i identities) has(r *Record) bool {
	_, ok := i[identity(r)]
	return ok
}

func (i identities) add(r *Record) { i[identity(r)] = struct{}{} }
