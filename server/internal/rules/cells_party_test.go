package rules_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	. "github.com/seed-73b3884f/parsec-agent/server/servertest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// party is an organisation with everybody who may have to do with an invitation.
type party struct {
	t *testing.T
	// admin invites users, owner devices of his own, recipient has a share of owner's recovery.
	admin, other, standard, outsider, owner, recipient, revoked *Device
	recovery                                                    *recovery
	reveal                                                      trust.AccessToken
	users                                                       int
}

// guest is an invitation with who invited and may greet, and an attempt of both sides.
type guest struct {
	kind             string
	token            trust.AccessToken
	greeter, claimer *Device
	*meeting
}

func newParty(t *testing.T, s *Server) *party {
	t.Helper()
	o := s.Bootstrapped()
	p := &party{
		t: t, admin: o.First, other: o.Enrol("other", trust.Admin), standard: o.Enrol("standard", trust.Standard), outsider: o.Enrol("outsider", trust.Outsider),
		owner: o.Enrol("owner", trust.Standard), recipient: o.Enrol("recipient", trust.Standard), revoked: o.Enrol("revoked", trust.Admin),
	}
	p.admin.Revoke(p.revoked)
	p.shareOut()
	return p
}

// shareOut sets the recovery up.
func (p *party) shareOut() {
	p.t.Helper()
	p.recovery = recoveryOf(p.owner, p.recipient.User)
	req := p.recovery.sign(p.owner)
	p.reveal = req.RevealToken
	OK(p.t, p.owner.Do(req))
}

// invite makes an invitation, or takes the one that waits, and begins an attempt.
func (p *party) invite(kind string) *guest {
	p.t.Helper()
	g := &guest{kind: kind, greeter: p.owner, claimer: p.owner}
	switch kind {
	case "USER":
		p.users++
		name := "claimer" + strconv.Itoa(p.users)
		g.token, g.greeter = inviteUser(p.t, p.admin, name+"@example.com"), p.admin
		g.claimer = p.admin.Org.Enrol(name, trust.Standard)
	case "DEVICE":
		g.token = inviteDevice(p.t, p.owner)
	case "SHAMIR":
		g.token, g.greeter = inviteRecovery(p.t, p.recipient, p.owner), p.recipient
	}
	g.meeting = meet(p.t, g.greeter, g.token)
	return g
}

// end brings an invitation into its state, and reports whether it is at its end.
func (p *party) end(g *guest, state string) bool {
	p.t.Helper()
	switch state {
	case "cancelled":
		OK(p.t, g.greeter.Do(&cloud.InviteCancelReq{Token: g.token}))
	case "finished":
		OK(p.t, g.greeter.Do(&cloud.InviteCompleteReq{Token: g.token}))
	case "deleted":
		OK(p.t, p.owner.Do(deleteReq(p.owner, p.recovery.deletion(p.owner))))
		p.shareOut()
	default:
		return false
	}
	return true
}

func (p *party) expire(expired bool) {
	p.t.Helper()
	JSON[struct{}](p.t, p.admin.Org.Administer("PATCH", p.admin.Org.AdministrationPath(""), AdministrationToken, map[string]any{"is_expired": expired}), 200)
}

// who is the user of a column.
func (p *party) who(column string, g *guest) *Device {
	return map[string]*Device{
		"ADMIN": p.admin, "other": p.other, "STANDARD": p.standard, "OUTSIDER": p.outsider, "claimer": g.claimer, "recipient": p.recipient, "revoked": p.revoked,
		"nobody": p.admin.Org.NewDevice("nobody"),
	}[column]
}

// greeterAsks makes a request of greeterCells.
func (g *guest) greeterAsks(command string) cloud.Request {
	switch command {
	case "start":
		return &cloud.InviteGreeterStartGreetingAttemptReq{Token: g.token}
	case "step":
		return &cloud.InviteGreeterStepReq{GreetingAttempt: g.attempt, GreeterStep: greeterSteps[0]}
	case "stop":
		return &cloud.InviteGreeterCancelGreetingAttemptReq{GreetingAttempt: g.attempt, Reason: cloud.CancelledManuallyCancelled}
	case "cancel":
		return &cloud.InviteCancelReq{Token: g.token}
	}
	return &cloud.InviteCompleteReq{Token: g.token}
}

// claimerAsks makes a request of claimerCells.
func (p *party) claimerAsks(row string, g *guest) cloud.Request {
	attempt := g.attempt
	if strings.HasSuffix(row, "of another") {
		attempt.Generate()
	}
	switch words := strings.Fields(row); words[0] {
	case "ping":
		return &cloud.PingReq{Ping: "x"}
	case "info":
		return &cloud.InviteInfoReq{}
	case "reveal":
		if row == "reveal" {
			return &cloud.InviteShamirRecoveryRevealReq{RevealToken: p.reveal}
		}
		return &cloud.InviteShamirRecoveryRevealReq{RevealToken: trust.GenerateAccessToken()}
	case "start":
		return &cloud.InviteClaimerStartGreetingAttemptReq{Greeter: p.who(words[2], g).User}
	case "step":
		return &cloud.InviteClaimerStepReq{GreetingAttempt: attempt, ClaimerStep: claimerSteps[0]}
	}
	return &cloud.InviteClaimerCancelGreetingAttemptReq{GreetingAttempt: attempt, Reason: cloud.CancelledManuallyCancelled}
}
