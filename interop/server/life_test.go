//go:build interop

package server_test

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	. "github.com/seed-73b3884f/parsec-agent/server/servertest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// life is an organisation on both servers, and what a client would know of it.
type life struct {
	*Organization
	*pair

	random  *rand.Rand
	devices []*Device
	realms  []trust.RealmID
	keys    map[trust.RealmID]uint64
	vlobs   map[trust.RealmID][]trust.VlobID
	last    map[trust.VlobID]uint32
	blocks  map[trust.RealmID][]trust.BlockID
	// distinct says that no id of a block is tried in two realms: the original on PostgreSQL takes it, and such an organisation is not imported.
	distinct bool
	// clock is what requests are dated with, a millisecond more each time.
	clock trust.DateTime
	names int
	// expired says that the organisation is, by an administrator.
	expired bool
	// sender is who sends the request that was drawn, where it is not the one it was drawn for.
	sender *Device
	// setups are the shared recoveries of each user; enrolments those that wait, or waited, with who newcomers would be.
	setups     map[trust.UserID][]*trust.ShamirRecoveryBriefCertificate
	enrolments []trust.AsyncEnrollmentID
	newcomers  []*Device

	listeners []listening
	heard     int
}

// pick draws one of a list, now and then something that is in no list.
func pick[T any](l *life, all []T, strange func() T) T {
	if len(all) == 0 || l.random.IntN(25) == 0 {
		return strange()
	}
	return all[l.random.IntN(len(all))]
}

func (l *life) device() *Device        { return l.devices[l.random.IntN(len(l.devices))] }
func (l *life) realm() trust.RealmID   { return pick(l, l.realms, trust.NewRealmID) }
func (l *life) user() trust.UserID     { return pick(l, l.users(), trust.NewUserID) }
func (l *life) once(n int) bool        { return l.random.IntN(n) == 0 }
func (l *life) content() []byte        { return fmt.Append(nil, l.random.Uint64()) }
func (l *life) role() trust.Role       { return trust.Role(l.random.IntN(int(trust.Owner) + 1)) }
func (l *life) profile() trust.Profile { return trust.Profile(1 + l.random.IntN(int(trust.Admin))) }

func (l *life) users() (all []trust.UserID) {
	for _, d := range l.devices {
		all = append(all, d.User)
	}
	return all
}

// index is the key that a realm has, or another.
func (l *life) index(realm trust.RealmID) uint64 {
	if l.once(10) {
		return uint64(l.random.IntN(4))
	}
	return l.keys[realm]
}

// at is the moment of a request: now, or before something that is there, or out of the window. It keeps away from the edges of the window,
// for the servers look at their clocks one after the other.
func (l *life) at() trust.DateTime {
	switch l.random.IntN(25) {
	case 0:
		return l.clock.Add(-time.Duration(l.random.IntN(2000)) * time.Millisecond)
	case 1:
		return l.clock.Add(-time.Hour)
	case 2:
		return l.clock.Add(time.Hour)
	}
	l.clock = l.clock.Add(time.Millisecond)
	return l.clock
}

// sign signs as a device, now and then as another one than the certificate says.
func (l *life) sign(d *Device, c trust.Certificate) []byte {
	if l.once(20) {
		d = l.device()
	}
	signed := d.Sign(c)
	if l.once(40) {
		signed[len(signed)/2] ^= 1
	}
	return signed
}

func (l *life) newDevice() *Device {
	l.names++
	return l.NewDevice(fmt.Sprintf("user%d", l.names))
}

// request draws a command and who sends it. What is done once it succeeded keeps the model up to date.
func (l *life) request() (*Device, cloud.Request, func()) {
	d := l.device()
	l.sender = nil
	draws := []func(*Device) (cloud.Request, func()){
		l.userCreate, l.deviceCreate, l.userChange, l.realmCreate, l.realmCreate, l.share, l.share, l.unshare, l.rotate, l.rotate, l.rename, l.archive,
		l.promote, l.vlobCreate, l.vlobCreate, l.vlobCreate, l.vlobUpdate, l.vlobUpdate, l.vlobRead, l.blockCreate, l.blockCreate, l.blockRead, l.ask, l.ask,
		l.setUp, l.setUp, l.setDown, l.submit, l.submit, l.decide, l.decide, l.decide,
	}
	req, done := draws[l.random.IntN(len(draws))](d)
	if done == nil {
		done = func() {}
	}
	if l.sender != nil {
		d = l.sender
	}
	return d, req, done
}

func (l *life) userCreate(d *Device) (cloud.Request, func()) {
	other, at := l.newDevice(), l.at()
	known := l.device()
	if l.once(8) {
		other.User = known.User
	}
	if l.once(8) {
		other.Handle = known.Handle
	}
	u, n := other.UserCertificate(d, l.profile(), at), other.DeviceCertificate(d, at)
	if l.once(15) {
		n.UserID = known.User
	}
	req := &cloud.UserCreateReq{
		UserCertificate: l.sign(d, u), DeviceCertificate: l.sign(d, n), RedactedUserCertificate: l.sign(d, u.Redacted()), RedactedDeviceCertificate: l.sign(d, n.Redacted()),
	}
	if l.once(15) {
		req.RedactedUserCertificate = req.UserCertificate
	}
	return req, func() { l.devices = append(l.devices, other) }
}

