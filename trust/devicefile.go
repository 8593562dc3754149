package trust

import (
	"fmt"

	"github.com/seed-73b3884f/parsec-agent/trust/mpack"
)

// Longest parts of device files.
const (
	maxCiphertext  = 1 << 20
	maxKeyText     = 4096
	maxDeviceFile  = 2 << 20
	maxPKIKey      = maxRSA / 8
	maxX509URIPart = 16 << 10
)

// DeviceFile is a device on disk (3.8). Only Ciphertext is authenticated: after opening it, the device inside counts.
type DeviceFile interface {
	object
	// Header returns what all files have.
	Header() *DeviceFileHeader
	// Sealed returns the encrypted LocalDevice, and the id of the key of one-time codes that its outer layer needs, or nil.
	Sealed() ([]byte, *TOTPOpaqueKeyID)
}

// DeviceFileHeader is what anybody can read of a device file.
//
//codec:map
type DeviceFileHeader struct {
	// CreatedOn is when the device came to this machine, ProtectedOn when its protection was last changed.
	CreatedOn      DateTime       `mp:"created_on"`
	ProtectedOn    DateTime       `mp:"protected_on"`
	Server         ServerAddress  `mp:"server_url"`
	OrganizationID OrganizationID `mp:"organization_id"`
	UserID         UserID         `mp:"user_id"`
	DeviceID       DeviceID       `mp:"device_id"`
	HumanHandle    HumanHandle    `mp:"human_handle"`
	DeviceLabel    DeviceLabel    `mp:"device_label"`
}

// Header returns what all files have.
func (h *DeviceFileHeader) Header() *DeviceFileHeader { return h }

// PasswordFile is protected by a password.
//
//codec:map password array
type PasswordFile struct {
	DeviceFileHeader
	Algorithm       PasswordAlgorithm `mp:"algorithm"`
	Ciphertext      []byte            `mp:"ciphertext,max=maxCiphertext"`
	TOTPOpaqueKeyID *TOTPOpaqueKeyID  `mp:"totp_opaque_key_id,opt"`
}

// KeyringFile is protected by a key in the keyring of the system.
//
//codec:map keyring array
type KeyringFile struct {
	DeviceFileHeader
	KeyringService  string           `mp:"keyring_service,max=maxKeyText"`
	KeyringUser     string           `mp:"keyring_user,max=maxKeyText"`
	Ciphertext      []byte           `mp:"ciphertext,max=maxCiphertext"`
	TOTPOpaqueKeyID *TOTPOpaqueKeyID `mp:"totp_opaque_key_id,opt"`
}

// RecoveryFile is protected by a passphrase that is a key.
//
//codec:map recovery array
type RecoveryFile struct {
	DeviceFileHeader
	Ciphertext []byte `mp:"ciphertext,max=maxCiphertext"`
}

// PKIFile is protected by the key of an X.509 certificate.
//
//codec:map pki
type PKIFile struct {
	DeviceFileHeader
	CertificateRef  X509Reference    `mp:"certificate_ref"`
	_               struct{}         `mp:"algorithm,const=RSAES-OAEP-SHA256"`
	EncryptedKey    []byte           `mp:"encrypted_key,max=maxPKIKey"`
	Ciphertext      []byte           `mp:"ciphertext,max=maxCiphertext"`
	TOTPOpaqueKeyID *TOTPOpaqueKeyID `mp:"totp_opaque_key_id,null"`
}

// AccountVaultFile is protected by a key in an account's vault.
//
//codec:map account_vault
type AccountVaultFile struct {
	DeviceFileHeader
	CiphertextKeyID AccountVaultItemOpaqueKeyID `mp:"ciphertext_key_id"`
	Ciphertext      []byte                      `mp:"ciphertext,max=maxCiphertext"`
	TOTPOpaqueKeyID *TOTPOpaqueKeyID            `mp:"totp_opaque_key_id,opt"`
}

// OpenBaoFile is protected by a key in OpenBao.
//
//codec:map openbao
type OpenBaoFile struct {
	DeviceFileHeader
	Ciphertext       []byte           `mp:"ciphertext,max=maxCiphertext"`
	PreferredAuthID  string           `mp:"openbao_preferred_auth_id,max=maxKeyText"`
	EntityID         string           `mp:"openbao_entity_id,max=maxKeyText"`
	CiphertextKeyLoc string           `mp:"openbao_ciphertext_key_path,max=maxKeyText"`
	TOTPOpaqueKeyID  *TOTPOpaqueKeyID `mp:"totp_opaque_key_id,opt"`
}

// X509Reference points to a certificate. Two are equal if their hashes are.
//
//codec:map
type X509Reference struct {
	URI  *X509URI `mp:"uri,since"`
	Hash X509Hash `mp:"hash"`
}

// X509URI says where on a token a certificate is.
//
//codec:map
type X509URI struct {
	ID         []byte `mp:"id,null,max=maxX509URIPart"`
	Label      []byte `mp:"label,null,max=maxX509URIPart"`
	DERIssuer  []byte `mp:"der_issuer,max=maxX509URIPart"`
	DERSubject []byte `mp:"der_subject,max=maxX509URIPart"`
	Serial     []byte `mp:"serial,max=maxX509URIPart"`
}

// Sealed returns the ciphertext.
func (f *PasswordFile) Sealed() ([]byte, *TOTPOpaqueKeyID) { return f.Ciphertext, f.TOTPOpaqueKeyID }

// Sealed returns the ciphertext.
func (f *KeyringFile) Sealed() ([]byte, *TOTPOpaqueKeyID) { return f.Ciphertext, f.TOTPOpaqueKeyID }

// Sealed returns the ciphertext.
func (f *RecoveryFile) Sealed() ([]byte, *TOTPOpaqueKeyID) { return f.Ciphertext, nil }

// Sealed returns the ciphertext.
func (f *PKIFile) Sealed() ([]byte, *TOTPOpaqueKeyID) { return f.Ciphertext, f.TOTPOpaqueKeyID }

// Sealed returns the ciphertext.
func (f *AccountVaultFile) Sealed() ([]byte, *TOTPOpaqueKeyID) {
	return f.Ciphertext, f.TOTPOpaqueKeyID
}

// Sealed returns the ciphertext.
func (f *OpenBaoFile) Sealed() ([]byte, *TOTPOpaqueKeyID) { return f.Ciphertext, f.TOTPOpaqueKeyID }

// LoadDeviceFile reads a device file of any kind, and the arrays of the first versions.
func LoadDeviceFile(data []byte) (DeviceFile, error) {
	if len(data) > maxDeviceFile {
		return nil, fmt.Errorf("%w: %d bytes", mpack.ErrLimit, len(data))
	}
	var f DeviceFile
	err := unpackRaw(data, func(r *mpack.Reader) {
		kind := r.Discriminant("type")
		if f = newDeviceFile(kind); f == nil {
			r.Fail(fmt.Errorf("%w: device file of type %q", mpack.ErrType, kind))
			return
		}
		f.decode(r)
	})
	if err != nil {
		return nil, err
	}
	return f, nil
}

func newDeviceFile(kind string) DeviceFile {
	for _, f := range []DeviceFile{
		&PasswordFile{}, &KeyringFile{}, &RecoveryFile{}, &PKIFile{}, &AccountVaultFile{}, &OpenBaoFile{},
	} {
		if f.Type() == kind {
			return f
		}
	}
	return nil
}

// DumpDeviceFile writes a device file.
func DumpDeviceFile(f DeviceFile) ([]byte, error) { return packRaw(f.encode) }
