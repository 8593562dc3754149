package rules_test

import (
	"strings"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	. "github.com/seed-73b3884f/parsec-agent/server/servertest"
)

// greeterCells are 3.7 and 3.8 by the kind and the state of an invitation. ADMIN invited users and is who greets them, devices are greeted by the claimer,
// recoveries by the recipient of a share; a user with the address that was invited is the claimer too. Attempts are of who greets.
const greeterCells = `
                              ADMIN          other          STANDARD       OUTSIDER       claimer        recipient
USER pending start            ok             ok             -              -              -              -
USER pending step             not_ready      unknown        unknown        unknown        unknown        unknown
USER pending stop             ok             unknown        unknown        unknown        unknown        unknown
USER pending cancel           ok             ok             -              -              ok             -
USER pending complete         ok             ok             -              -              ok             -
USER cancelled start          cancelled      cancelled      cancelled      cancelled      cancelled      cancelled
USER cancelled step           cancelled      unknown        unknown        unknown        unknown        unknown
USER cancelled stop           cancelled      unknown        unknown        unknown        unknown        unknown
USER cancelled cancel         was_cancelled  was_cancelled  was_cancelled  was_cancelled  was_cancelled  was_cancelled
USER cancelled complete       cancelled      cancelled      cancelled      cancelled      cancelled      cancelled
USER finished start           completed      completed      completed      completed      completed      completed
USER finished step            completed      unknown        unknown        unknown        unknown        unknown
USER finished stop            completed      unknown        unknown        unknown        unknown        unknown
USER finished cancel          completed      completed      completed      completed      completed      completed
USER finished complete        was_completed  was_completed  was_completed  was_completed  was_completed  was_completed
DEVICE pending start          -              -              -              -              ok             -
DEVICE pending step           unknown        unknown        unknown        unknown        not_ready      unknown
DEVICE pending stop           unknown        unknown        unknown        unknown        ok             unknown
DEVICE pending cancel         -              -              -              -              ok             -
DEVICE pending complete       -              -              -              -              ok             -
DEVICE cancelled start        cancelled      cancelled      cancelled      cancelled      cancelled      cancelled
DEVICE cancelled step         unknown        unknown        unknown        unknown        cancelled      unknown
DEVICE cancelled stop         unknown        unknown        unknown        unknown        cancelled      unknown
DEVICE cancelled cancel       was_cancelled  was_cancelled  was_cancelled  was_cancelled  was_cancelled  was_cancelled
DEVICE cancelled complete     cancelled      cancelled      cancelled      cancelled      cancelled      cancelled
DEVICE finished start         completed      completed      completed      completed      completed      completed
DEVICE finished step          unknown        unknown        unknown        unknown        completed      unknown
DEVICE finished stop          unknown        unknown        unknown        unknown        completed      unknown
DEVICE finished cancel        completed      completed      completed      completed      completed      completed
DEVICE finished complete      was_completed  was_completed  was_completed  was_completed  was_completed  was_completed
SHAMIR pending start          -              -              -              -              -              ok
SHAMIR pending step           unknown        unknown        unknown        unknown        unknown        not_ready
SHAMIR pending stop           unknown        unknown        unknown        unknown        unknown        ok
SHAMIR pending cancel         -              -              -              -              ok             ok
SHAMIR pending complete       -              -              -              -              ok             ok
SHAMIR cancelled start        cancelled      cancelled      cancelled      cancelled      cancelled      cancelled
SHAMIR cancelled step         unknown        unknown        unknown        unknown        unknown        cancelled
SHAMIR cancelled stop         unknown        unknown        unknown        unknown        unknown        cancelled
SHAMIR cancelled cancel       was_cancelled  was_cancelled  was_cancelled  was_cancelled  was_cancelled  was_cancelled
SHAMIR cancelled complete     cancelled      cancelled      cancelled      cancelled      cancelled      cancelled
SHAMIR finished start         completed      completed      completed      completed      completed      completed
SHAMIR finished step          unknown        unknown        unknown        unknown        unknown        completed
SHAMIR finished stop          unknown        unknown        unknown        unknown        unknown        completed
SHAMIR finished cancel        completed      completed      completed      completed      completed      completed
SHAMIR finished complete      was_completed  was_completed  was_completed  was_completed  was_completed  was_completed
SHAMIR deleted start          cancelled      cancelled      cancelled      cancelled      cancelled      cancelled
SHAMIR deleted step           unknown        unknown        unknown        unknown        unknown        cancelled
SHAMIR deleted stop           unknown        unknown        unknown        unknown        unknown        cancelled
SHAMIR deleted cancel         was_cancelled  was_cancelled  was_cancelled  was_cancelled  was_cancelled  was_cancelled
SHAMIR deleted complete       cancelled      cancelled      cancelled      cancelled      cancelled      cancelled
`

