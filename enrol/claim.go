package enrol

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// claim makes a user or a device out of an invitation (docs/spec/parsec-cloud-client.md 2.3, 2.4).
type claim struct {
	newcomer
	address *trust.InvitationAddress
	caller  *cloud.Caller
	chosen  Greeter // who is waited for, once it is chosen
	asked   bool    // chosen was asked for
	peer    Peer    // who greets, once somebody does
	// threshold is how many shares a recovery needs.
	threshold int
	patience
}

// Claim returns the flow of somebody who was invited. An invitation that was claimed here before goes on with the same keys.
func (d *Desk) Claim(a *trust.InvitationAddress) (Flow, error) {
	digest, err := tokenDigest(a.Token)
	if err != nil {
		return nil, err
	}
	c := claim{newcomer: newcomer{Desk: d}, address: a}
	c.resume, err = d.journal.first(func(e *Entry) bool {
		return e.Claims() && e.Invitation == digest && e.Server == a.Server && e.Organization == a.Organization
	})
	if err != nil && !errors.Is(err, ErrNoEntry) {
		return nil, err
	}
	if a.Type == trust.InviteShamirRecovery {
		return &restore{claim: c}, nil
	}
	return &c, nil
}

// Run claims, or goes on where it was interrupted.
func (c *claim) Run(ctx context.Context, p Person) (Result, error) {
	c.p, c.ctx, c.clean = p, ctx, c.resume == nil
	defer c.close()
	if err := c.run(ctx); err != nil {
		return Result{}, c.leave(ctx, err)
	}
	c.tell(Notice{Event: EventDone, Peer: c.peer})
	return c.result(), nil
}

func (c *claim) run(ctx context.Context) (err error) {
	if c.resume != nil {
		err = c.again(ctx)
	}
	if known := c.address != nil; c.resume == nil && known || c.anew(err) && known {
		err = c.begin(ctx)
	}
	if c.entry.Stage == StageSaved && errors.Is(err, ErrLost) {
		return c.finish(ctx) // only the end was missing
	}
	if err != nil {
		return err
	}
	if c.entry.Stage == StageKept || c.entry.Stage == StageAsked {
		if err := c.beGreeted(ctx); err != nil {
			return err
		}
	}
	d, err := c.confirmed()
	if err != nil {
		return err
	}
	defer c.wipeNew(d)
	if c.entry.Stage == StageConfirmed {
		if err := c.save(ctx, d); err != nil {
			return err
		}
	}
	if err := c.acknowledge(ctx, d); err != nil {
		return err
	}
	return c.finish(ctx)
}

// dial makes the caller.
func (c *claim) dial() (err error) {
	if c.client, err = c.o.Dial(c.address.Server); err != nil {
		return err
	}
	c.caller = c.client.Invitation(c.address.Organization, c.address.Token)
	return nil
}

// again goes on with what the journal has.
func (c *claim) again(ctx context.Context) error {
	if err := c.reopen(ctx); err != nil {
		return err
	}
	c.clean = c.entry.Stage == StageKept
	if c.address == nil {
		c.address = &trust.InvitationAddress{Type: trust.InviteUser, Token: *c.secrets.Token}
		if c.entry.Work == WorkClaimDevice {
			c.address.Type = trust.InviteDevice
		}
		c.address.Server, c.address.Organization = c.entry.Server, c.entry.Organization
	}
	return c.dial()
}

// begin asks what the invitation is, and who the person is.
func (c *claim) begin(ctx context.Context) error {
	if err := c.dial(); err != nil {
		return err
	}
	_, suggested, err := c.greeters(ctx)
	if err != nil {
		return err
	}
	c.entry = Entry{Work: WorkClaimUser, Server: c.address.Server, Organization: c.address.Organization}
	q := Correct{Side: SideClaimer}
	if c.address.Type == trust.InviteDevice {
		c.entry.Work = WorkClaimDevice
	} else {
		q.Details.Human, q.Invited = &suggested, suggested.Email
	}
	d, err := describe(ctx, c.p, q)
	if err != nil {
		return err
	}
	if c.entry.Invitation, err = tokenDigest(c.address.Token); err != nil {
		return err
	}
	if c.secrets.Token, err = copyToken(&c.address.Token); err != nil {
		return err
	}
	if d.Human == nil {
		d.Human = &suggested
	}
	return c.newcomer.begin(ctx, *d.Human, d.Label)
}

// greeters asks who may greet, and who was invited: for a device the user whose it is to be, for a user an address without a name.
func (c *claim) greeters(ctx context.Context) (all []Peer, claimer trust.HumanHandle, err error) {
	var rep cloud.InviteInfoRep
	err = online(ctx, c.pace, c.tell, func(ctx context.Context) (err error) {
		rep, err = cloud.Do(ctx, c.caller, &cloud.InviteInfoReq{})
		return err
	})
	if err != nil {
		return nil, claimer, err
	}
	switch rep := rep.(type) {
	case *cloud.InviteInfoUser:
		if c.address.Type == trust.InviteUser {
			return administrators(rep), trust.HumanHandle{Email: rep.ClaimerEmail}, nil
		}
	case *cloud.InviteInfoDevice:
		if c.address.Type == trust.InviteDevice {
			return []Peer{{Side: SideGreeter, User: rep.ClaimerUserID, Human: rep.ClaimerHumanHandle}}, rep.ClaimerHumanHandle, nil
		}
	case *cloud.InviteInfoShamirRecovery:
		if c.address.Type == trust.InviteShamirRecovery {
			return c.holders(rep), rep.ClaimerHumanHandle, nil
		}
	}
	return nil, claimer, unusable(fmt.Sprintf("the address is one of %s, and the server knows another kind of invitation", c.address.Type), nil)
}

// maxGreeters bounds whom a claimer may wait for.
const maxGreeters = 256

func administrators(rep *cloud.InviteInfoUser) (all []Peer) {
	for _, a := range rep.Administrators[:min(len(rep.Administrators), maxGreeters)] {
		p := Peer{Side: SideGreeter, User: a.UserID, Human: a.HumanHandle}
		if a.LastGreetingAttemptJoinedOn != nil {
			p.Seen = a.LastGreetingAttemptJoinedOn.Time()
		}
		all = append(all, p)
	}
	return all
}

// beGreeted makes attempts until one brings the greeter's answer.
func (c *claim) beGreeted(ctx context.Context) error {
	var err error
	if c.entry.Stage == StageAsked {
		err = c.resumeAttempt(ctx)
	} else {
		err = c.attempt(ctx)
	}
	for err != nil {
		over, is := errors.AsType[*OverError](err)
		if !is && !errors.Is(err, errNoGreeter) {
			return err
		}
		c.tell(overNotice(c.peer, over, err))
		if err := c.patience.again(ctx, c.p, c.peer, over, err); err != nil {
			return err
		}
		err = c.attempt(ctx)
	}
	return nil
}