func (l *life) deviceCreate(d *Device) (cloud.Request, func()) {
	other := d.Sibling()
	if l.once(8) {
		other.ID = l.device().ID
	}
	if l.once(8) {
		other.User = l.user()
	}
	c := other.DeviceCertificate(d, l.at())
	return &cloud.DeviceCreateReq{DeviceCertificate: l.sign(d, c), RedactedDeviceCertificate: l.sign(d, c.Redacted())},
		func() { l.devices = append(l.devices, other) }
}

func (l *life) userChange(d *Device) (cloud.Request, func()) {
	if l.once(2) {
		c := &trust.UserUpdateCertificate{Author: d.ID, Timestamp: l.at(), UserID: l.user(), NewProfile: l.profile()}
		return &cloud.UserUpdateReq{UserUpdateCertificate: l.sign(d, c)}, nil
	}
	user := l.user()
	if user == l.First.User { // somebody must be left who may
		user = trust.NewUserID()
	}
	c := &trust.RevokedUserCertificate{Author: d.ID, Timestamp: l.at(), UserID: user}
	return &cloud.UserRevokeReq{RevokedUserCertificate: l.sign(d, c)}, nil
}

func (l *life) roleOf(d *Device, realm trust.RealmID, user trust.UserID, r trust.Role) []byte {
	return l.sign(d, &trust.RealmRoleCertificate{Author: d.ID, Timestamp: l.at(), RealmID: realm, UserID: user, Role: r})
}

func (l *life) realmCreate(d *Device) (cloud.Request, func()) {
	realm, user, role := trust.NewRealmID(), d.User, trust.Owner
	if l.once(8) {
		realm, user, role = l.realm(), l.user(), l.role()
	}
	return &cloud.RealmCreateReq{RealmRoleCertificate: l.roleOf(d, realm, user, role)}, func() { l.realms = append(l.realms, realm) }
}

func (l *life) share(d *Device) (cloud.Request, func()) {
	realm := l.realm()
	return &cloud.RealmShareReq{
		RealmRoleCertificate: l.roleOf(d, realm, l.user(), l.role()), RecipientKeysBundleAccess: l.content(), KeyIndex: l.index(realm),
	}, nil
}

func (l *life) unshare(d *Device) (cloud.Request, func()) {
	role := trust.NoRole
	if l.once(8) {
		role = l.role()
	}
	return &cloud.RealmUnshareReq{RealmRoleCertificate: l.roleOf(d, l.realm(), l.user(), role)}, nil
}

// rotate gives the key to the users that have a role as the certificates say, which a server has to agree with.
func (l *life) rotate(d *Device) (cloud.Request, func()) {
	realm := l.realm()
	index := l.keys[realm] + 1
	if l.once(10) {
		index = uint64(1 + l.random.IntN(4))
	}
	c := &trust.RealmKeyRotationCertificate{
		Author: d.ID, Timestamp: l.at(), RealmID: realm, KeyIndex: index, KeyCanary: Must(trust.GenerateKeyDerivation().Canary()),
	}
	req := &cloud.RealmRotateKeyReq{RealmKeyRotationCertificate: l.sign(d, c), PerParticipantKeysBundleAccess: map[trust.UserID][]byte{}, KeysBundle: l.content()}
	for _, u := range l.members(d, realm) {
		req.PerParticipantKeysBundleAccess[u] = l.content()
	}
	switch l.random.IntN(12) {
	case 0:
		req.PerParticipantKeysBundleAccess[l.user()] = l.content()
	case 1:
		req.PerSequesterServiceKeysBundleAccess = map[trust.SequesterServiceID][]byte{}
	}
	return req, func() { l.keys[realm] = index }
}

// members reads who has a role now, from our server: certificates of both are compared elsewhere.
func (l *life) members(d *Device, realm trust.RealmID) (all []trust.UserID) {
	a := d.Do(RealmsOf())
	if a.Reply != "ok" {
		return []trust.UserID{d.User}
	}
	rep, ok := Must(RealmsOf().DecodeReply(a.Body)).(*cloud.CertificateGetOK)
	if !ok {
		return nil
	}
	roles := map[trust.UserID]trust.Role{}
	for _, signed := range rep.RealmCertificates[realm] {
		for _, author := range l.devices {
			c, err := trust.VerifyCertificate(signed, trust.Author{Device: &author.ID, Key: Must(author.Signing.VerifyKey())})
			if role, ok := c.(*trust.RealmRoleCertificate); err == nil && ok {
				roles[role.UserID] = role.Role
			}
		}
	}
	for u, r := range roles {
		if r != trust.NoRole {
			all = append(all, u)
		}
	}
	return all
}

