package rules_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	. "github.com/seed-73b3884f/parsec-agent/server/servertest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// realmCells are 3.5 and 3.6 by role, in a realm that is available. Rows of sharing are about another user, by what that is before; who asks without a role
// is an administrator.
const realmCells = `
                                  OWNER     MANAGER   CONTRIBUTOR READER    former    none
block_create                      ok        ok        ok          -         -         -
block_read                        ok        ok        ok          ok        -         -
realm_create                      realm_already_exists realm_already_exists realm_already_exists realm_already_exists realm_already_exists realm_already_exists
realm_get_keys_bundle             ok        ok        ok          ok        -         -
realm_rename                      ok        -         -           -         -         -
realm_self_promote_to_owner       owned     owned     owned       owned     owned     owned
realm_share none to READER        ok        ok        -           -         -         -
realm_share none to CONTRIBUTOR   ok        ok        -           -         -         -
realm_share none to MANAGER       ok        -         -           -         -         -
realm_share none to OWNER         ok        -         -           -         -         -
realm_share READER to CONTRIBUTOR  ok       ok        -           -         -         -
realm_share READER to MANAGER     ok        -         -           -         -         -
realm_share READER to OWNER       ok        -         -           -         -         -
realm_share READER to READER      shared    shared    -           -         -         -
realm_share CONTRIBUTOR to READER  ok       ok        -           -         -         -
realm_share MANAGER to READER     ok        -         -           -         -         -
realm_share MANAGER to OWNER      ok        -         -           -         -         -
realm_share OWNER to READER       ok        -         -           -         -         -
realm_share OWNER to MANAGER      ok        -         -           -         -         -
realm_share outsider to READER    ok        ok        -           -         -         -
realm_share outsider to CONTRIBUTOR  ok     ok        -           -         -         -
realm_share outsider to MANAGER   unfit     -         -           -         -         -
realm_share outsider to OWNER     unfit     -         -           -         -         -
realm_share revoked to READER     gone      gone      gone        gone      gone      gone
realm_share oneself to READER     invalid   invalid   invalid     invalid   invalid   invalid
realm_share oneself to OWNER      invalid   invalid   invalid     invalid   invalid   invalid
realm_share nobody to READER      nobody    nobody    nobody      nobody    nobody    nobody
realm_unshare READER              ok        ok        -           -         -         -
realm_unshare CONTRIBUTOR         ok        ok        -           -         -         -
realm_unshare MANAGER             ok        -         -           -         -         -
realm_unshare OWNER               ok        -         -           -         -         -
realm_unshare revoked             ok        ok        -           -         -         -
realm_unshare none                unshared  unshared  -           -         -         -
realm_unshare oneself             invalid   invalid   invalid     invalid   invalid   invalid
realm_unshare nobody              nobody    nobody    nobody      nobody    nobody    nobody
vlob_create                       ok        ok        ok          -         -         -
vlob_poll_changes                 ok        ok        ok          ok        -         -
vlob_read_batch                   ok        ok        ok          ok        -         -
vlob_read_versions                ok        ok        ok          ok        -         -
vlob_update                       ok        ok        ok          -         -         -
realm_rotate_key                  ok        -         -           -         -         -
realm_update_archiving            ok        -         -           -         -         -
`

// archivedCells are what is otherwise in a realm that is archived, or whose deletion is planned.
const archivedCells = `
                                  OWNER     MANAGER   CONTRIBUTOR READER    former    none
block_create                      archived  archived  archived    archived  archived  archived
vlob_create                       archived  archived  archived    archived  archived  archived
vlob_update                       archived  archived  archived    archived  archived  archived
`

// deletedCells are what is not deleted in a realm that is: what needs no realm to be known.
const deletedCells = `
                                  OWNER     MANAGER   CONTRIBUTOR READER    former    none
realm_create                      realm_already_exists realm_already_exists realm_already_exists realm_already_exists realm_already_exists realm_already_exists
realm_share oneself to READER     invalid   invalid   invalid     invalid   invalid   invalid
realm_share oneself to OWNER      invalid   invalid   invalid     invalid   invalid   invalid
realm_unshare oneself             invalid   invalid   invalid     invalid   invalid   invalid
`

// states are tables of all cells, by the state that a realm is in.
func states(t *testing.T) map[string]table {
	all, deleted := readTable(t, realmCells), readTable(t, realmCells)
	for i := range deleted.rows {
		deleted.rows[i].cells = slices.Repeat([]string{"deleted"}, len(deleted.columns))
	}
	archived := all.with(readTable(t, archivedCells))
	return map[string]table{"available": all, "archived": archived, "deletion planned": archived, "deleted": deleted.with(readTable(t, deletedCells))}
}

// TestRealmRoles sends every request about a realm as users with each role in it, in each state of the realm. Those with the least come first: if they
// were let in, those with more would find it done.
func TestRealmRoles(t *testing.T) {
	t.Parallel()
	all := states(t)
	Each(t, Options{}, func(t *testing.T, s *Server) {
		e := newEnsemble(t, s, all["available"])
		realms := map[string]trust.RealmID{}
		for state := range all {
			realms[state] = e.newRealm(state)
		}
		e.revoke()
		s.Clock.Advance(30 * 24 * time.Hour)
		if err := s.Rules.PurgeRealm(t.Context(), number(t, e.first.Org), realms["deleted"], s.Clock.Tick()); err != nil {
			t.Fatal(err)
		}
		for _, state := range slices.Sorted(maps.Keys(all)) {
			for _, r := range all[state].rows {
				for i, d := range slices.Backward(e.members) {
					a := d.Do(e.ask(r.name, realms[state], i))
					holds(t, r.cells[i], a, state, r.name, all[state].columns[i])
				}
			}
		}
	})
}
