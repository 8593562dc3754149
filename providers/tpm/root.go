package tpm

import (
	"bytes"
	"context"
	"fmt"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
)

// RootKeyName is the name of the root key's entry in a key info manager. Its owner is the
// service itself.
const RootKeyName psa.KeyName = "RootKeyTPM"

// RootKeyAttributes are the attributes of that entry.
var RootKeyAttributes = psa.Attributes{Type: psa.KeyRSAPublic, Bits: 2048}

// RootStore keeps the key id of the root key, which tells this TPM from every other.
type RootStore interface {
	// Load returns the stored id, nil when there is none.
	Load() ([]byte, error)
	// Save stores the first id, durably.
	Save(ctx context.Context, id []byte) error
}

// openRoot makes the storage key and compares its Name with the stored one.
func (p *Provider) openRoot(c *call) error {
	id, err := p.options.Root.Load()
	if err != nil {
		return fmt.Errorf("cannot read the root key's entry: %w", err)
	}
	var want []byte
	if id != nil {
		if want, err = decodeRoot(id); err != nil {
			return &wire.Error{Status: wire.StatusDataCorrupt, Reason: err.Error(), Err: err}
		}
	}
	var got []byte
	for _, bits := range []uint16{c.can.cipherBits, c.can.otherBits} {
		if bits == 0 {
			continue
		}
		key, err := p.createPrimary(c, rootTemplate(bits))
		if err != nil {
			return err
		}
		if want == nil {
			err = p.options.Root.Save(c.ctx, encodeRoot(key.name))
		}
		if err != nil {
			c.flush(key.handle)
			return fmt.Errorf("cannot store the root key's entry: %w", err)
		}
		if want == nil || bytes.Equal(key.name, want) { //nolint:forbidigo // Names are public
			c.primary, c.can.cipherBits = key, bits
			return nil
		}
		c.flush(key.handle)
		if got == nil {
			got = key.name
		}
	}
	return providers.Unready(providers.Refused, &wire.Error{
		Status: wire.StatusBadState,
		Reason: fmt.Sprintf("the keys belong to another TPM, or its owner hierarchy was cleared: the storage key has the Name %x, stored is %x", got, want),
		Remedy: "bring the right TPM back; keys of a cleared TPM are lost for ever: remove their entries, and the entry " + string(RootKeyName) + ", to start anew",
	})
}
