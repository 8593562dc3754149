package enrol

import (
	"context"
	"errors"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// met is an attempt in which the greeter has answered step 0.
type met struct {
	line *claimerLine
	own  trust.PrivateKey
	peer trust.PublicKey
}

// attempt goes through one attempt, from the start to the greeter's answer.
func (c *claim) attempt(ctx context.Context) error {
	m, err := c.meet(ctx)
	if err != nil {
		return err
	}
	defer m.own.Wipe()
	return c.withLine(ctx, m.line, func() error {
		c.tell(Notice{Event: EventMet, Peer: c.peer})
		ch, err := claimerChannel(ctx, m.line, m.own, m.peer)
		if err != nil {
			return err
		}
		defer ch.shared.Wipe()
		if err := c.compare(ctx, m.line, ch); err != nil {
			return err
		}
		if err := c.request(m.line, ch); err != nil {
			return err
		}
		return c.answer(ctx, m.line)
	})
}

// withLine does the work of an attempt. What the person cancels, or what fails before anything was asked for, the greeter is told.
func (c *claim) withLine(ctx context.Context, l *claimerLine, work func() error) error {
	err := work()
	if err == nil {
		return nil
	}
	_, over := errors.AsType[*OverError](err)
	interrupted := ctx.Err() != nil && !cancelled(context.Cause(ctx))
	if cancelled(err) || !over && !interrupted && c.entry.Stage == StageKept {
		l.hangUp(ctx, cloud.CancelledManuallyCancelled)
	}
	return err
}

// meet waits for a greeter: the one who was chosen, or the first of all.
func (c *claim) meet(ctx context.Context) (*met, error) {
	all, err := c.choose(ctx)
	if err != nil {
		return nil, err
	}
	c.tell(Notice{Event: EventWaiting, Peer: c.peer})
	waiting := map[trust.UserID]*met{}
	var first *met
	defer func() {
		for _, m := range waiting {
			if m == first {
				continue
			}
			m.own.Wipe()
			if ctx.Err() == nil || cancelled(context.Cause(ctx)) {
				m.line.hangUp(ctx, cloud.CancelledAutomaticallyCancelled)
			}
		}
	}()
	for _, p := range all {
		m, err := c.start(ctx, p.User)
		if errors.Is(err, errNoGreeter) && len(all) > 1 {
			continue
		}
		if err != nil {
			return nil, err
		}
		waiting[p.User] = m
	}
	first, err = c.first(ctx, all, waiting)
	return first, err
}

// first asks all greeters in turn until one of them is there.
func (c *claim) first(ctx context.Context, all []Peer, waiting map[trust.UserID]*met) (*met, error) {
	for n := 0; len(waiting) > 0; n++ {
		for _, p := range all {
			m, ok := waiting[p.User]
			if !ok {
				continue
			}
			there, err := c.knock(ctx, m)
			switch {
			case err == nil && there:
				c.peer = p
				return m, nil
			case errors.Is(err, errNoGreeter) && len(waiting) > 1:
				m.own.Wipe()
				delete(waiting, p.User)
			case err != nil:
				return nil, err
			}
		}
		if err := wait(ctx, c.pace.poll, n); err != nil {
			return nil, err
		}
	}
	return nil, errNoGreeter
}

// knock says step 0 once.
func (c *claim) knock(ctx context.Context, m *met) (there bool, err error) {
	public, err := m.own.Public()
	if err != nil {
		return false, err
	}
	var step cloud.GreeterStep
	err = online(ctx, c.pace, c.tell, func(ctx context.Context) (err error) {
		step, there, err = m.line.ask(ctx, &cloud.ClaimerStep0WaitPeer{PublicKey: public})
		return err
	})
	if err != nil || !there {
		return false, err
	}
	peer, err := want[*cloud.GreeterStep0WaitPeer](step)
	if err != nil {
		return false, err
	}
	m.peer = peer.PublicKey
	return true, nil
}

// choose returns whom to wait for. The person is asked once, if there is a choice.
func (c *claim) choose(ctx context.Context) ([]Peer, error) {
	all, _, err := c.greeters(ctx)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, unusable("nobody may greet you", nil)
	}
	if len(all) == 1 {
		c.peer = all[0]
		return all, nil
	}
	for range maxAsked {
		if !c.asked {
			if c.chosen, err = ask[Greeter](ctx, c.p, ChooseGreeter{Greeters: all}); err != nil {
				return nil, err
			}
		}
		c.asked = true
		if c.chosen.User == (trust.UserID{}) {
			return all, nil
		}
		for _, p := range all {
			if p.User == c.chosen.User {
				c.peer = p
				return []Peer{p}, nil
			}
		}
		c.asked = false // that one may not greet any more, or never could
	}
	return nil, &wire.Error{Status: wire.StatusInvalidArgument, Reason: "nobody of that id may greet you", Err: ErrAnswer}
}

// errNoGreeter is a greeter who may not greet, or not any more.
var errNoGreeter = errors.New("the greeter may not greet any more")

// start joins an attempt with a greeter.
func (c *claim) start(ctx context.Context, greeter trust.UserID) (*met, error) {
	var rep cloud.InviteClaimerStartGreetingAttemptRep
	err := online(ctx, c.pace, c.tell, func(ctx context.Context) (err error) {
		rep, err = cloud.Do(ctx, c.caller, &cloud.InviteClaimerStartGreetingAttemptReq{Greeter: greeter})
		return err
	})
	if err != nil {
		return nil, err
	}
	switch rep := rep.(type) {
	case *cloud.InviteClaimerStartGreetingAttemptOK:
		return &met{line: c.line(rep.GreetingAttempt), own: trust.GeneratePrivateKey()}, nil
	case *cloud.GreeterNotFound, *cloud.GreeterRevoked, *cloud.GreeterNotAllowed:
		return nil, unusable("the greeter may not greet any more", errNoGreeter)
	default:
		return nil, unexpected(rep)
	}
}

// compare has both people compare the codes: first the greeter's.
func (c *claim) compare(ctx context.Context, l *claimerLine, ch *channel) error {
	right, err := chooseCode(ctx, c.p, c.peer, ch.greeter, l.stays)
	if err != nil {
		return err
	}
	if !right {
		return l.fail(ctx, cloud.CancelledInvalidSasCode)
	}
	step, err := l.exchange(ctx, &cloud.ClaimerStep4SignifyTrust{})
	if err != nil {
		return err
	}
	if _, err := want[*cloud.GreeterStep4WaitPeerTrust](step); err != nil {
		return err
	}
	err = sayCode(ctx, c.p, c.peer, ch.claimer, func(ctx context.Context) error {
		step, err := l.exchange(ctx, &cloud.ClaimerStep5WaitPeerTrust{})
		if err != nil {
			return err
		}
		_, err = want[*cloud.GreeterStep5SignifyTrust](step)
		return err
	})
	if err == nil {
		c.tell(Notice{Event: EventHeard, Peer: c.peer})
	}
	return err
}
