package providers

import (
	"crypto"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// Digest hashes a message, for providers whose devices sign hashes. The hash must be linked
// into the program.
func Digest(h crypto.Hash, message []byte) ([]byte, error) {
	if h == 0 || !h.Available() {
		return nil, wire.Errorf(wire.StatusInvalidArgument, "the algorithm names no hash")
	}
	d := h.New()
	d.Write(message)
	return d.Sum(nil), nil
}
