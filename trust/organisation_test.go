package trust

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"testing"
	"time"
)

// organisation makes certificates for tests, a second apart.
type organisation struct {
	t       testing.TB
	root    SigningKey
	clock   DateTime
	people  map[string]*person
	current Batch
	// authority signs for the sequester.
	authority SequesterSigningKey
}

type person struct {
	user    UserID
	device  DeviceID
	signing SigningKey
	private PrivateKey
}

func newOrganisation(t testing.TB) *organisation {
	t.Helper()
	return &organisation{
		t: t, root: GenerateSigningKey(), clock: DateTime{1_700_000_000_000_000}, people: map[string]*person{},
		current: Batch{Realms: map[RealmID][][]byte{}},
	}
}

func (o *organisation) store(self string) *Store {
	return NewStore(must(o.root.VerifyKey()), o.people[self].user, nil)
}

// tick returns a later moment each time.
func (o *organisation) tick() DateTime {
	o.clock = o.clock.Add(time.Second)
	return o.clock
}

func (o *organisation) sign(c Certificate, key SigningKey) []byte {
	o.t.Helper()
	signed, err := SignCertificate(c, key)
	if err != nil {
		o.t.Fatal(err)
	}
	return signed
}

// by signs with the key of a person, or the root key for nobody.
func (o *organisation) by(author string, c Certificate) []byte {
	o.t.Helper()
	if author == "" {
		return o.sign(c, o.root)
	}
	return o.sign(c, o.people[author].signing)
}

func (o *organisation) common(author string, c Certificate) {
	o.t.Helper()
	o.current.Common = append(o.current.Common, o.by(author, c))
}

func (o *organisation) inRealm(author string, c RealmCertificate) {
	o.t.Helper()
	o.current.Realms[c.Realm()] = append(o.current.Realms[c.Realm()], o.by(author, c))
}

func (o *organisation) shamir(author string, c Certificate) {
	o.t.Helper()
	o.current.Shamir = append(o.current.Shamir, o.by(author, c))
}

// batch returns what was made since the last one.
func (o *organisation) batch() Batch {
	b := o.current
	o.current = Batch{Realms: map[RealmID][][]byte{}}
	return b
}

func (o *organisation) deviceOf(author string) *DeviceID {
	if author == "" {
		return nil
	}
	return &o.people[author].device
}

// userAndDevice makes both certificates of a new person.
func (o *organisation) userAndDevice(author, name string, profile Profile) (*UserCertificate, *DeviceCertificate) {
	o.t.Helper()
	p := &person{user: NewUserID(), device: NewDeviceID(), signing: GenerateSigningKey(), private: GeneratePrivateKey()}
	o.people[name] = p
	handle := must(NewHumanHandle(name+"@example.com", name))
	label := must(NewDeviceLabel("laptop"))
	at := o.tick()
	u := &UserCertificate{
		Author: o.deviceOf(author), Timestamp: at, UserID: p.user, HumanHandle: &handle,
		PublicKey: must(p.private.Public()), Profile: profile,
	}
	d := &DeviceCertificate{
		Purpose: StandardDevice, Author: o.deviceOf(author), Timestamp: at, UserID: p.user, DeviceID: p.device,
		DeviceLabel: &label, VerifyKey: must(p.signing.VerifyKey()),
	}
	return u, d
}

// enrol makes a new person.
func (o *organisation) enrol(author, name string, profile Profile) {
	o.t.Helper()
	u, d := o.userAndDevice(author, name, profile)
	o.common(author, u)
	o.common(author, d)
}

// furtherDevice makes another device of the author, which is called name from then on.
func (o *organisation) furtherDevice(author, name string) *DeviceCertificate {
	p := &person{user: o.people[author].user, device: NewDeviceID(), signing: GenerateSigningKey(), private: o.people[author].private}
	o.people[name] = p
	return &DeviceCertificate{
		Purpose: StandardDevice, Author: o.deviceOf(author), Timestamp: o.tick(), UserID: p.user, DeviceID: p.device,
		VerifyKey: must(p.signing.VerifyKey()),
	}
}

