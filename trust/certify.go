package trust

import (
	"errors"
	"fmt"

	"github.com/seed-73b3884f/parsec-agent/trust/mpack"
)

// Certificate is any of the certificates of 3.1. Keep the bytes that it was read from: they are what is signed,
// and writing it again may give others.
type Certificate interface {
	Type() string
	SignedBy() *DeviceID
	SignedAt() DateTime
	certificate()
	object
}

// ServiceCertificate is a certificate that the sequester authority signs.
type ServiceCertificate interface {
	Certificate
	service()
}

// RealmCertificate is a certificate about a realm.
type RealmCertificate interface {
	Certificate
	// Realm returns what it is about.
	Realm() RealmID
}

func (*UserCertificate) certificate()                    {}
func (*DeviceCertificate) certificate()                  {}
func (*RevokedUserCertificate) certificate()             {}
func (*UserUpdateCertificate) certificate()              {}
func (*RealmRoleCertificate) certificate()               {}
func (*RealmKeyRotationCertificate) certificate()        {}
func (*RealmNameCertificate) certificate()               {}
func (*RealmArchivingCertificate) certificate()          {}
func (*SequesterAuthorityCertificate) certificate()      {}
func (*SequesterServiceCertificate) certificate()        {}
func (*SequesterRevokedServiceCertificate) certificate() {}
func (*ShamirRecoveryBriefCertificate) certificate()     {}
func (*ShamirRecoveryShareCertificate) certificate()     {}
func (*ShamirRecoveryDeletionCertificate) certificate()  {}

func (*SequesterServiceCertificate) service()        {}
func (*SequesterRevokedServiceCertificate) service() {}

// Realm returns the realm that the certificate is about.
func (c *RealmRoleCertificate) Realm() RealmID { return c.RealmID }

// Realm returns the realm that the certificate is about.
func (c *RealmKeyRotationCertificate) Realm() RealmID { return c.RealmID }

// Realm returns the realm that the certificate is about.
func (c *RealmNameCertificate) Realm() RealmID { return c.RealmID }

// Realm returns the realm that the certificate is about.
func (c *RealmArchivingCertificate) Realm() RealmID { return c.RealmID }

// newCertificate returns an empty certificate that a key of a device or the root key signs, or nil.
func newCertificate(kind string) Certificate {
	if construct, ok := certificateTypes[kind]; ok {
		return construct()
	}
	return nil
}

var certificateTypes = map[string]func() Certificate{
	(*UserCertificate)(nil).Type():                   func() Certificate { return &UserCertificate{} },
	(*DeviceCertificate)(nil).Type():                 func() Certificate { return &DeviceCertificate{} },
	(*RevokedUserCertificate)(nil).Type():            func() Certificate { return &RevokedUserCertificate{} },
	(*UserUpdateCertificate)(nil).Type():             func() Certificate { return &UserUpdateCertificate{} },
	(*RealmRoleCertificate)(nil).Type():              func() Certificate { return &RealmRoleCertificate{} },
	(*RealmKeyRotationCertificate)(nil).Type():       func() Certificate { return &RealmKeyRotationCertificate{} },
	(*RealmNameCertificate)(nil).Type():              func() Certificate { return &RealmNameCertificate{} },
	(*RealmArchivingCertificate)(nil).Type():         func() Certificate { return &RealmArchivingCertificate{} },
	(*SequesterAuthorityCertificate)(nil).Type():     func() Certificate { return &SequesterAuthorityCertificate{} },
	(*ShamirRecoveryBriefCertificate)(nil).Type():    func() Certificate { return &ShamirRecoveryBriefCertificate{} },
	(*ShamirRecoveryShareCertificate)(nil).Type():    func() Certificate { return &ShamirRecoveryShareCertificate{} },
	(*ShamirRecoveryDeletionCertificate)(nil).Type(): func() Certificate { return &ShamirRecoveryDeletionCertificate{} },
}

func newServiceCertificate(kind string) ServiceCertificate {
	switch kind {
	case (*SequesterServiceCertificate)(nil).Type():
		return &SequesterServiceCertificate{}
	case (*SequesterRevokedServiceCertificate)(nil).Type():
		return &SequesterRevokedServiceCertificate{}
	}
	return nil
}

// Claim is what a signed object says about itself before anybody has verified it: good for finding the key to verify it
// with, and for nothing else.
//
//codec:map
type Claim struct {
	Type      string    `mp:"type,max=maxName"`
	Author    *DeviceID `mp:"author,opt"`
	Timestamp DateTime  `mp:"timestamp"`
}

