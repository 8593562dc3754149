package device

import (
	"context"
	"time"

	"github.com/seed-73b3884f/parsec-agent/trust"
)

// sealer makes device files.
type sealer struct {
	keys Keys
	cost *budget
	// algorithm draws the costs and salt of a new password.
	algorithm func() trust.PasswordAlgorithm
}

// headerOf describes a device in its file.
func headerOf(d *trust.LocalDevice, created, now trust.DateTime) trust.DeviceFileHeader {
	return trust.DeviceFileHeader{
		CreatedOn: created, ProtectedOn: now, Server: d.Server, OrganizationID: d.OrganizationID, UserID: d.UserID,
		DeviceID: d.DeviceID, HumanHandle: d.HumanHandle, DeviceLabel: d.DeviceLabel,
	}
}

// seal returns the file of a device under a protection. keyName is the name of the provider key, which it makes.
func (s *sealer) seal(ctx context.Context, d *trust.LocalDevice, h trust.DeviceFileHeader, p *Protection, keyName string) ([]byte, error) {
	switch {
	case p.Provider != "":
		return s.ours(ctx, d, h, p, keyName)
	case p.Certificate != nil:
		return sealCertificate(d, h, p)
	default:
		return s.password(ctx, d, h, p)
	}
}

// layer returns key and id of the layer of one-time codes.
func (p Protection) layer() (*trust.SecretKey, *trust.TOTPOpaqueKeyID) {
	if p.Code == nil {
		return nil, nil
	}
	return &p.Code.Key, &p.Code.ID
}

func (s *sealer) password(ctx context.Context, d *trust.LocalDevice, h trust.DeviceFileHeader, p *Protection) ([]byte, error) {
	f := &trust.PasswordFile{DeviceFileHeader: h, Algorithm: s.algorithm()}
	key, err := s.cost.derive(ctx, &f.Algorithm, p.Password)
	if err != nil {
		return nil, err
	}
	defer key.Wipe()
	var code *trust.SecretKey
	code, f.TOTPOpaqueKeyID = p.layer()
	if f.Ciphertext, err = d.Seal(key, code); err != nil {
		return nil, err
	}
	return trust.DumpDeviceFile(f)
}

func sealCertificate(d *trust.LocalDevice, h trust.DeviceFileHeader, p *Protection) ([]byte, error) {
	certificate, ref, err := forCertificate(p.Certificate)
	if err != nil {
		return nil, err
	}
	f := &trust.PKIFile{DeviceFileHeader: h, CertificateRef: ref}
	key := trust.GenerateSecretKey()
	defer key.Wipe()
	if f.EncryptedKey, err = trust.EncryptX509(certificate, key); err != nil {
		return nil, err
	}
	var code *trust.SecretKey
	code, f.TOTPOpaqueKeyID = p.layer()
	if f.Ciphertext, err = d.Seal(key, code); err != nil {
		return nil, err
	}
	return trust.DumpDeviceFile(f)
}

// ours makes a file of our own form, with a new provider key.
func (s *sealer) ours(ctx context.Context, d *trust.LocalDevice, h trust.DeviceFileHeader, p *Protection, keyName string) ([]byte, error) {
	f := &sealedFile{header: h, provider: &providerLayer{instance: p.Provider, key: keyName}}
	var secrets [][]byte
	defer func() {
		for _, b := range secrets {
			clear(b)
		}
	}()
	if len(p.Password) > 0 {
		a := s.algorithm()
		f.password = &a
		derived, err := s.cost.deriveBytes(ctx, &a, p.Password)
		if err != nil {
			return nil, err
		}
		secrets = append(secrets, derived)
	}
	if err := s.keys.Make(ctx, p.Provider, keyName, chooseKey); err != nil {
		return nil, err
	}
	wrapped, err := f.provider.wrap(ctx, s.keys)
	if err != nil {
		return nil, err
	}
	secrets = append(secrets, wrapped)
	var code *trust.SecretKey
	code, f.code = p.layer()
	if f.bound, err = f.encodeBound(); err != nil {
		return nil, err
	}
	key, err := primary(f.bound, secrets...)
	if err != nil {
		return nil, err
	}
	defer key.Wipe()
	if f.ciphertext, err = d.Seal(key, code); err != nil {
		return nil, err
	}
	return f.encode(), nil
}

// SealRecovery returns a recovery file of the original's form, and the passphrase that opens it, in 13 groups of 4
// letters. The caller wipes the passphrase.
func SealRecovery(d *trust.LocalDevice, at time.Time) (file, passphrase []byte, err error) {
	now, err := trust.DateTimeOf(at)
	if err != nil {
		return nil, nil, err
	}
	key := trust.GenerateSecretKey()
	defer key.Wipe()
	f := &trust.RecoveryFile{DeviceFileHeader: headerOf(d, now, now)}
	if f.Ciphertext, err = d.Seal(key, nil); err != nil {
		return nil, nil, err
	}
	if file, err = trust.DumpDeviceFile(f); err != nil {
		return nil, nil, err
	}
	passphrase, err = key.Passphrase()
	return file, passphrase, err
}
