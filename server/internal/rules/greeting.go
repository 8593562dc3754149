package rules

import (
	"context"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/events"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// inviteGreeterStartGreetingAttempt is 3.8: token, completed, cancelled, author.
func (s *Service) inviteGreeterStartGreetingAttempt(ctx context.Context, c *Call, req *cloud.InviteGreeterStartGreetingAttemptReq) (cloud.InviteGreeterStartGreetingAttemptRep, error) {
	return write(ctx, s, c, c.inInvitations(), func(tx *store.Tx, _ *tables.Author) (cloud.InviteGreeterStartGreetingAttemptRep, error) {
		i, now, err := s.byToken(ctx, tx, c, req.Token)
		switch {
		case err != nil:
			return nil, err
		case i == nil:
			return &cloud.InvitationNotFound{}, nil
		}
		refusal, err := c.refuseGreeter(ctx, tx, i, now)
		if refusal != nil || err != nil {
			return refusal, err
		}
		id, err := c.start(ctx, tx, i, c.User, tables.Greeter)
		return &cloud.InviteGreeterStartGreetingAttemptOK{GreetingAttempt: id}, err
	})
}

// inviteClaimerStartGreetingAttempt is 3.8: greeter, revoked, allowed.
func (s *Service) inviteClaimerStartGreetingAttempt(ctx context.Context, c *Call, req *cloud.InviteClaimerStartGreetingAttemptReq) (cloud.InviteClaimerStartGreetingAttemptRep, error) {
	return writeGuest(ctx, s, c, func(tx *store.Tx, i *tables.Invitation) (cloud.InviteClaimerStartGreetingAttemptRep, error) {
		u, err := tables.GetUser(ctx, tx, c.Org, req.Greeter)
		if err != nil {
			return nil, err
		}
		if u == nil {
			return &cloud.GreeterNotFound{}, nil
		}
		refusal, err := c.refuseGuest(ctx, tx, i, u)
		if refusal != nil || err != nil {
			return refusal, err
		}
		id, err := c.start(ctx, tx, i, u.ID, tables.Claimer)
		return &cloud.InviteClaimerStartGreetingAttemptOK{GreetingAttempt: id}, err
	})
}

// greeterRep is a refusal that all commands of greeters have.
type greeterRep interface {
	cloud.InviteGreeterStartGreetingAttemptRep
	cloud.InviteGreeterCancelGreetingAttemptRep
	cloud.InviteGreeterStepRep
}

// refuseGreeter says why the caller may not greet, nil if nothing is in the way.
func (c *Call) refuseGreeter(ctx context.Context, tx *store.Tx, i *tables.Invitation, now tables.InvitationState) (greeterRep, error) {
	switch now {
	case tables.Finished:
		return &cloud.InvitationCompleted{}, nil
	case tables.Cancelled:
		return &cloud.InvitationCancelled{}, nil
	case tables.Pending:
	}
	u, err := tables.GetUser(ctx, tx, c.Org, c.User)
	if err != nil {
		return nil, err
	}
	may, err := mayGreet(ctx, tx, c.Org, i, u)
	if err != nil || may {
		return nil, err
	}
	return &cloud.AuthorNotAllowed{}, nil
}

// guestRep is a refusal that all commands of claimers about a greeter have.
type guestRep interface {
	cloud.InviteClaimerStartGreetingAttemptRep
	cloud.InviteClaimerCancelGreetingAttemptRep
	cloud.InviteClaimerStepRep
}

// refuseGuest says why a user may not greet the caller, nil if nothing is in the way.
func (c *Call) refuseGuest(ctx context.Context, tx *store.Tx, i *tables.Invitation, greeter *tables.User) (guestRep, error) {
	if greeter.RevokedOn != nil {
		return &cloud.GreeterRevoked{}, nil
	}
	may, err := mayGreet(ctx, tx, c.Org, i, greeter)
	if err != nil || may {
		return nil, err
	}
	return &cloud.GreeterNotAllowed{}, nil
}

// start joins the attempt that goes on. A side that is in it already begins anew: it has lost what it knew.
func (c *Call) start(ctx context.Context, tx *store.Tx, i *tables.Invitation, greeter trust.UserID, side tables.Side) (trust.GreetingAttemptID, error) {
	a, err := tables.ActiveAttempt(ctx, tx, c.Org, i.Num, greeter)
	if err != nil {
		return trust.GreetingAttemptID{}, err
	}
	if a != nil && a.Joined(side) != nil {
		if err := tables.CancelAttempt(ctx, tx, c.Org, a.ID, side, string(cloud.CancelledAutomaticallyCancelled), c.Now); err != nil {
			return trust.GreetingAttemptID{}, err
		}
		if err := tables.TrimAttempts(ctx, tx, c.Org, i.Num, greeter); err != nil {
			return trust.GreetingAttemptID{}, err
		}
		a = nil
	}
	if a == nil {
		a = &tables.Attempt{Invitation: i.Num, Greeter: greeter}
		a.ID.Generate()
		if err := tables.InsertAttempt(ctx, tx, c.Org, a); err != nil {
			return trust.GreetingAttemptID{}, err
		}
	}
	return a.ID, tables.JoinAttempt(ctx, tx, c.Org, a.ID, side, c.Now)
}

// greet finds an attempt of the caller who greets, and its invitation.
func (c *Call) greet(ctx context.Context, tx *store.Tx, id trust.GreetingAttemptID) (*tables.Attempt, *tables.Invitation, greeterRep, error) {
	a, err := tables.GetAttempt(ctx, tx, c.Org, id)
	if err != nil || a == nil || a.Greeter != c.User {
		return nil, nil, nil, err
	}
	i, err := tables.GetInvitation(ctx, tx, c.Org, a.Invitation)
	if err != nil {
		return nil, nil, nil, err
	}
	now, err := invitationState(ctx, tx, c.Org, i)
	if err != nil {
		return nil, nil, nil, err
	}
	refusal, err := c.refuseGreeter(ctx, tx, i, now)
	return a, i, refusal, err
}

// claim finds an attempt of the caller who was invited.
func (c *Call) claim(ctx context.Context, tx *store.Tx, i *tables.Invitation, id trust.GreetingAttemptID) (*tables.Attempt, guestRep, error) {
	a, err := tables.GetAttempt(ctx, tx, c.Org, id)
	if err != nil || a == nil || a.Invitation != i.Num {
		return nil, nil, err
	}
	u, err := tables.GetUser(ctx, tx, c.Org, a.Greeter)
	if err != nil {
		return nil, nil, err
	}
	refusal, err := c.refuseGuest(ctx, tx, i, u)
	return a, refusal, err
}

// emitGreeter tells the greeter of an attempt.
func (c *Call) emitGreeter(tx *store.Tx, a *tables.Attempt, e cloud.EventsListenRep) error {
	told, err := events.New(c.Org, events.To(a.Greeter), e)
	if err == nil {
		tx.Emit(told)
	}
	return err
}
