package enrol

import (
	"context"
	"errors"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// request is what a claimer asks for.
type request struct {
	public trust.PublicKey // only of a user
	verify trust.VerifyKey
	Details
}

// attempt goes through one attempt, from the start to the claimer's acknowledgement.
func (g *greet) attempt(ctx context.Context) error {
	l, err := g.start(ctx)
	if err != nil {
		return err
	}
	return g.withLine(ctx, l, func() error {
		g.tell(Notice{Event: EventWaiting})
		own := trust.GeneratePrivateKey()
		defer own.Wipe()
		peer, err := g.meet(ctx, l, own)
		if err != nil {
			return err
		}
		g.tell(Notice{Event: EventMet})
		ch, err := greeterChannel(ctx, l, own, peer)
		if err != nil {
			return err
		}
		defer ch.shared.Wipe()
		if err := g.compare(ctx, l, ch); err != nil {
			return err
		}
		if g.recovers() {
			return g.handOver(ctx, l, ch)
		}
		if err := g.certify(ctx, l, ch); err != nil {
			return err
		}
		return g.deliver(ctx, l)
	})
}

// withLine does the work of an attempt. What the person cancels, or what fails before anything was certified, the claimer is told.
func (g *greet) withLine(ctx context.Context, l *greeterLine, work func() error) error {
	err := work()
	if err == nil {
		return nil
	}
	_, over := errors.AsType[*OverError](err)
	interrupted := ctx.Err() != nil && !cancelled(context.Cause(ctx))
	if cancelled(err) || !over && !interrupted && g.entry.ID == (EntryID{}) {
		l.hangUp(ctx, cloud.CancelledManuallyCancelled)
	}
	return err
}

// start joins an attempt.
func (g *greet) start(ctx context.Context) (*greeterLine, error) {
	var rep cloud.InviteGreeterStartGreetingAttemptRep
	err := online(ctx, g.pace, g.tell, func(ctx context.Context) (err error) {
		rep, err = cloud.Do(ctx, g.s.Client(), &cloud.InviteGreeterStartGreetingAttemptReq{Token: g.token})
		return err
	})
	if err != nil {
		return nil, err
	}
	switch rep := rep.(type) {
	case *cloud.InviteGreeterStartGreetingAttemptOK:
		return g.line(rep.GreetingAttempt), nil
	case *cloud.InvitationNotFound:
		return nil, unusable("the server does not know the invitation any more", nil)
	case *cloud.InvitationCompleted:
		return nil, errCompleted
	case *cloud.InvitationCancelled:
		return nil, unusable("the invitation was cancelled", nil)
	case *cloud.AuthorNotAllowed:
		return nil, refused("you may not greet who was invited", "ask an administrator of the organisation")
	default:
		return nil, unexpected(rep)
	}
}

// meet waits for the claimer.
func (g *greet) meet(ctx context.Context, l *greeterLine, own trust.PrivateKey) (trust.PublicKey, error) {
	public, err := own.Public()
	if err != nil {
		return trust.PublicKey{}, err
	}
	step, err := l.exchange(ctx, &cloud.GreeterStep0WaitPeer{PublicKey: public})
	if err != nil {
		return trust.PublicKey{}, err
	}
	peer, err := want[*cloud.ClaimerStep0WaitPeer](step)
	if err != nil {
		return trust.PublicKey{}, err
	}
	return peer.PublicKey, nil
}

// compare has both people compare the codes: first the greeter's.
func (g *greet) compare(ctx context.Context, l *greeterLine, ch *channel) error {
	err := sayCode(ctx, g.p, g.peer, ch.greeter, func(ctx context.Context) error {
		step, err := l.exchange(ctx, &cloud.GreeterStep4WaitPeerTrust{})
		if err != nil {
			return err
		}
		_, err = want[*cloud.ClaimerStep4SignifyTrust](step)
		return err
	})
	if err != nil {
		return err
	}
	g.tell(Notice{Event: EventHeard})
	right, err := chooseCode(ctx, g.p, g.peer, ch.claimer, l.stays)
	if err != nil {
		return err
	}
	if !right {
		return l.fail(ctx, cloud.CancelledInvalidSasCode)
	}
	step, err := l.exchange(ctx, &cloud.GreeterStep5SignifyTrust{})
	if err != nil {
		return err
	}
	_, err = want[*cloud.ClaimerStep5WaitPeerTrust](step)
	return err
}

// receive gets what the claimer asks for.
func (g *greet) receive(ctx context.Context, l *greeterLine, ch *channel) (*request, error) {
	g.tell(Notice{Event: EventWorking})
	step, err := l.exchange(ctx, &cloud.GreeterStep6GetPayload{})
	if err != nil {
		return nil, err
	}
	peer, err := want[*cloud.ClaimerStep6SendPayload](step)
	if err != nil {
		return nil, err
	}
	var r *request
	if g.invitation.Address.Type == trust.InviteUser {
		data := &trust.InviteUserData{}
		err = trust.Decrypt(peer.ClaimerPayload, ch.shared, data)
		r = &request{data.PublicKey, data.VerifyKey, Details{Human: &data.RequestedHumanHandle, Label: data.RequestedDeviceLabel}}
	} else {
		data := &trust.InviteDeviceData{}
		err = trust.Decrypt(peer.ClaimerPayload, ch.shared, data)
		r = &request{verify: data.VerifyKey, Details: Details{Label: data.RequestedDeviceLabel}}
	}
	switch {
	case errors.Is(err, trust.ErrDecryption):
		return nil, l.fail(ctx, cloud.CancelledUndecipherablePayload)
	case err != nil:
		return nil, l.fail(ctx, cloud.CancelledUndeserializablePayload)
	case r.verify.Check() != nil || r.Human != nil && r.public.Check() != nil:
		return nil, l.fail(ctx, cloud.CancelledInconsistentPayload)
	}
	return r, nil
}

// deliver sends the answer and waits until the claimer has it on disk.
func (g *greet) deliver(ctx context.Context, l *greeterLine) error {
	step, err := l.exchange(ctx, &cloud.GreeterStep7SendPayload{GreeterPayload: g.secrets.Payload})
	if err != nil {
		return err
	}
	if _, err := want[*cloud.ClaimerStep7GetPayload](step); err != nil {
		return err
	}
	if step, err = l.exchange(ctx, &cloud.GreeterStep8WaitPeerAcknowledgment{}); err != nil {
		return err
	}
	_, err = want[*cloud.ClaimerStep8Acknowledge](step)
	return err
}

// line is an attempt with a claimer, over the server.
func (g *greet) line(id trust.GreetingAttemptID) *greeterLine {
	return &greeterLine{
		side: SideGreeter, id: id, pace: g.pace, tell: g.tell,
		ask: func(ctx context.Context, own cloud.GreeterStep) (cloud.ClaimerStep, bool, error) {
			rep, err := cloud.Do(ctx, g.s.Client(), &cloud.InviteGreeterStepReq{GreetingAttempt: id, GreeterStep: own})
			if err != nil {
				return nil, false, err
			}
			switch rep := rep.(type) {
			case *cloud.InviteGreeterStepOK:
				return rep.ClaimerStep, true, nil
			case *cloud.NotReady:
				return nil, false, nil
			case *cloud.GreetingAttemptCancelled:
				return nil, false, over(rep.Origin, rep.Reason)
			case *cloud.GreetingAttemptNotFound, *cloud.GreetingAttemptNotJoined, *cloud.StepMismatch, *cloud.StepTooAdvanced:
				return nil, false, gone()
			case *cloud.InvitationCompleted:
				return nil, false, errCompleted
			case *cloud.InvitationCancelled:
				return nil, false, unusable("the invitation was cancelled", nil)
			case *cloud.AuthorNotAllowed:
				return nil, false, refused("you may not greet who was invited any more", "ask an administrator of the organisation")
			default:
				return nil, false, unexpected(rep)
			}
		},
		end: func(ctx context.Context, reason cloud.CancelledGreetingAttemptReason) error {
			_, err := cloud.Do(ctx, g.s.Client(), &cloud.InviteGreeterCancelGreetingAttemptReq{GreetingAttempt: id, Reason: reason})
			return err
		},
	}
}
