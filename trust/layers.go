package trust

import (
	"fmt"

	"github.com/seed-73b3884f/parsec-agent/trust/mpack"
)

// Layers of everything that is neither certificate nor manifest (2.3). Which type travels how is a matter of its type:
// an object cannot be sealed in a way that its readers do not expect.

// Confidential are the objects that travel encrypted, and unsigned.
type Confidential interface {
	*InviteUserData | *InviteUserConfirmation | *InviteDeviceData | *InviteDeviceConfirmation |
		*InviteShamirRecoveryData | *InviteShamirRecoveryConfirmation |
		*AccountVaultKeyAccess | *AccountVaultItemOpaqueKeyData |
		*LocalFileManifest | *LocalFolderManifest | *LocalUserManifest
	object
}

// Clear are the objects that travel in the clear. Some are signed apart, or hold what is encrypted.
type Clear interface {
	*AccountVaultItemOpaqueKey | *AccountVaultItemRegistrationDevice |
		*AsyncEnrollmentSubmitPayload | *AsyncEnrollmentAcceptPayload |
		*AsyncEnrollmentLocalPending | *AsyncEnrollmentLocalPendingContent
	object
}

// Encrypt serialises and encrypts.
func Encrypt[O Confidential](o O, key SecretKey) ([]byte, error) {
	plain, err := dump(o)
	if err != nil {
		return nil, err
	}
	defer wipe(plain)
	return key.Encrypt(plain)
}

// Decrypt reads what Encrypt made.
func Decrypt[O Confidential](sealed []byte, key SecretKey, into O) error {
	plain, err := key.Decrypt(sealed)
	if err != nil {
		return fmt.Errorf("%s: %w", into.Type(), err)
	}
	defer wipe(plain)
	return load(plain, into)
}

// Dump serialises.
func Dump[O Clear](o O) ([]byte, error) { return dump(o) }

// Load reads what Dump made. Anybody may have, before anything is verified: what is larger than certificates may be is refused.
func Load[O Clear](data []byte, into O) error {
	if err := unpackCertificate(data, into.decode); err != nil {
		return fmt.Errorf("%s: %w", into.Type(), err)
	}
	return check(into)
}

// SealShareData signs for the author and seals for the recipient.
func SealShareData(d *ShamirRecoveryShareData, signer SigningKey, recipient PublicKey) ([]byte, error) {
	signed, err := dumpSigned(d, signer)
	if err != nil {
		return nil, err
	}
	defer wipe(signed)
	return recipient.Seal(signed)
}

// OpenShareData opens the shares of a share certificate, whose author's key is given.
func OpenShareData(c *ShamirRecoveryShareCertificate, own PrivateKey, author VerifyKey) (*ShamirRecoveryShareData, error) {
	return openShareData(c.CipheredShare, own, Author{Device: &c.Author, Key: author}, c.Timestamp)
}

func openShareData(sealed []byte, own PrivateKey, author Author, at DateTime) (*ShamirRecoveryShareData, error) {
	signed, err := own.Open(sealed)
	if err != nil {
		return nil, err
	}
	defer wipe(signed)
	d := &ShamirRecoveryShareData{}
	if err := loadSigned(signed, author, d); err != nil {
		return nil, err
	}
	if d.Timestamp != at {
		return nil, fmt.Errorf("%s: %w", d.Type(), &UnexpectedError{"timestamp"})
	}
	return d, nil
}

// SplitRecovery splits a secret into n shares of which any threshold suffice.
func SplitRecovery(s *ShamirRecoverySecret, threshold, n int) ([]Share, error) {
	plain, err := dump(s)
	if err != nil {
		return nil, err
	}
	defer wipe(plain)
	return SplitSecret(plain, threshold, n)
}

// CombineRecovery gives the secret back.
func CombineRecovery(shares []Share, threshold int) (*ShamirRecoverySecret, error) {
	plain, err := CombineShares(shares, threshold)
	if err != nil {
		return nil, err
	}
	defer wipe(plain)
	s := &ShamirRecoverySecret{}
	if err := load(plain, s); err != nil {
		return nil, err
	}
	return s, nil
}

// SealSessionKey signs and encrypts. The key is the DocumentKey of the document.
func SealSessionKey(k *CryptpadSessionKey, signer SigningKey, key SecretKey) ([]byte, error) {
	signed, err := dumpSigned(k, signer)
	if err != nil {
		return nil, err
	}
	defer wipe(signed)
	return key.Encrypt(signed)
}

// OpenSessionKey opens the session key of a document.
func OpenSessionKey(sealed []byte, key SecretKey, author Author, document VlobID) (*CryptpadSessionKey, error) {
	signed, err := key.Decrypt(sealed)
	if err != nil {
		return nil, err
	}
	defer wipe(signed)
	k := &CryptpadSessionKey{}
	if err := loadSigned(signed, author, k); err != nil {
		return nil, err
	}
	if k.DocumentID != document {
		k.Key.Wipe()
		return nil, fmt.Errorf("%s: %w", k.Type(), &UnexpectedError{"document_id"})
	}
	return k, nil
}

// DecodePasswordAlgorithm reads what a server says that an account's costs are, in MessagePack.
func DecodePasswordAlgorithm(data []byte) (UntrustedPasswordAlgorithm, error) {
	a := UntrustedPasswordAlgorithm{}
	err := unpackRaw(data, func(r *mpack.Reader) { a.decode(r) })
	return a, err
}
