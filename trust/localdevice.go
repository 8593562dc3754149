package trust

import (
	"fmt"

	"github.com/seed-73b3884f/parsec-agent/trust/internal/scrub"
)

// LocalDevice is everything that makes a program a device of a user (3.7): all its secrets.
//
//codec:map local_device
type LocalDevice struct {
	Server         ServerAddress  `mp:"server_url"`
	OrganizationID OrganizationID `mp:"organization_id"`
	// RootVerifyKey is what all trust begins with.
	RootVerifyKey VerifyKey   `mp:"root_verify_key"`
	UserID        UserID      `mp:"user_id"`
	DeviceID      DeviceID    `mp:"device_id"`
	DeviceLabel   DeviceLabel `mp:"device_label"`
	HumanHandle   HumanHandle `mp:"human_handle"`
	SigningKey    SigningKey  `mp:"signing_key"`
	PrivateKey    PrivateKey  `mp:"private_key"`
	// InitialProfile counts until the certificates tell the current one.
	InitialProfile Profile   `mp:"initial_profile"`
	UserRealmID    RealmID   `mp:"user_realm_id"`
	UserRealmKey   SecretKey `mp:"user_realm_key"`
	// LocalSymkey encrypts what is stored on this machine.
	LocalSymkey SecretKey `mp:"local_symkey"`
}

// HeldSize is how many bytes of memory Hold takes.
const HeldSize = 4 * KeySize

// Hold moves the secrets into memory of the caller, such as memory that is locked, and clears where they were. The memory
// belongs to the device until Wipe. Nobody may use the device meanwhile.
func (d *LocalDevice) Hold(memory []byte) error {
	if len(memory) != HeldSize {
		return fmt.Errorf("%w: %d bytes instead of %d", ErrKeySize, len(memory), HeldSize)
	}
	for i, s := range []secret{d.SigningKey.secret, d.PrivateKey.secret, d.UserRealmKey.secret, d.LocalSymkey.secret} {
		at := i * KeySize
		if err := s.move(memory[at : at+KeySize : at+KeySize]); err != nil {
			return err
		}
	}
	return nil
}

// Wipe clears all secrets of the device.
func (d *LocalDevice) Wipe() {
	d.SigningKey.Wipe()
	d.PrivateKey.Wipe()
	d.UserRealmKey.Wipe()
	d.LocalSymkey.Wipe()
}

// Seal encrypts the device for a file: by the primary key, and around it by the key of one-time codes if there is one (3.8.1).
func (d *LocalDevice) Seal(primary SecretKey, totp *SecretKey) ([]byte, error) {
	var plain []byte
	var err error
	scrub.Do(func() { plain, err = packRaw(d.encode) })
	if err != nil {
		return nil, err
	}
	defer wipe(plain)
	sealed, err := primary.Encrypt(plain)
	if err != nil || totp == nil {
		return sealed, err
	}
	return totp.Encrypt(sealed)
}

// OpenLocalDevice decrypts what Seal made.
func OpenLocalDevice(sealed []byte, primary SecretKey, totp *SecretKey) (*LocalDevice, error) {
	if totp != nil {
		inner, err := totp.Decrypt(sealed)
		if err != nil {
			return nil, err
		}
		sealed = inner
	}
	plain, err := primary.Decrypt(sealed)
	if err != nil {
		return nil, err
	}
	defer wipe(plain)
	d := &LocalDevice{}
	if err := unpackRaw(plain, d.decode); err != nil {
		d.Wipe()
		return nil, err
	}
	return d, nil
}
