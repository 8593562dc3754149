package rules_test

import (
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	. "github.com/seed-73b3884f/parsec-agent/server/servertest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// cast is an organisation with a user of each profile, and with what they ask for.
type cast struct {
	t     *testing.T
	first *Device
	// actors are an administrator, a standard user and an outsider.
	actors []*actor
	// pal is a user without roles, claire has shared a recovery with the actors, gone was revoked.
	pal, claire, gone *Device
	// targets are users of whom only administrators may ask something, by row.
	targets map[string]*Device
}

// actor is a user with objects of his own, so that nobody is refused for what another did before.
type actor struct {
	*Device
	// realm has a key, a vlob and a block, bare has none, closing is to be archived, orphan has no owner left.
	realm, bare, closing, orphan trust.RealmID
	vlob                         trust.VlobID
	block                        trust.BlockID
	recovery                     *recovery
	secret                       trust.TOTPSecret
	// accepted and rejected wait for an administrator; newcomer asked for the first.
	accepted, rejected trust.AsyncEnrollmentID
	newcomer           *Device
}

func newCast(t *testing.T, s *Server) *cast {
	t.Helper()
	o := s.Bootstrapped()
	c := &cast{
		t: t, first: o.First, pal: o.Enrol("pal", trust.Standard), claire: o.Enrol("claire", trust.Standard), gone: o.Enrol("gone", trust.Standard),
		targets: map[string]*Device{},
	}
	for _, p := range []trust.Profile{trust.Admin, trust.Standard, trust.Outsider} {
		c.actors = append(c.actors, c.newActor(p))
		for _, command := range []string{"user_revoke of ", "user_update of "} {
			c.targets[command+p.String()] = o.Enrol(command[:11]+p.String(), p)
		}
	}
	shares := recoveryOf(c.claire, c.actors[0].User, c.actors[1].User, c.actors[2].User)
	OK(t, c.claire.Do(shares.sign(c.claire)))
	o.First.Revoke(c.gone)
	return c
}

// newActor makes a user who gets a profile at the end, which may not let him have made what he has.
func (c *cast) newActor(p trust.Profile) *actor {
	o := c.first.Org
	a := &actor{Device: o.Enrol("actor-"+p.String(), trust.Standard), newcomer: o.NewDevice("newcomer-" + p.String())}
	a.realm, a.bare, a.closing, a.orphan = a.CreateRealm(), a.CreateRealm(), a.CreateRealm(), c.gone.CreateRealm()
	OK(c.t, a.Do(a.RotationReq(a.realm, 1, a.User)))
	OK(c.t, c.gone.Do(c.gone.RotationReq(a.orphan, 1, c.gone.User)))
	OK(c.t, c.gone.Do(share(c.gone, a.orphan, a.User, trust.Reader, 1)))
	a.vlob, a.block = stored(c.t, a.Device, a.realm)
	a.recovery = recoveryOf(a.Device, c.pal.User)
	OK(c.t, a.Do(a.recovery.sign(a.Device)))
	a.secret = secretOf(c.t, a.Device)
	accepted, rejected := submitReq(a.newcomer), submitReq(o.NewDevice("refused-"+p.String()))
	OK(c.t, o.Anonymous(accepted))
	OK(c.t, o.Anonymous(rejected))
	a.accepted, a.rejected = accepted.EnrollmentID, rejected.EnrollmentID
	if p != trust.Standard {
		OK(c.t, c.first.Do(profileReq(c.first, a.User, p)))
	}
	return a
}

// stored puts a vlob and a block into a realm with one key.
func stored(t *testing.T, d *Device, realm trust.RealmID) (trust.VlobID, trust.BlockID) {
	t.Helper()
	vlob, block := d.VlobReq(realm, 1, "content"), blockReq(realm)
	OK(t, d.Do(vlob))
	OK(t, d.Do(block))
	return vlob.VlobID, block.BlockID
}

func blockReq(realm trust.RealmID) *cloud.BlockCreateReq {
	return &cloud.BlockCreateReq{BlockID: trust.NewBlockID(), RealmID: realm, KeyIndex: 1, Block: []byte("content")}
}

func updateReq(d *Device, realm trust.RealmID, vlob trust.VlobID, version uint32) *cloud.VlobUpdateReq {
	return &cloud.VlobUpdateReq{RealmID: realm, VlobID: vlob, KeyIndex: 1, Timestamp: d.Org.Clock.Tick(), Version: version, Blob: []byte("new")}
}

// profileReq is what changes a user's profile.
func profileReq(by *Device, user trust.UserID, p trust.Profile) *cloud.UserUpdateReq {
	c := &trust.UserUpdateCertificate{Author: by.ID, Timestamp: by.Org.Clock.Tick(), UserID: user, NewProfile: p}
	return &cloud.UserUpdateReq{UserUpdateCertificate: by.Sign(c)}
}

func revokeReq(by *Device, user trust.UserID) *cloud.UserRevokeReq {
	c := &trust.RevokedUserCertificate{Author: by.ID, Timestamp: by.Org.Clock.Tick(), UserID: user}
	return &cloud.UserRevokeReq{RevokedUserCertificate: by.Sign(c)}
}

func renameReq(by *Device, realm trust.RealmID) *cloud.RealmRenameReq {
	c := &trust.RealmNameCertificate{Author: by.ID, Timestamp: by.Org.Clock.Tick(), RealmID: realm, KeyIndex: 1, EncryptedName: []byte("n")}
	return &cloud.RealmRenameReq{RealmNameCertificate: by.Sign(c)}
}

// archiveReq changes the state of a realm, which is deleted in thirty days if that is planned.
func archiveReq(by *Device, realm trust.RealmID, state trust.ArchivingState) *cloud.RealmUpdateArchivingReq {
	at := by.Org.Clock.Tick()
	c := trust.ArchivingConfiguration{State: state, DeletionDate: at.Add(30 * 24 * time.Hour)}
	return &cloud.RealmUpdateArchivingReq{ArchivingCertificate: by.Sign(&trust.RealmArchivingCertificate{Author: by.ID, Timestamp: at, RealmID: realm, Configuration: c})}
}
