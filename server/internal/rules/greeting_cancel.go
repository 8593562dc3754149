package rules

import (
	"context"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// inviteGreeterCancelGreetingAttempt is 3.8: attempt, completed, cancelled, author, attempt cancelled, joined.
func (s *Service) inviteGreeterCancelGreetingAttempt(ctx context.Context, c *Call, req *cloud.InviteGreeterCancelGreetingAttemptReq) (cloud.InviteGreeterCancelGreetingAttemptRep, error) {
	return write(ctx, s, c, c.inInvitations(), func(tx *store.Tx, _ *tables.Author) (cloud.InviteGreeterCancelGreetingAttemptRep, error) {
		a, i, refusal, err := c.greet(ctx, tx, req.GreetingAttempt)
		if refusal != nil || err != nil {
			return refusal, err
		}
		if refusal := refuseCancel(a, tables.Greeter); refusal != nil {
			return refusal, nil
		}
		token, err := s.invitationToken(c.Org, i)
		if err != nil {
			return nil, err
		}
		return &cloud.OK{}, c.cancel(ctx, tx, a, tables.Greeter, req.Reason, token)
	})
}

// inviteClaimerCancelGreetingAttempt is 3.8: attempt, greeter, attempt cancelled, joined.
func (s *Service) inviteClaimerCancelGreetingAttempt(ctx context.Context, c *Call, req *cloud.InviteClaimerCancelGreetingAttemptReq) (cloud.InviteClaimerCancelGreetingAttemptRep, error) {
	return writeGuest(ctx, s, c, func(tx *store.Tx, i *tables.Invitation) (cloud.InviteClaimerCancelGreetingAttemptRep, error) {
		a, refusal, err := c.claim(ctx, tx, i, req.GreetingAttempt)
		if refusal != nil || err != nil {
			return refusal, err
		}
		if refusal := refuseCancel(a, tables.Claimer); refusal != nil {
			return refusal, nil
		}
		return &cloud.OK{}, c.cancel(ctx, tx, a, tables.Claimer, req.Reason, c.Token)
	})
}

// cancelRep is a refusal that both sides have.
type cancelRep interface {
	cloud.InviteGreeterCancelGreetingAttemptRep
	cloud.InviteClaimerCancelGreetingAttemptRep
}

func refuseCancel(a *tables.Attempt, side tables.Side) cancelRep {
	switch {
	case a == nil:
		return &cloud.GreetingAttemptNotFound{}
	case a.CancelledOn != nil:
		return &cloud.GreetingAttemptAlreadyCancelled{
			Origin: origins[a.CancelledBy], Reason: cloud.CancelledGreetingAttemptReason(a.Reason), Timestamp: *a.CancelledOn,
		}
	case a.Joined(side) == nil:
		return &cloud.GreetingAttemptNotJoined{}
	}
	return nil
}

// origins are what clients know sides as.
var origins = map[tables.Side]cloud.GreeterOrClaimer{tables.Greeter: cloud.IsGreeter, tables.Claimer: cloud.IsClaimer}

func (c *Call) cancel(ctx context.Context, tx *store.Tx, a *tables.Attempt, side tables.Side, reason cloud.CancelledGreetingAttemptReason, token trust.AccessToken) error {
	if err := tables.CancelAttempt(ctx, tx, c.Org, a.ID, side, string(reason), c.Now); err != nil {
		return err
	}
	return c.emitGreeter(tx, a, &cloud.EventGreetingAttemptCancelled{Token: token, GreetingAttempt: a.ID})
}
