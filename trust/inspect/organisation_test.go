package inspect_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/trust"
	"github.com/seed-73b3884f/parsec-agent/trust/mpack"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// chain is an organisation with a certificate of almost every type.
type chain struct {
	t     testing.TB
	root  trust.SigningKey
	clock trust.DateTime
	realm trust.RealmID
	// alice is the first user, bob the second; bob is revoked at last.
	alice, bob person
	// names are what the certificates are, in the order of signed.
	names  []string
	signed [][]byte
}

type person struct {
	user   trust.UserID
	device trust.DeviceID
	key    trust.SigningKey
}

func newPerson() person {
	return person{trust.NewUserID(), trust.NewDeviceID(), trust.GenerateSigningKey()}
}

func (c *chain) tick() trust.DateTime {
	c.clock = c.clock.Add(time.Second)
	return c.clock
}

func (c *chain) add(name string, key trust.SigningKey, certificate trust.Certificate) {
	c.t.Helper()
	c.names = append(c.names, name)
	c.signed = append(c.signed, must(trust.SignCertificate(certificate, key)))
}

func (c *chain) enrol(name string, author *person, p person, profile trust.Profile, at trust.DateTime) {
	c.t.Helper()
	handle, label := must(trust.NewHumanHandle(name+"@example.com", name)), must(trust.NewDeviceLabel(name+"'s laptop"))
	key, by := c.root, (*trust.DeviceID)(nil)
	if author != nil {
		key, by = author.key, &author.device
	}
	c.add(name, key, &trust.UserCertificate{
		Author: by, Timestamp: at, UserID: p.user, HumanHandle: &handle, PublicKey: must(trust.GeneratePrivateKey().Public()), Profile: profile,
	})
	c.add(name+"'s device", key, &trust.DeviceCertificate{
		Purpose: trust.StandardDevice, Author: by, Timestamp: at, UserID: p.user, DeviceID: p.device, DeviceLabel: &label, VerifyKey: must(p.key.VerifyKey()),
	})
}

func newChain(t testing.TB) *chain {
	t.Helper()
	c := &chain{t: t, root: trust.GenerateSigningKey(), alice: newPerson(), bob: newPerson(), realm: trust.NewRealmID()}
	c.clock = must(trust.ParseDateTime("2024-05-01T12:00:00Z"))
	at := c.tick()
	authority := c.sequestered(at)
	c.enrol("alice", nil, c.alice, trust.Admin, at)
	c.enrol("bob", &c.alice, c.bob, trust.Standard, c.tick())
	c.service(authority)
	c.inRealm()
	c.shared()
	c.add("bob's profile", c.alice.key, &trust.UserUpdateCertificate{
		Author: c.alice.device, Timestamp: c.tick(), UserID: c.bob.user, NewProfile: trust.Outsider,
	})
	c.add("bob's end", c.alice.key, &trust.RevokedUserCertificate{Author: c.alice.device, Timestamp: c.tick(), UserID: c.bob.user})
	return c
}

// sequestered makes the authority.
func (c *chain) sequestered(at trust.DateTime) trust.SequesterSigningKey {
	key := must(rsa.GenerateKey(rand.Reader, 1024))
	c.add("authority", c.root, &trust.SequesterAuthorityCertificate{Timestamp: at, VerifyKeyDER: must(x509.MarshalPKIXPublicKey(&key.PublicKey))})
	return must(trust.ParseSequesterSigningKey(must(x509.MarshalPKCS8PrivateKey(key))))
}

func (c *chain) service(authority trust.SequesterSigningKey) {
	key := must(rsa.GenerateKey(rand.Reader, 1024))
	id := trust.SequesterServiceID{1}
	for name, made := range map[string]trust.ServiceCertificate{
		"service": &trust.SequesterServiceCertificate{
			Timestamp: c.tick(), ServiceID: id, ServiceLabel: "archive", EncryptionKeyDER: must(x509.MarshalPKIXPublicKey(&key.PublicKey)),
		},
		"service's end": &trust.SequesterRevokedServiceCertificate{Timestamp: c.tick(), ServiceID: id},
	} {
		c.names = append(c.names, name)
		c.signed = append(c.signed, must(trust.SignServiceCertificate(made, authority)))
	}
}