// Look returns what a signed certificate claims.
func Look(signed []byte) (Claim, error) {
	if len(signed) < SignatureSize {
		return Claim{}, ErrSignature
	}
	claim := Claim{}
	err := unpackCertificate(signed[SignatureSize:], func(r *mpack.Reader) { decodeClaim(r, &claim) })
	if err != nil {
		return Claim{}, err
	}
	return claim, nil
}

// VerifyCertificate verifies the bytes as received, and then reads them.
func VerifyCertificate(signed []byte, author Author) (Certificate, error) {
	message, err := author.Key.Verify(signed)
	if err != nil {
		return nil, err
	}
	c, err := loadCertificate(message, newCertificate)
	if err != nil {
		return nil, err
	}
	if err := author.check(c); err != nil {
		return nil, err
	}
	return c, nil
}

// VerifyServiceCertificate verifies with the key of the sequester authority, and then reads.
func VerifyServiceCertificate(signed []byte, authority SequesterVerifyKey) (ServiceCertificate, error) {
	message, err := authority.Verify(signed)
	if err != nil {
		return nil, err
	}
	return loadCertificate(message, newServiceCertificate)
}

// loadCertificate reads whatever certificate it is of those that construct knows.
func loadCertificate[C Certificate](message []byte, construct func(string) C) (C, error) {
	var none, c C
	err := unpackCertificate(message, func(r *mpack.Reader) {
		kind := r.Discriminant("type")
		if c = construct(kind); any(c) == any(none) {
			r.Fail(fmt.Errorf("%w: certificate type %q", mpack.ErrType, kind))
			return
		}
		c.decode(r)
	})
	if err != nil {
		return none, err
	}
	if err := check(c); err != nil {
		return none, err
	}
	return c, nil
}

// SignCertificate signs with the key of the device that the certificate names, or the root key.
func SignCertificate(c Certificate, key SigningKey) ([]byte, error) {
	if _, isService := c.(ServiceCertificate); isService {
		return nil, fmt.Errorf("%s: %w: the sequester authority signs it", c.Type(), ErrIntegrity)
	}
	if d, ok := c.(*DeviceCertificate); ok && d.Purpose == 0 {
		return nil, fmt.Errorf("%s: %w: it has no purpose", c.Type(), ErrIntegrity)
	}
	return dumpSigned(c, key)
}

// SignServiceCertificate signs with the key of the sequester authority.
func SignServiceCertificate(c ServiceCertificate, authority SequesterSigningKey) ([]byte, error) {
	b, err := dump(c)
	if err != nil {
		return nil, err
	}
	return authority.Sign(b)
}

func (c *DeviceCertificate) check() error { return c.VerifyKey.Check() }

func (c *SequesterAuthorityCertificate) check() error {
	_, err := ParseSequesterVerifyKey(c.VerifyKeyDER)
	return err
}

func (c *SequesterServiceCertificate) check() error {
	_, err := ParseSequesterEncryptionKey(c.EncryptionKeyDER)
	return err
}

func (c *ShamirRecoveryBriefCertificate) check() error {
	sum := 0
	for _, n := range c.PerRecipientShares {
		if n == 0 {
			return errors.New("a recipient has no share")
		}
		sum += int(n)
	}
	switch {
	case sum > MaxShares:
		return fmt.Errorf("%d shares are more than %d", sum, MaxShares)
	case c.Threshold == 0 || int(c.Threshold) > sum:
		return fmt.Errorf("the threshold is %d of %d shares", c.Threshold, sum)
	}
	return nil
}

// Redacted returns the form that outsiders get.
func (c *UserCertificate) Redacted() *UserCertificate {
	redacted := *c
	redacted.HumanHandle = nil
	return &redacted
}

// Redacted returns the form that outsiders get.
func (c *DeviceCertificate) Redacted() *DeviceCertificate {
	redacted := *c
	redacted.DeviceLabel = nil
	return &redacted
}

// Handle returns who the user is, as far as it is told.
func (c *UserCertificate) Handle() HumanHandle {
	if c.HumanHandle == nil {
		return RedactedHandle(c.UserID)
	}
	return *c.HumanHandle
}

// Label returns what the device is called, as far as it is told.
func (c *DeviceCertificate) Label() DeviceLabel {
	if c.DeviceLabel == nil {
		return RedactedLabel(c.DeviceID)
	}
	return *c.DeviceLabel
}

// PurposeOf returns what the device is for.
func (c *DeviceCertificate) PurposeOf() Purpose {
	if c.Purpose == 0 {
		return StandardDevice
	}
	return c.Purpose
}
