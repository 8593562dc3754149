package enrol

import (
	"context"
	"errors"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// request makes what the claimer asks for, and keeps it with what opens the answer: from here on the keys may be certified.
func (c *claim) request(l *claimerLine, ch *channel) (err error) {
	shared, err := ch.shared.Export()
	if err != nil {
		return err
	}
	defer clear(shared)
	key, err := trust.NewSecretKey(shared)
	if err != nil {
		return err
	}
	verify, err := c.keys.SigningKey.VerifyKey()
	if err != nil {
		return err
	}
	var payload []byte
	if c.entry.Work == WorkClaimUser {
		data := &trust.InviteUserData{RequestedDeviceLabel: *c.entry.Label, RequestedHumanHandle: *c.entry.Human, VerifyKey: verify}
		if data.PublicKey, err = c.keys.PrivateKey.Public(); err != nil {
			return err
		}
		payload, err = trust.Encrypt(data, key)
	} else {
		payload, err = trust.Encrypt(&trust.InviteDeviceData{RequestedDeviceLabel: *c.entry.Label, VerifyKey: verify}, key)
	}
	if err != nil {
		return err
	}
	if c.secrets.Shared != nil {
		c.secrets.Shared.Wipe()
	}
	c.secrets.Attempt, c.secrets.Greeter, c.secrets.Shared, c.secrets.Payload = &l.id, &c.peer.User, &key, payload
	c.clean = false
	return c.stage(StageAsked)
}

// answer sends the request and keeps the greeter's answer.
func (c *claim) answer(ctx context.Context, l *claimerLine) error {
	c.tell(Notice{Event: EventWorking, Peer: c.peer})
	step, err := l.exchange(ctx, &cloud.ClaimerStep6SendPayload{ClaimerPayload: c.secrets.Payload})
	if err != nil {
		return err
	}
	if _, err := want[*cloud.GreeterStep6GetPayload](step); err != nil {
		return err
	}
	if step, err = l.exchange(ctx, &cloud.ClaimerStep7GetPayload{}); err != nil {
		return err
	}
	peer, err := want[*cloud.GreeterStep7SendPayload](step)
	if err != nil {
		return err
	}
	c.secrets.Reply = peer.GreeterPayload
	d, err := c.confirmed()
	switch {
	case errors.Is(err, trust.ErrDecryption):
		return l.fail(ctx, cloud.CancelledUndecipherablePayload)
	case errors.Is(err, errInconsistent):
		return l.fail(ctx, cloud.CancelledInconsistentPayload)
	case err != nil:
		return l.fail(ctx, cloud.CancelledUndeserializablePayload)
	}
	c.wipeNew(d)
	c.tell(Notice{Event: EventCertified, Peer: c.peer})
	return c.stage(StageConfirmed)
}

// resumeAttempt goes on with the attempt in which the keys were sent.
func (c *claim) resumeAttempt(ctx context.Context) error {
	l := c.line(*c.secrets.Attempt)
	c.peer = Peer{Side: SideGreeter, User: *c.secrets.Greeter}
	return c.withLine(ctx, l, func() error { return c.answer(ctx, l) })
}

var errInconsistent = errors.New("the greeter's answer contradicts itself")

// confirmed is the device that the greeter's answer makes of the keys. What is new in it is wiped by wipeNew.
func (c *claim) confirmed() (*trust.LocalDevice, error) {
	d := *c.keys
	if c.entry.Work == WorkClaimUser {
		a := &trust.InviteUserConfirmation{}
		if err := trust.Decrypt(c.secrets.Reply, *c.secrets.Shared, a); err != nil {
			return nil, err
		}
		d.UserID, d.DeviceID, d.DeviceLabel, d.HumanHandle = a.UserID, a.DeviceID, a.DeviceLabel, a.HumanHandle
		d.InitialProfile, d.RootVerifyKey = a.Profile, a.RootVerifyKey
	} else {
		a := &trust.InviteDeviceConfirmation{}
		if err := trust.Decrypt(c.secrets.Reply, *c.secrets.Shared, a); err != nil {
			return nil, err
		}
		d.UserID, d.DeviceID, d.DeviceLabel, d.HumanHandle = a.UserID, a.DeviceID, a.DeviceLabel, a.HumanHandle
		d.InitialProfile, d.RootVerifyKey = a.Profile, a.RootVerifyKey
		d.PrivateKey, d.UserRealmID, d.UserRealmKey = a.PrivateKey, a.UserRealmID, a.UserRealmKey
	}
	if d.RootVerifyKey.Check() != nil {
		c.wipeNew(&d)
		return nil, errInconsistent
	}
	return &d, nil
}

// wipeNew clears what confirmed took from an answer.
func (c *claim) wipeNew(d *trust.LocalDevice) {
	if c.entry.Work == WorkClaimDevice {
		d.PrivateKey.Wipe()
		d.UserRealmKey.Wipe()
	}
}

// acknowledge tells the greeter that the device is saved. Where the attempt is over, the device itself ends the invitation.
func (c *claim) acknowledge(ctx context.Context, d *trust.LocalDevice) error {
	err := online(ctx, c.pace, c.tell, func(ctx context.Context) error {
		_, _, err := c.line(*c.secrets.Attempt).ask(ctx, &cloud.ClaimerStep8Acknowledge{})
		return err
	})
	_, over := errors.AsType[*OverError](err)
	if err == nil || !over && !errors.Is(err, errNoGreeter) && !errors.Is(err, cloud.ErrInvitationGone) {
		return err
	}
	if errors.Is(err, cloud.ErrInvitationGone) {
		return nil
	}
	caller := c.client.Device(d.OrganizationID, d.DeviceID, d.SigningKey)
	return online(ctx, c.pace, c.tell, func(ctx context.Context) error { return complete(ctx, caller, c.address.Token) })
}

// line is an attempt with a greeter, over the server.
func (c *claim) line(id trust.GreetingAttemptID) *claimerLine {
	return &claimerLine{
		side: SideClaimer, id: id, pace: c.pace, tell: c.tell,
		ask: func(ctx context.Context, own cloud.ClaimerStep) (cloud.GreeterStep, bool, error) {
			rep, err := cloud.Do(ctx, c.caller, &cloud.InviteClaimerStepReq{GreetingAttempt: id, ClaimerStep: own})
			if err != nil {
				return nil, false, err
			}
			switch rep := rep.(type) {
			case *cloud.InviteClaimerStepOK:
				return rep.GreeterStep, true, nil
			case *cloud.NotReady:
				return nil, false, nil
			case *cloud.GreetingAttemptCancelled:
				return nil, false, over(rep.Origin, rep.Reason)
			case *cloud.GreetingAttemptNotFound, *cloud.GreetingAttemptNotJoined, *cloud.StepMismatch, *cloud.StepTooAdvanced:
				return nil, false, gone()
			case *cloud.GreeterRevoked, *cloud.GreeterNotAllowed:
				return nil, false, unusable("the greeter may not greet any more", errNoGreeter)
			default:
				return nil, false, unexpected(rep)
			}
		},
		end: func(ctx context.Context, reason cloud.CancelledGreetingAttemptReason) error {
			_, err := cloud.Do(ctx, c.caller, &cloud.InviteClaimerCancelGreetingAttemptReq{GreetingAttempt: id, Reason: reason})
			return err
		},
	}
}
