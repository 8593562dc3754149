package trust

import (
	"fmt"

	"github.com/seed-73b3884f/parsec-agent/trust/mpack"
)

// object is what a generated codec exists for.
type object interface {
	Type() string
	decode(*mpack.Reader)
	encode(*mpack.Writer)
}

// signedObject is an object that states its author and its time.
type signedObject interface {
	object
	SignedBy() *DeviceID
	SignedAt() DateTime
}

// checked is an object with rules of its own.
type checked interface{ check() error }

// check applies the object's own rules.
func check(o object) error {
	c, ok := o.(checked)
	if !ok {
		return nil
	}
	if err := c.check(); err != nil {
		return fmt.Errorf("%s: %w: %w", o.Type(), ErrIntegrity, err)
	}
	return nil
}

// dump serialises an object that keeps its rules.
func dump(o object) ([]byte, error) {
	if err := check(o); err != nil {
		return nil, err
	}
	write := pack
	if _, keys := o.(*InviteDeviceConfirmation); keys {
		write = packStored
	}
	b, err := write(o.encode)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.Type(), err)
	}
	return b, nil
}

// load reads an object of this very type. Nothing says who made it.
func load(data []byte, o object) error {
	if err := unpack(data, o.decode); err != nil {
		return fmt.Errorf("%s: %w", o.Type(), err)
	}
	return check(o)
}

// dumpSigned serialises and signs.
func dumpSigned(o signedObject, key SigningKey) ([]byte, error) {
	b, err := dump(o)
	if err != nil {
		return nil, err
	}
	return key.Sign(b)
}

// Author is who an object must have been signed by: a device, or the root key when Device is nil.
type Author struct {
	Device *DeviceID
	Key    VerifyKey
}

// loadSigned verifies, and then reads an object of this very type.
func loadSigned(signed []byte, author Author, o signedObject) error {
	message, err := author.Key.Verify(signed)
	if err != nil {
		return fmt.Errorf("%s: %w", o.Type(), err)
	}
	if err := load(message, o); err != nil {
		return err
	}
	return author.check(o)
}

// check compares what the object says about its author with whose key verified it.
func (a Author) check(o signedObject) error {
	if !sameDevice(a.Device, o.SignedBy()) {
		return fmt.Errorf("%s: %w", o.Type(), &UnexpectedError{"author"})
	}
	return nil
}

func sameDevice(a, b *DeviceID) bool {
	return a == nil && b == nil || a != nil && b != nil && *a == *b
}
