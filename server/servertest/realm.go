package servertest

import (
	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// RoleReq returns a signed role for a user in a realm, dated now.
func (d *Device) RoleReq(realm trust.RealmID, user trust.UserID, role trust.Role) []byte {
	return d.Sign(&trust.RealmRoleCertificate{Author: d.ID, Timestamp: d.Org.Clock.Tick(), RealmID: realm, UserID: user, Role: role})
}

// CreateRealm makes a realm without a key.
func (d *Device) CreateRealm() trust.RealmID {
	d.Org.t.Helper()
	realm := trust.NewRealmID()
	OK(d.Org.t, d.Do(&cloud.RealmCreateReq{RealmRoleCertificate: d.RoleReq(realm, d.User, trust.Owner)}))
	return realm
}

// RotationReq is what gives a realm its key with the index, for users and for no sequester service.
func (d *Device) RotationReq(realm trust.RealmID, index uint64, users ...trust.UserID) *cloud.RealmRotateKeyReq {
	c := &trust.RealmKeyRotationCertificate{
		Author: d.ID, Timestamp: d.Org.Clock.Tick(), RealmID: realm, KeyIndex: index, KeyCanary: Must(trust.GenerateKeyDerivation().Canary()),
	}
	access := map[trust.UserID][]byte{}
	for _, u := range users {
		access[u] = []byte("access of " + u.String())
	}
	return &cloud.RealmRotateKeyReq{RealmKeyRotationCertificate: d.Sign(c), PerParticipantKeysBundleAccess: access, KeysBundle: []byte("bundle")}
}

// VlobReq is what makes a vlob, dated now.
func (d *Device) VlobReq(realm trust.RealmID, index uint64, blob string) *cloud.VlobCreateReq {
	return &cloud.VlobCreateReq{RealmID: realm, VlobID: trust.NewVlobID(), KeyIndex: index, Timestamp: d.Org.Clock.Tick(), Blob: []byte(blob)}
}
