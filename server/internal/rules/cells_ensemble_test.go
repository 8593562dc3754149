package rules_test

import (
	"strings"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	. "github.com/seed-73b3884f/parsec-agent/server/servertest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// roles are the names of realmCells, by what a user has at the beginning.
var roles = map[string]trust.Role{
	"none": trust.NoRole, "READER": trust.Reader, "CONTRIBUTOR": trust.Contributor, "MANAGER": trust.Manager, "OWNER": trust.Owner,
	"outsider": trust.NoRole, "revoked": trust.Reader,
}

// ensemble is an organisation with a user of each role in its realms.
type ensemble struct {
	t     *testing.T
	first *Device
	// members are by columns: an owner, a manager, a contributor, a reader, a former reader, and an administrator who was none.
	members []*Device
	// targets are whom rows of sharing are about: one for the owner, and one for all others.
	targets map[string][2]*Device
	// vlobs and blocks are in realms, a vlob for each member.
	vlobs  map[trust.RealmID][]trust.VlobID
	blocks map[trust.RealmID]trust.BlockID
}

func newEnsemble(t *testing.T, s *Server, all table) *ensemble {
	t.Helper()
	o := s.Bootstrapped()
	e := &ensemble{
		t: t, first: o.First, targets: map[string][2]*Device{}, vlobs: map[trust.RealmID][]trust.VlobID{}, blocks: map[trust.RealmID]trust.BlockID{},
	}
	for _, column := range all.columns[:5] {
		e.members = append(e.members, o.Enrol(column, trust.Standard))
	}
	e.members = append(e.members, o.First)
	for _, r := range all.rows {
		who, profile := about(r.name), trust.Standard
		if _, ok := roles[who]; !ok {
			continue
		}
		if who == "outsider" {
			profile = trust.Outsider
		}
		name := strings.ReplaceAll(r.name, " ", "-")
		e.targets[r.name] = [2]*Device{o.Enrol(name, profile), o.Enrol(name+"-of-owner", profile)}
	}
	return e
}

// about says about whom a row is.
func about(row string) string {
	if words := strings.Fields(row); len(words) > 1 {
		return words[1]
	}
	return ""
}

// newRealm makes a realm with all roles and targets in a state; what is to be deleted, is planned to be.
func (e *ensemble) newRealm(state string) trust.RealmID {
	e.t.Helper()
	owner := e.members[0]
	realm := owner.CreateRealm()
	OK(e.t, owner.Do(owner.RotationReq(realm, 1, owner.User)))
	give := func(to *Device, r trust.Role) {
		if r != trust.NoRole {
			OK(e.t, owner.Do(share(owner, realm, to.User, r, 1)))
		}
	}
	for i, r := range []trust.Role{trust.Manager, trust.Contributor, trust.Reader, trust.Reader} {
		give(e.members[i+1], r)
	}
	OK(e.t, owner.Do(unshare(owner, realm, e.members[4].User)))
	for row, targets := range e.targets {
		give(targets[0], roles[about(row)])
		give(targets[1], roles[about(row)])
	}
	for range e.members {
		vlob, block := stored(e.t, owner, realm)
		e.vlobs[realm], e.blocks[realm] = append(e.vlobs[realm], vlob), block
	}
	switch state {
	case "available":
	case "archived":
		OK(e.t, owner.Do(archiveReq(owner, realm, trust.Archived)))
	default:
		OK(e.t, owner.Do(archiveReq(owner, realm, trust.DeletionPlanned)))
	}
	return realm
}

// revoke revokes the targets that are to be.
func (e *ensemble) revoke() {
	e.t.Helper()
	for row, targets := range e.targets {
		if about(row) == "revoked" {
			e.first.Revoke(targets[0])
			e.first.Revoke(targets[1])
		}
	}
}

// target is whom a row is about when the member asks.
func (e *ensemble) target(row string, member int) trust.UserID {
	switch who := about(row); {
	case who == "oneself":
		return e.members[member].User
	case who == "nobody":
		return trust.NewUserID()
	case member == 0:
		return e.targets[row][1].User
	}
	return e.targets[row][0].User
}

// ask makes the request of a row, dated now.
func (e *ensemble) ask(row string, realm trust.RealmID, member int) cloud.Request {
	e.t.Helper()
	d := e.members[member]
	switch words := strings.Fields(row); words[0] {
	case "realm_share":
		return share(d, realm, e.target(row, member), roles[words[3]], 1)
	case "realm_unshare":
		return unshare(d, realm, e.target(row, member))
	case "block_create":
		return blockReq(realm)
	case "block_read":
		return &cloud.BlockReadReq{BlockID: e.blocks[realm], RealmID: realm}
	case "realm_create":
		return &cloud.RealmCreateReq{RealmRoleCertificate: d.RoleReq(realm, d.User, trust.Owner)}
	case "realm_get_keys_bundle":
		return &cloud.RealmGetKeysBundleReq{RealmID: realm, KeyIndex: 1}
	case "realm_rename":
		return renameReq(d, realm)
	case "realm_rotate_key":
		return d.RotationReq(realm, 2, e.participants(realm)...)
	case "realm_self_promote_to_owner":
		return &cloud.RealmSelfPromoteToOwnerReq{RealmRoleCertificate: d.RoleReq(realm, d.User, trust.Owner)}
	case "realm_update_archiving":
		return archiveReq(d, realm, trust.Archived)
	case "vlob_create":
		return d.VlobReq(realm, 1, "x")
	case "vlob_poll_changes":
		return &cloud.VlobPollChangesReq{RealmID: realm}
	case "vlob_read_batch":
		return &cloud.VlobReadBatchReq{RealmID: realm, Vlobs: e.vlobs[realm]}
	case "vlob_read_versions":
		return &cloud.VlobReadVersionsReq{RealmID: realm, Items: []cloud.VlobVersion{{VlobID: e.vlobs[realm][0], Version: 1}}}
	case "vlob_update":
		return updateReq(d, realm, e.vlobs[realm][member], 2)
	}
	e.t.Fatalf("there is no request for %s", row)
	return nil
}

// participants are all who have a role now.
func (e *ensemble) participants(realm trust.RealmID) (ids []trust.UserID) {
	e.t.Helper()
	err := e.first.Org.Rules.Store.Read(e.t.Context(), func(tx *store.Tx) error {
		all, err := tables.Members(e.t.Context(), tx, number(e.t, e.first.Org), realm)
		for _, m := range all {
			ids = append(ids, m.User)
		}
		return err
	})
	if err != nil {
		e.t.Fatal(err)
	}
	return ids
}
