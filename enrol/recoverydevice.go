package enrol

import (
	"context"

	"github.com/seed-73b3884f/parsec-agent/device"
	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/session"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// newRecoveryDevice certifies a device of the session's user that is not to be used but to make another one. The caller wipes it.
func newRecoveryDevice(ctx context.Context, s *session.Session, purpose trust.Purpose, label string) (*trust.LocalDevice, error) {
	own, err := trust.NewDeviceLabel(label)
	if err != nil {
		return nil, err
	}
	made := &trust.LocalDevice{DeviceID: trust.NewDeviceID(), DeviceLabel: own, SigningKey: trust.GenerateSigningKey(), LocalSymkey: trust.GenerateSecretKey()}
	if err := s.Use(func(d *trust.LocalDevice) error { return sameUser(made, d) }); err != nil {
		made.Wipe()
		return nil, err
	}
	made.InitialProfile = s.Profile()
	rep, err := session.Certify(ctx, s, session.UserGap, func(d *trust.LocalDevice, at trust.DateTime) (cloud.Exchange[cloud.DeviceCreateRep], error) {
		return certifyDevice(d, made, purpose, at)
	})
	if err == nil {
		if _, ok := rep.(*cloud.OK); !ok {
			err = refusal(rep)
		}
	}
	if err != nil {
		made.Wipe()
		return nil, explain(err)
	}
	return made, nil
}

// sameUser makes a device one of the user that another one belongs to. What it gets is its own, and wiped apart.
func sameUser(made, of *trust.LocalDevice) (err error) {
	made.Server, made.OrganizationID, made.RootVerifyKey = of.Server, of.OrganizationID, of.RootVerifyKey
	made.UserID, made.HumanHandle, made.InitialProfile, made.UserRealmID = of.UserID, of.HumanHandle, of.InitialProfile, of.UserRealmID
	if made.PrivateKey, err = copyKey(of.PrivateKey, trust.NewPrivateKey); err != nil {
		return err
	}
	made.UserRealmKey, err = copyKey(of.UserRealmKey, trust.NewSecretKey)
	return err
}

// copyKey returns a key that is wiped apart from the other one.
func copyKey[K interface{ Export() ([]byte, error) }](k K, read func([]byte) (K, error)) (K, error) {
	b, err := k.Export()
	if err != nil {
		return *new(K), err
	}
	defer clear(b)
	return read(b)
}

// certifyDevice is what takes a new device in, signed by another one of the same user.
func certifyDevice(by, made *trust.LocalDevice, purpose trust.Purpose, at trust.DateTime) (*cloud.DeviceCreateReq, error) {
	verify, err := made.SigningKey.VerifyKey()
	if err != nil {
		return nil, err
	}
	c := &trust.DeviceCertificate{
		Purpose: purpose, Author: &by.DeviceID, Timestamp: at, UserID: made.UserID, DeviceID: made.DeviceID, DeviceLabel: &made.DeviceLabel, VerifyKey: verify,
	}
	signed, err := signAll(by, c, c.Redacted())
	if err != nil {
		return nil, err
	}
	return &cloud.DeviceCreateReq{DeviceCertificate: signed[0], RedactedDeviceCertificate: signed[1]}, nil
}

// RecoveryFile certifies a recovery device, and returns it as a file of the original's form with the passphrase that opens it, which the caller wipes. Nobody but
// who has both can use it; only the revocation of the user ends it (docs/spec/parsec-cloud-client.md 2.7).
func (d *Desk) RecoveryFile(ctx context.Context, s *session.Session) (file, passphrase []byte, err error) {
	if err := s.Refresh(ctx); err != nil {
		return nil, nil, explain(err)
	}
	at := d.o.Now()
	made, err := newRecoveryDevice(ctx, s, trust.PassphraseRecovery, "recovery-"+at.UTC().Format("2006-01-02T15:04:05Z"))
	if err != nil {
		return nil, nil, err
	}
	defer made.Wipe()
	return device.SealRecovery(made, at)
}
