package enrol

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// gather is greeted by one holder of shares after the other, until there are enough, and has them opened.
func (r *restore) gather(ctx context.Context) error {
	for {
		all, err := r.open()
		if err != nil {
			return err
		}
		enough := len(all) > 0 && r.threshold > 0 && len(all) >= r.threshold
		if enough {
			err = r.reveal(ctx, all)
		}
		wipeShares(all)
		if enough {
			return err
		}
		if err := r.meetHolder(ctx); err != nil {
			return err
		}
	}
}

// open returns all shares that are here.
func (r *restore) open() (all []trust.Share, err error) {
	for _, h := range r.secrets.Held {
		c := trust.InviteShamirRecoveryConfirmation{}
		if err := trust.Decrypt(h.Sealed, r.key, &c); err != nil {
			wipeShares(all)
			return nil, lost("the shares in the journal cannot be opened", err)
		}
		all = append(all, c.WeightedShare...)
	}
	return all, nil
}

// holders are those who may hand over shares that are not here yet.
func (c *claim) holders(rep *cloud.InviteInfoShamirRecovery) (all []Peer) {
	c.threshold = int(rep.Threshold)
	for _, h := range rep.Recipients {
		if h.RevokedOn == nil && !c.has(h.UserID) {
			all = append(all, Peer{Side: SideGreeter, User: h.UserID, Human: h.HumanHandle})
		}
	}
	return all
}

// has reports whether somebody's shares are here.
func (c *claim) has(id trust.UserID) bool {
	for _, h := range c.secrets.Held {
		if h.Holder == id {
			return true
		}
	}
	return false
}

// meetHolder makes attempts until somebody has handed over shares.
func (r *restore) meetHolder(ctx context.Context) error {
	r.asked, r.chosen = false, Greeter{}
	all, _, err := r.greeters(ctx)
	switch {
	case err != nil:
		return err
	case r.threshold <= r.weight():
		return nil // which was not known after an interruption
	case len(all) == 0:
		return unusable("nobody is left who holds shares, and those that are here do not suffice", nil)
	}
	err = r.attempt(ctx)
	for err != nil {
		over, is := errors.AsType[*OverError](err)
		if !is && !errors.Is(err, errNoGreeter) {
			return err
		}
		r.tell(overNotice(r.peer, over, err))
		if err := r.patience.again(ctx, r.p, r.peer, over, err); err != nil {
			return err
		}
		err = r.attempt(ctx)
	}
	return nil
}

// weight is how many shares are here.
func (r *restore) weight() int {
	all, err := r.open()
	if err != nil {
		return 0
	}
	defer wipeShares(all)
	return len(all)
}

// attempt goes through one attempt with a holder of shares.
func (r *restore) attempt(ctx context.Context) error {
	m, err := r.meet(ctx)
	if err != nil {
		return err
	}
	defer m.own.Wipe()
	return r.withLine(ctx, m.line, func() error {
		r.tell(Notice{Event: EventMet, Peer: r.peer})
		ch, err := claimerChannel(ctx, m.line, m.own, m.peer)
		if err != nil {
			return err
		}
		defer ch.shared.Wipe()
		if err := r.compare(ctx, m.line, ch); err != nil {
			return err
		}
		return r.take(ctx, m.line, ch)
	})
}

// take gets the shares of the holder, and keeps them before it says so.
func (r *restore) take(ctx context.Context, l *claimerLine, ch *channel) error {
	r.tell(Notice{Event: EventWorking, Peer: r.peer})
	payload, err := trust.Encrypt(&trust.InviteShamirRecoveryData{}, ch.shared)
	if err != nil {
		return err
	}
	step, err := l.exchange(ctx, &cloud.ClaimerStep6SendPayload{ClaimerPayload: payload})
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
	c := trust.InviteShamirRecoveryConfirmation{}
	switch err := trust.Decrypt(peer.GreeterPayload, ch.shared, &c); {
	case errors.Is(err, trust.ErrDecryption):
		return l.fail(ctx, cloud.CancelledUndecipherablePayload)
	case err != nil:
		return l.fail(ctx, cloud.CancelledUndeserializablePayload)
	case len(c.WeightedShare) == 0:
		return l.fail(ctx, cloud.CancelledInconsistentPayload)
	}
	defer wipeShares(c.WeightedShare)
	sealed, err := trust.Encrypt(&c, r.key)
	if err != nil {
		return err
	}
	r.secrets.Held = append(r.secrets.Held, held{Holder: r.peer.User, Sealed: sealed})
	if err := r.keep(); err != nil {
		return err
	}
	r.tell(Notice{Event: EventShares, Peer: r.peer})
	_, _, err = l.ask(ctx, &cloud.ClaimerStep8Acknowledge{})
	if err != nil && ctx.Err() == nil {
		r.log.Debug("shares_not_acknowledged", "error", err) // they are here
		return nil
	}
	return err
}

// reveal opens the recovery device with shares that suffice. Shares that do not fit together are forgotten.
func (r *restore) reveal(ctx context.Context, all []trust.Share) error {
	secret, err := trust.CombineRecovery(all, r.threshold)
	if err != nil {
		return r.forgetShares("the shares do not fit together", err)
	}
	defer secret.DataKey.Wipe()
	defer secret.RevealToken.Wipe()
	var rep cloud.InviteShamirRecoveryRevealRep
	err = online(ctx, r.pace, r.tell, func(ctx context.Context) (err error) {
		rep, err = cloud.Do(ctx, r.caller, &cloud.InviteShamirRecoveryRevealReq{RevealToken: secret.RevealToken})
		return err
	})
	if err != nil {
		return err
	}
	switch rep := rep.(type) {
	case *cloud.InviteShamirRecoveryRevealOK:
		device, err := trust.OpenLocalDevice(rep.CipheredData, secret.DataKey, nil)
		if err != nil {
			return meddling("what the shares open is something else")
		}
		return r.accept(device)
	case *cloud.BadRevealToken:
		return r.forgetShares("the shares are of another recovery", nil)
	default:
		return unexpected(rep)
	}
}

// accept keeps a recovery device that fits the invitation. Where the server is known by several addresses, that of the invitation counts.
func (r *restore) accept(device *trust.LocalDevice) error {
	if device.OrganizationID != r.entry.Organization || device.RootVerifyKey.Check() != nil {
		device.Wipe()
		return meddling(fmt.Sprintf("the shares open a device of organisation %s", device.OrganizationID))
	}
	device.Server = r.entry.Server
	return r.found(device)
}

// forgetShares begins with the holders anew.
func (r *restore) forgetShares(reason string, err error) error {
	r.secrets.Held = nil
	return errors.Join(&wire.Error{Status: wire.StatusBadState, Reason: reason, Err: errors.Join(ErrInvitation, err), Remedy: "claim the recovery again, with holders of the last set-up"}, r.keep())
}
