package trusttest

import (
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Command is what carries certificates to a server.
type Command string

// Commands. Those of the sequester are of the administration of a server.
const (
	OrganizationBootstrap   Command = "organization_bootstrap"
	UserCreate              Command = "user_create"
	DeviceCreate            Command = "device_create"
	UserUpdate              Command = "user_update"
	UserRevoke              Command = "user_revoke"
	RealmCreate             Command = "realm_create"
	RealmShare              Command = "realm_share"
	RealmUnshare            Command = "realm_unshare"
	RealmSelfPromoteToOwner Command = "realm_self_promote_to_owner"
	RealmRename             Command = "realm_rename"
	RealmRotateKey          Command = "realm_rotate_key"
	RealmUpdateArchiving    Command = "realm_update_archiving"
	ShamirRecoverySetup     Command = "shamir_recovery_setup"
	ShamirRecoveryDelete    Command = "shamir_recovery_delete"
	SequesterCreateService  Command = "sequester_create_service"
	SequesterRevokeService  Command = "sequester_revoke_service"
)

// Event is one thing that happens, and all that a command says about it.
type Event struct {
	Command Command
	// Author sends the command; nil for the bootstrap and the administration.
	Author *Device
	// At is the time of the certificates.
	At trust.DateTime
	// Certificates stand in the order of their topics. Only those of users and devices have a redacted form.
	Certificates []*Certificate

	// KeyIndex is the key that RealmShare speaks about.
	KeyIndex uint64
	// RecipientAccess opens the keys bundle for whom RealmShare gives a role.
	RecipientAccess []byte
	// KeysBundle and the accesses to it are of RealmRotateKey; ServiceAccess is nil where there is no sequester.
	KeysBundle    []byte
	UserAccess    map[trust.UserID][]byte
	ServiceAccess map[trust.SequesterServiceID][]byte
	// InitialName says that RealmRename gives the first name.
	InitialName bool
	// CipheredData and RevealToken are of ShamirRecoverySetup.
	CipheredData []byte
	RevealToken  trust.AccessToken

	after func() // changes the organisation
}

// Certificate is a certificate in every form that a server stores.
type Certificate struct {
	Topic trust.Topic
	// Realm counts in TopicRealm.
	Realm    trust.RealmID
	Content  trust.Certificate
	Signed   []byte
	Redacted []byte

	signer    *trust.SigningKey
	authority *trust.SequesterSigningKey // signs for the sequester, if not the organisation's own
	// redacted is the other form if it is not the right one, and damage what happens to the bytes.
	redacted trust.Certificate
	damage   func(signed []byte) []byte
	at       trust.DateTime
}

// certificate returns a certificate that the device signs, or with nil the root key.
func (o *Organisation) certificate(topic trust.Topic, signer *Device, content trust.Certificate) *Certificate {
	c := &Certificate{Topic: topic, Content: content, at: o.clock, signer: &o.root}
	if signer != nil {
		c.signer = &signer.Signing
	}
	if in, ok := content.(trust.RealmCertificate); ok {
		c.Realm = in.Realm()
	}
	return c
}

// sign fills in the bytes.
func (o *Organisation) sign(e *Event) *Event {
	for _, c := range e.Certificates {
		if s, ok := c.Content.(trust.ServiceCertificate); ok {
			authority := &o.authority
			if c.authority != nil {
				authority = c.authority
			}
			c.Signed = must(trust.SignServiceCertificate(s, *authority))
		} else {
			c.Signed = must(trust.SignCertificate(c.Content, *c.signer))
		}
		switch content := c.Content.(type) {
		case *trust.UserCertificate:
			c.redact(content.Redacted())
		case *trust.DeviceCertificate:
			c.redact(content.Redacted())
		}
		if c.damage != nil {
			c.Signed = c.damage(c.Signed)
		}
	}
	return e
}

func (c *Certificate) redact(form trust.Certificate) {
	if c.redacted == nil {
		c.redacted = form
	}
	c.Redacted = must(trust.SignCertificate(c.redacted, *c.signer))
}
