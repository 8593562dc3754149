package rules_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	. "github.com/seed-73b3884f/parsec-agent/server/servertest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// orphanCells are who may make himself owner of a realm without one (3.5). Rows are the roles of a, b and c, who is an outsider; the owner and the fourth, gone,
// are revoked. Those with the least ask first. An outsider's role keeps nobody from it.
const orphanCells = `
                                    a         b         c         none
MANAGER CONTRIBUTOR READER none     ok        -         outsider  -
MANAGER MANAGER READER none         owned     ok        outsider  -
CONTRIBUTOR READER READER none      ok        -         outsider  -
READER none CONTRIBUTOR none        ok        -         outsider  -
READER none none MANAGER            ok        -         outsider  -
none none READER MANAGER            -         -         outsider  -
OWNER MANAGER READER none           owned     owned     outsider  owned
`

func TestOrphanedRealms(t *testing.T) {
	t.Parallel()
	all := readTable(t, orphanCells)
	Each(t, Options{}, func(t *testing.T, s *Server) {
		o := s.Bootstrapped()
		owner, gone := o.Enrol("owner", trust.Standard), o.Enrol("gone", trust.Standard)
		asking := []*Device{o.Enrol("a", trust.Standard), o.Enrol("b", trust.Standard), o.Enrol("c", trust.Outsider), o.First}
		realms := []trust.RealmID{}
		for _, r := range all.rows {
			realm := owner.CreateRealm()
			OK(t, owner.Do(owner.RotationReq(realm, 1, owner.User)))
			for i, name := range strings.Fields(r.name) {
				if role := roles[name]; role != trust.NoRole {
					OK(t, owner.Do(share(owner, realm, append(asking[:3:3], gone)[i].User, role, 1)))
				}
			}
			realms = append(realms, realm)
		}
		o.First.Revoke(owner)
		o.First.Revoke(gone)
		for n, r := range all.rows {
			for i, d := range slices.Backward(asking) {
				req := &cloud.RealmSelfPromoteToOwnerReq{RealmRoleCertificate: d.RoleReq(realms[n], d.User, trust.Owner)}
				holds(t, r.cells[i], d.Do(req), r.name, all.columns[i])
			}
		}
	})
}