func (o *organisation) revocation(author, name string) *RevokedUserCertificate {
	return &RevokedUserCertificate{Author: *o.deviceOf(author), Timestamp: o.tick(), UserID: o.people[name].user}
}

func (o *organisation) update(author, name string, p Profile) *UserUpdateCertificate {
	return &UserUpdateCertificate{Author: *o.deviceOf(author), Timestamp: o.tick(), UserID: o.people[name].user, NewProfile: p}
}

func (o *organisation) role(author string, realm RealmID, name string, r Role) *RealmRoleCertificate {
	return &RealmRoleCertificate{Author: *o.deviceOf(author), Timestamp: o.tick(), RealmID: realm, UserID: o.people[name].user, Role: r}
}

func (o *organisation) rotation(author string, realm RealmID, index uint64) *RealmKeyRotationCertificate {
	canary := must(GenerateKeyDerivation().Canary())
	return &RealmKeyRotationCertificate{Author: *o.deviceOf(author), Timestamp: o.tick(), RealmID: realm, KeyIndex: index, KeyCanary: canary}
}

func (o *organisation) named(author string, realm RealmID, index uint64) *RealmNameCertificate {
	return &RealmNameCertificate{Author: *o.deviceOf(author), Timestamp: o.tick(), RealmID: realm, KeyIndex: index, EncryptedName: []byte("name")}
}

func (o *organisation) brief(author string, recipients ...string) *ShamirRecoveryBriefCertificate {
	shares := map[UserID]uint8{}
	for _, r := range recipients {
		shares[o.people[r].user] = 1
	}
	return &ShamirRecoveryBriefCertificate{
		Author: *o.deviceOf(author), Timestamp: o.tick(), UserID: o.people[author].user, Threshold: 1, PerRecipientShares: shares,
	}
}

func (o *organisation) shareOf(b *ShamirRecoveryBriefCertificate, recipient string) *ShamirRecoveryShareCertificate {
	return &ShamirRecoveryShareCertificate{
		Author: b.Author, Timestamp: b.Timestamp, UserID: b.UserID, Recipient: o.people[recipient].user, CipheredShare: []byte("share"),
	}
}

func (o *organisation) deletionOf(b *ShamirRecoveryBriefCertificate, author string) *ShamirRecoveryDeletionCertificate {
	recipients := map[UserID]struct{}{}
	for user := range b.PerRecipientShares {
		recipients[user] = struct{}{}
	}
	return &ShamirRecoveryDeletionCertificate{
		Author: *o.deviceOf(author), Timestamp: o.tick(), SetupToDeleteTimestamp: b.Timestamp, SetupToDeleteUserID: b.UserID,
		ShareRecipients: recipients,
	}
}

// sequestered makes the authority the first certificate; the first user must have the same time.
func (o *organisation) sequestered(at DateTime) *SequesterAuthorityCertificate {
	o.t.Helper()
	key := must(rsa.GenerateKey(rand.Reader, 1024))
	der := must(x509.MarshalPKCS8PrivateKey(key))
	o.authority = must(ParseSequesterSigningKey(der))
	return &SequesterAuthorityCertificate{Timestamp: at, VerifyKeyDER: must(x509.MarshalPKIXPublicKey(&key.PublicKey))}
}

func (o *organisation) service(c ServiceCertificate) {
	o.t.Helper()
	signed, err := SignServiceCertificate(c, o.authority)
	if err != nil {
		o.t.Fatal(err)
	}
	o.current.Sequester = append(o.current.Sequester, signed)
}

// accepted adds what was made since the last batch.
func (o *organisation) accepted(s *Store) {
	o.t.Helper()
	if err := s.Add(o.batch()); err != nil {
		o.t.Fatal(err)
	}
}

// refused adds what was made since the last batch, whose last certificate must be refused for the reason.
func (o *organisation) refused(s *Store, want Reason) {
	o.t.Helper()
	err := s.Add(o.batch())
	refusal := (*RefusalError)(nil)
	if !errors.As(err, &refusal) {
		o.t.Fatalf("%v, want: %v", err, want)
	}
	if refusal.Reason != want {
		o.t.Errorf("refused because %v (%v), want: %v", refusal.Reason, err, want)
	}
}