func (l *life) rename(d *Device) (cloud.Request, func()) {
	realm := l.realm()
	c := &trust.RealmNameCertificate{Author: d.ID, Timestamp: l.at(), RealmID: realm, KeyIndex: l.index(realm), EncryptedName: l.content()}
	return &cloud.RealmRenameReq{RealmNameCertificate: l.sign(d, c), InitialNameOrFail: l.once(2)}, nil
}

func (l *life) archive(d *Device) (cloud.Request, func()) {
	c := &trust.RealmArchivingCertificate{Author: d.ID, Timestamp: l.at(), RealmID: l.realm()}
	c.Configuration.State = trust.Available
	if l.once(3) {
		c.Configuration.State = trust.ArchivingState(1 + l.random.IntN(3))
		c.Configuration.DeletionDate = c.Timestamp.Add(time.Duration(28+l.random.IntN(4)) * 24 * time.Hour)
	}
	return &cloud.RealmUpdateArchivingReq{ArchivingCertificate: l.sign(d, c)}, nil
}

func (l *life) promote(d *Device) (cloud.Request, func()) {
	return &cloud.RealmSelfPromoteToOwnerReq{RealmRoleCertificate: l.roleOf(d, l.realm(), d.User, trust.Owner)}, nil
}

func (l *life) vlobCreate(*Device) (cloud.Request, func()) {
	realm, id := l.realm(), trust.NewVlobID()
	if l.once(10) {
		id = pick(l, l.vlobs[realm], trust.NewVlobID)
	}
	return &cloud.VlobCreateReq{RealmID: realm, VlobID: id, KeyIndex: l.index(realm), Timestamp: l.at(), Blob: l.content()}, func() {
		l.vlobs[realm] = append(l.vlobs[realm], id)
		l.last[id] = 1
	}
}

func (l *life) vlobUpdate(*Device) (cloud.Request, func()) {
	realm := l.realm()
	id := pick(l, l.vlobs[realm], trust.NewVlobID)
	version := l.last[id] + 1
	if l.once(8) {
		version = uint32(l.random.IntN(4))
	}
	return &cloud.VlobUpdateReq{RealmID: realm, VlobID: id, KeyIndex: l.index(realm), Timestamp: l.at(), Version: version, Blob: l.content()},
		func() { l.last[id] = version }
}

func (l *life) vlobRead(*Device) (cloud.Request, func()) {
	realm := l.realm()
	one, two := pick(l, l.vlobs[realm], trust.NewVlobID), pick(l, l.vlobs[realm], trust.NewVlobID)
	switch l.random.IntN(4) {
	case 0:
		return &cloud.VlobPollChangesReq{RealmID: realm, LastCheckpoint: uint64(l.random.IntN(5))}, nil
	case 1:
		return &cloud.VlobReadVersionsReq{RealmID: realm, Items: []cloud.VlobVersion{{VlobID: one, Version: uint32(l.random.IntN(3))}, {VlobID: two, Version: 1}}}, nil
	case 2:
		at := l.at()
		return &cloud.VlobReadBatchReq{RealmID: realm, Vlobs: []trust.VlobID{one, two}, At: &at}, nil
	}
	req := &cloud.VlobReadBatchReq{RealmID: realm, Vlobs: []trust.VlobID{one}}
	if l.once(10) {
		req.Vlobs = make([]trust.VlobID, 999+l.random.IntN(4))
	}
	return req, nil
}

func (l *life) blockCreate(*Device) (cloud.Request, func()) {
	realm, id := l.realm(), trust.NewBlockID()
	if l.once(8) {
		from := l.realm()
		if l.distinct {
			from = realm
		}
		id = pick(l, l.blocks[from], trust.NewBlockID)
	}
	return &cloud.BlockCreateReq{BlockID: id, RealmID: realm, KeyIndex: l.index(realm), Block: l.content()},
		func() { l.blocks[realm] = append(l.blocks[realm], id) }
}

func (l *life) blockRead(*Device) (cloud.Request, func()) {
	realm := l.realm()
	return &cloud.BlockReadReq{RealmID: realm, BlockID: pick(l, l.blocks[realm], trust.NewBlockID)}, nil
}

func (l *life) ask(*Device) (cloud.Request, func()) {
	realm := l.realm()
	after := l.at()
	all := []cloud.Request{
		RealmsOf(), &cloud.CertificateGetReq{CommonAfter: &after, SequesterAfter: &after, RealmAfter: map[trust.RealmID]trust.DateTime{realm: after}},
		&cloud.ListFrozenUsersReq{}, &cloud.OrganizationInfoReq{}, &cloud.RealmGetKeysBundleReq{RealmID: realm, KeyIndex: l.index(realm)},
	}
	return all[l.random.IntN(len(all))], nil
}