// claimerCells are the same for who has the token of an invitation; the columns on the right are tried with each kind.
const claimerCells = `
                              USER           DEVICE         SHAMIR         cancelled finished deleted expired
ping                          ok             ok             ok             410       410      410     460
info                          ok             ok             ok             410       410      410     460
reveal                        no_recovery    no_recovery    ok             410       410      410     460
reveal with another token     no_recovery    no_recovery    bad_reveal_token  410    410      410     460
step                          not_ready      not_ready      not_ready      410       410      410     460
step of another               unknown        unknown        unknown        410       410      410     460
stop of another               unknown        unknown        unknown        410       410      410     460
stop                          ok             ok             ok             410       410      410     460
start with ADMIN              ok             unfit_greeter  unfit_greeter  410       410      410     460
start with other              ok             unfit_greeter  unfit_greeter  410       410      410     460
start with STANDARD           unfit_greeter  unfit_greeter  unfit_greeter  410       410      410     460
start with OUTSIDER           unfit_greeter  unfit_greeter  unfit_greeter  410       410      410     460
start with claimer            unfit_greeter  ok             unfit_greeter  410       410      410     460
start with recipient          unfit_greeter  unfit_greeter  ok             410       410      410     460
start with revoked            greeter_revoked  greeter_revoked  greeter_revoked  410  410     410     460
start with nobody             greeter_not_found  greeter_not_found  greeter_not_found  410  410  410  460
`

// TestInvitationRoles sends every request about an invitation as each of six users.
func TestInvitationRoles(t *testing.T) {
	t.Parallel()
	all := readTable(t, greeterCells)
	Each(t, Options{}, func(t *testing.T, s *Server) {
		p := newParty(t, s)
		ended := map[string]*guest{}
		for _, r := range all.rows {
			words := strings.Fields(r.name)
			for i, column := range all.columns {
				g := ended[words[0]+words[1]]
				if g == nil {
					g = p.invite(words[0])
					if p.end(g, words[1]) { // nothing changes any more
						ended[words[0]+words[1]] = g
					}
				}
				holds(t, r.cells[i], p.who(column, g).Do(g.greeterAsks(words[2])), r.name, column)
			}
		}
	})
}

// TestClaimerRoles sends every request that somebody with a token may.
func TestClaimerRoles(t *testing.T) {
	t.Parallel()
	all := readTable(t, claimerCells)
	Each(t, Options{}, func(t *testing.T, s *Server) {
		p := newParty(t, s)
		try := func(column int, guests ...*guest) {
			t.Helper()
			for _, r := range all.rows {
				for _, g := range guests {
					holds(t, r.cells[column], p.admin.Org.Invited(g.token, p.claimerAsks(r.name, g)), r.name, all.columns[column], g.kind)
				}
			}
		}
		pending := []*guest{p.invite("USER"), p.invite("DEVICE"), p.invite("SHAMIR")}
		p.expire(true)
		try(6, pending...)
		p.expire(false)
		for i, g := range pending {
			try(i, g)
			p.end(g, "cancelled")
			try(3, g)
			again := p.invite(g.kind)
			p.end(again, "finished")
			try(4, again)
		}
		g := p.invite("SHAMIR")
		p.end(g, "deleted")
		try(5, g)
		WantHTTP(t, s.Bootstrapped().Invited(g.token, &cloud.InviteInfoReq{}), cloud.StatusBadAuthorization)
	})
}
