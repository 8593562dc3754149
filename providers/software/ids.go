package software

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
)

// keyID is the number of a key. Valid ones are 1 to maxID.
type keyID uint32

// maxID is the last id that the PSA API leaves to users.
const maxID keyID = 0x3fffffff

const keyIDSize = 4

// parseKeyID decodes the id as the key info manager holds it. An id of another shape
// belongs to another provider.
func parseKeyID(b providers.KeyID) (keyID, error) {
	if len(b) != keyIDSize {
		return 0, wire.Errorf(wire.StatusInvalidEncoding, "the key id has %d bytes, one of the software provider has %d", len(b), keyIDSize)
	}
	return keyID(binary.LittleEndian.Uint32(b)), nil
}

func (id keyID) encode() providers.KeyID {
	return binary.LittleEndian.AppendUint32(make([]byte, 0, keyIDSize), uint32(id))
}

// valid reports whether a key of ours can have the id.
func (id keyID) valid() bool { return id > 0 && id <= maxID }

func (id keyID) fileName() string { return fmt.Sprintf("%016x.psa_its", uint32(id)) }

// parseFileName returns the id of a key file; ok is false for every other name.
func parseFileName(name string) (id keyID, ok bool) {
	digits, ok := strings.CutSuffix(name, ".psa_its")
	if !ok || len(digits) != 16 {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 16, 32)
	id = keyID(n)
	return id, err == nil && id.valid() && id.fileName() == name
}
