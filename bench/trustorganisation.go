package main

import (
	"fmt"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Shape of the organisation that is validated.
const (
	// usersPerAdmin is how many users in turn one admin enrols, each with one device.
	usersPerAdmin = 100
	// rolesPerRealm is how many certificates of roles a realm has, the first one included; a key rotation and a name come besides.
	rolesPerRealm = 48
)

// member is a user with one device.
type member struct {
	user    trust.UserID
	device  trust.DeviceID
	signing trust.SigningKey
}

// organisation is an organisation, as its first user receives it, and what happens then.
type organisation struct {
	root        trust.SigningKey
	clock       trust.DateTime
	members     []member
	batch, then trust.Batch
	// signed are the certificates of batch with the keys that verify them.
	signed []signedBy

	unsigned []unsigned
}

type signedBy struct {
	key    trust.VerifyKey
	signed []byte
}

type unsigned struct {
	certificate trust.Certificate
	realm       trust.RealmID
	key         trust.SigningKey
}

// newOrganisation makes an organisation of n certificates: half of them are users and devices, the others are realms. Then
// come more.
func newOrganisation(n, more int) (*organisation, error) {
	start, err := trust.DateTimeOf(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	if err != nil {
		return nil, err
	}
	o := &organisation{root: trust.GenerateSigningKey(), clock: start}
	for len(o.unsigned) < n/2 {
		if err := o.enrol(); err != nil {
			return nil, err
		}
	}
	o.realms(n)
	if o.batch, err = o.sign(true); err != nil {
		return nil, err
	}
	for len(o.unsigned) < more/2 {
		if err := o.enrol(); err != nil {
			return nil, err
		}
	}
	o.realms(more)
	o.then, err = o.sign(false)
	return o, err
}

func (o *organisation) tick() trust.DateTime {
	o.clock = o.clock.Add(time.Millisecond)
	return o.clock
}

// enrol adds a user with a device. The root key signs the first one, admins the others; the first of each hundred becomes an admin.
func (o *organisation) enrol() error {
	m := member{user: trust.NewUserID(), device: trust.NewDeviceID(), signing: trust.GenerateSigningKey()}
	verify, err := m.signing.VerifyKey()
	if err != nil {
		return err
	}
	handle, err := trust.NewHumanHandle(m.user.String()+"@example.com", "User "+m.user.String()[:8])
	if err != nil {
		return err
	}
	label, err := trust.NewDeviceLabel("laptop")
	if err != nil {
		return err
	}
	author, key := (*trust.DeviceID)(nil), o.root
	if n := len(o.members); n > 0 {
		admin := &o.members[(n-1)/usersPerAdmin*usersPerAdmin]
		author, key = &admin.device, admin.signing
	}
	profile := trust.Standard
	if len(o.members)%usersPerAdmin == 0 {
		profile = trust.Admin
	}
	at := o.tick()
	o.add(key, trust.RealmID{}, &trust.UserCertificate{
		Author: author, Timestamp: at, UserID: m.user, HumanHandle: &handle, PublicKey: trust.PublicKey(verify), Profile: profile,
	})
	o.add(key, trust.RealmID{}, &trust.DeviceCertificate{
		Purpose: trust.StandardDevice, Author: author, Timestamp: at, UserID: m.user, DeviceID: m.device, DeviceLabel: &label, VerifyKey: verify,
	})
	o.members = append(o.members, m)
	return nil
}

func (o *organisation) add(key trust.SigningKey, realm trust.RealmID, c trust.Certificate) {
	o.unsigned = append(o.unsigned, unsigned{c, realm, key})
}

// realms adds realms, each of one member who shares it, until there are n certificates.
func (o *organisation) realms(n int) {
	for i := 0; len(o.unsigned) < n; i++ {
		owner, realm := o.members[i*7%len(o.members)], trust.NewRealmID()
		o.add(owner.signing, realm, &trust.RealmRoleCertificate{Author: owner.device, Timestamp: o.tick(), RealmID: realm, UserID: owner.user, Role: trust.Owner})
		o.add(owner.signing, realm, &trust.RealmKeyRotationCertificate{
			Author: owner.device, Timestamp: o.tick(), RealmID: realm, KeyIndex: 1, KeyCanary: make([]byte, trust.SecretKeyOverhead),
		})
		o.add(owner.signing, realm, &trust.RealmNameCertificate{
			Author: owner.device, Timestamp: o.tick(), RealmID: realm, KeyIndex: 1, EncryptedName: make([]byte, 64),
		})
		for j := 1; j < rolesPerRealm && len(o.unsigned) < n; j++ {
			other := o.members[(i*7+j)%len(o.members)]
			o.add(owner.signing, realm, &trust.RealmRoleCertificate{
				Author: owner.device, Timestamp: o.tick(), RealmID: realm, UserID: other.user, Role: trust.Contributor,
			})
		}
	}
}

// sign signs what was added, on all processors, and takes it as one batch.
func (o *organisation) sign(remember bool) (trust.Batch, error) {
	signed := make([]signedBy, len(o.unsigned))
	group := errgroup.Group{}
	group.SetLimit(runtime.GOMAXPROCS(0))
	const chunk = 1000
	for from := 0; from < len(signed); from += chunk {
		group.Go(func() (err error) {
			for i := from; i < min(from+chunk, len(signed)); i++ {
				if signed[i].signed, err = trust.SignCertificate(o.unsigned[i].certificate, o.unsigned[i].key); err != nil {
					return err
				}
				if signed[i].key, err = o.unsigned[i].key.VerifyKey(); err != nil {
					return err
				}
			}
			return nil
		})
	}
	err := group.Wait()
	batch := trust.Batch{Realms: map[trust.RealmID][][]byte{}}
	for i, u := range o.unsigned {
		if u.realm == (trust.RealmID{}) {
			batch.Common = append(batch.Common, signed[i].signed)
		} else {
			batch.Realms[u.realm] = append(batch.Realms[u.realm], signed[i].signed)
		}
	}
	if remember {
		o.signed = signed
	}
	o.unsigned = nil
	return batch, err
}

// store returns a store for the first user.
func (o *organisation) store(keep trust.Keeper) (*trust.Store, error) {
	root, err := o.root.VerifyKey()
	if err != nil {
		return nil, err
	}
	return trust.NewStore(root, o.members[0].user, keep), nil
}

// folder is a sealed folder manifest, and what a server announces of it.
type folder struct {
	sealed    []byte
	announced trust.Announced
}

// folders seals n folders of some entries each under one realm key.
func (o *organisation) folders(realm trust.KeyDerivation, n, entries int) ([]folder, error) {
	author := o.members[0]
	verify, err := author.signing.VerifyKey()
	if err != nil {
		return nil, err
	}
	all := make([]folder, n)
	for i := range all {
		m := &trust.FolderManifest{
			Author: author.device, Timestamp: o.tick(), ID: trust.NewVlobID(), Parent: trust.NewVlobID(), Version: 1,
			Children: make(map[trust.EntryName]trust.VlobID, entries),
		}
		for j := range entries {
			name, err := trust.NewEntryName(fmt.Sprintf("report of the year %d.txt", j))
			if err != nil {
				return nil, err
			}
			m.Children[name] = trust.NewVlobID()
		}
		key, err := realm.VlobKey(m.ID)
		if err != nil {
			return nil, err
		}
		all[i].announced = trust.Announced{Author: trust.Author{Device: &author.device, Key: verify}, Timestamp: m.Timestamp, ID: m.ID, Version: 1}
		if all[i].sealed, err = trust.SealChildManifest(m, author.signing, key); err != nil {
			return nil, err
		}
	}
	return all, nil
}
