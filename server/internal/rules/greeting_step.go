package rules

import (
	"context"
	"crypto/hmac"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
)

// inviteGreeterStep is 3.8: version, attempt, completed, cancelled, author, attempt cancelled, joined, step. The greeter hears when both are
// there.
func (s *Service) inviteGreeterStep(ctx context.Context, c *Call, req *cloud.InviteGreeterStepReq) (cloud.InviteGreeterStepRep, error) {
	if c.Client.Before(cloud.StepsSince) {
		return nil, &cloud.HTTPError{Status: cloud.StatusUnsupportedAPI}
	}
	n, data, err := ofGreeter(req.GreeterStep)
	if err != nil {
		return nil, err
	}
	return write(ctx, s, c, c.inInvitations(), func(tx *store.Tx, _ *tables.Author) (cloud.InviteGreeterStepRep, error) {
		a, i, refusal, err := c.greet(ctx, tx, req.GreetingAttempt)
		if refusal != nil || err != nil {
			return refusal, err
		}
		theirs, denied, err := c.step(ctx, tx, a, tables.Greeter, n, data)
		if denied != nil || err != nil {
			return denied, err
		}
		step, err := toGreeter(n, theirs)
		if err != nil || n > 0 {
			return &cloud.InviteGreeterStepOK{ClaimerStep: step}, err
		}
		token, err := s.invitationToken(c.Org, i)
		if err != nil {
			return nil, err
		}
		return &cloud.InviteGreeterStepOK{ClaimerStep: step}, c.emitGreeter(tx, a, &cloud.EventGreetingAttemptJoined{Token: token, GreetingAttempt: a.ID})
	})
}

// inviteClaimerStep is 3.8: version, attempt, greeter, attempt cancelled, joined, step. The greeter hears of a claimer who waits.
func (s *Service) inviteClaimerStep(ctx context.Context, c *Call, req *cloud.InviteClaimerStepReq) (cloud.InviteClaimerStepRep, error) {
	if c.Client.Before(cloud.StepsSince) {
		return nil, &cloud.HTTPError{Status: cloud.StatusUnsupportedAPI}
	}
	n, data, err := ofClaimer(req.ClaimerStep)
	if err != nil {
		return nil, err
	}
	return writeGuest(ctx, s, c, func(tx *store.Tx, i *tables.Invitation) (cloud.InviteClaimerStepRep, error) {
		a, refusal, err := c.claim(ctx, tx, i, req.GreetingAttempt)
		if refusal != nil || err != nil {
			return refusal, err
		}
		theirs, denied, err := c.step(ctx, tx, a, tables.Claimer, n, data)
		if _, waits := denied.(*cloud.NotReady); waits && err == nil && n == 0 {
			return denied, c.emitGreeter(tx, a, &cloud.EventGreetingAttemptReady{Token: c.Token, GreetingAttempt: a.ID})
		}
		if denied != nil || err != nil {
			return denied, err
		}
		step, err := toClaimer(n, theirs)
		return &cloud.InviteClaimerStepOK{GreeterStep: step}, err
	})
}

// stepRep is a refusal that both sides have.
type stepRep interface {
	cloud.InviteGreeterStepRep
	cloud.InviteClaimerStepRep
}

// step leaves what a side says, and returns what the other one said, in the order of 3.8. Asking again changes nothing.
func (c *Call) step(ctx context.Context, tx *store.Tx, a *tables.Attempt, side tables.Side, n int, data []byte) ([]byte, stepRep, error) {
	switch {
	case a == nil:
		return nil, &cloud.GreetingAttemptNotFound{}, nil
	case a.CancelledOn != nil:
		return nil, &cloud.GreetingAttemptCancelled{
			Origin: origins[a.CancelledBy], Reason: cloud.CancelledGreetingAttemptReason(a.Reason), Timestamp: *a.CancelledOn,
		}, nil
	case a.Joined(side) == nil:
		return nil, &cloud.GreetingAttemptNotJoined{}, nil
	}
	own, err := tables.Step(ctx, tx, c.Org, a.ID, side, n)
	if err != nil {
		return nil, nil, err
	}
	if own != nil && !hmac.Equal(own, data) {
		return nil, &cloud.StepMismatch{}, nil
	}
	if own == nil {
		if refusal, err := c.leave(ctx, tx, a, side, n, data); refusal != nil || err != nil {
			return nil, refusal, err
		}
	}
	theirs, err := tables.Step(ctx, tx, c.Org, a.ID, side.Other(), n)
	if err != nil || theirs != nil {
		return theirs, nil, err
	}
	return nil, &cloud.NotReady{}, nil
}

// leave keeps what a side says, once both are through with the step before.
func (c *Call) leave(ctx context.Context, tx *store.Tx, a *tables.Attempt, side tables.Side, n int, data []byte) (stepRep, error) {
	for _, s := range []tables.Side{tables.Greeter, tables.Claimer} {
		if n == 0 {
			break
		}
		before, err := tables.Step(ctx, tx, c.Org, a.ID, s, n-1)
		if err != nil {
			return nil, err
		}
		if before == nil {
			return &cloud.StepTooAdvanced{}, nil
		}
	}
	return nil, tables.AddStep(ctx, tx, c.Org, a.ID, side, n, data)
}