func (c *chain) inRealm() {
	author := c.alice.device
	c.add("alice's role", c.alice.key, &trust.RealmRoleCertificate{Author: author, Timestamp: c.tick(), RealmID: c.realm, UserID: c.alice.user, Role: trust.Owner})
	c.add("bob's role", c.alice.key, &trust.RealmRoleCertificate{Author: author, Timestamp: c.tick(), RealmID: c.realm, UserID: c.bob.user, Role: trust.Reader})
	canary := must(trust.GenerateKeyDerivation().Canary())
	c.add("key", c.alice.key, &trust.RealmKeyRotationCertificate{Author: author, Timestamp: c.tick(), RealmID: c.realm, KeyIndex: 1, KeyCanary: canary})
	c.add("name", c.alice.key, &trust.RealmNameCertificate{Author: author, Timestamp: c.tick(), RealmID: c.realm, KeyIndex: 1, EncryptedName: []byte("sealed")})
	c.add("archiving", c.alice.key, &trust.RealmArchivingCertificate{
		Author: author, Timestamp: c.tick(), RealmID: c.realm, Configuration: trust.ArchivingConfiguration{State: trust.Archived},
	})
}

// shared makes a recovery of alice whose recipient is bob.
func (c *chain) shared() {
	author, at := c.alice.device, c.tick()
	c.add("brief", c.alice.key, &trust.ShamirRecoveryBriefCertificate{
		Author: author, Timestamp: at, UserID: c.alice.user, Threshold: 1, PerRecipientShares: map[trust.UserID]uint8{c.bob.user: 1},
	})
	c.add("share", c.alice.key, &trust.ShamirRecoveryShareCertificate{
		Author: author, Timestamp: at, UserID: c.alice.user, Recipient: c.bob.user, CipheredShare: []byte("sealed"),
	})
	c.add("recovery's end", c.alice.key, &trust.ShamirRecoveryDeletionCertificate{
		Author: author, Timestamp: c.tick(), SetupToDeleteTimestamp: at, SetupToDeleteUserID: c.alice.user,
		ShareRecipients: map[trust.UserID]struct{}{c.bob.user: {}},
	})
}

// list is the chain as one list in MessagePack.
func (c *chain) list() []byte {
	w := &mpack.Writer{}
	c.write(w, c.signed)
	return must(w.Result())
}

func (c *chain) write(w *mpack.Writer, list [][]byte) {
	w.Array(len(list))
	for _, b := range list {
		w.Bytes(b)
	}
}

// answer is the chain as a server gives it.
func (c *chain) answer() []byte {
	topics := map[string][][]byte{}
	inRealm := [][]byte{}
	for i, name := range c.names {
		switch name {
		case "authority", "service", "service's end":
			topics["sequester_certificates"] = append(topics["sequester_certificates"], c.signed[i])
		case "alice's role", "bob's role", "key", "name", "archiving":
			inRealm = append(inRealm, c.signed[i])
		case "brief", "share", "recovery's end":
			topics["shamir_recovery_certificates"] = append(topics["shamir_recovery_certificates"], c.signed[i])
		default:
			topics["common_certificates"] = append(topics["common_certificates"], c.signed[i])
		}
	}
	w := &mpack.Writer{}
	w.Map(2 + len(topics))
	w.String("status")
	w.String("ok")
	for topic, list := range topics {
		w.String(topic)
		c.write(w, list)
	}
	w.String("realm_certificates")
	w.Map(1)
	w.Ext(2, c.realm[:])
	c.write(w, inRealm)
	return must(w.Result())
}
