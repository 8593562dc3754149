package enrol

import (
	"context"
	"errors"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// recovers reports whether the invitation is to a shared recovery, whose shares the greeter hands over.
func (g *greet) recovers() bool { return g.invitation.Address.Type == trust.InviteShamirRecovery }

// prepareShares says whom the shares are for, and refuses who has none.
func (g *greet) prepareShares() error {
	owner := g.invitation.Claimer
	g.peer.User = owner
	return g.s.View(func(all *trust.Store) error {
		if u, ok := all.User(owner, endOfTime); ok && u.Certificate.HumanHandle != nil {
			g.peer.Human = *u.Certificate.HumanHandle
		}
		_, err := shareOf(all, owner)
		return err
	})
}

// shareOf returns the shares that this user holds of a recovery that is in force.
func shareOf(all *trust.Store, owner trust.UserID) (*trust.ShamirRecoveryShareCertificate, error) {
	r, ok := all.Recovery(owner)
	switch {
	case !ok || r.Share == nil:
		return nil, refused("you hold no share of this recovery", "ask somebody who does")
	case r.Deleted != nil:
		return nil, unusable("the recovery was deleted", nil)
	}
	return r.Share, nil
}

// handOver gives the claimer, whose voice was heard, the greeter's shares.
func (g *greet) handOver(ctx context.Context, l *greeterLine, ch *channel) error {
	g.tell(Notice{Event: EventWorking})
	step, err := l.exchange(ctx, &cloud.GreeterStep6GetPayload{})
	if err != nil {
		return err
	}
	peer, err := want[*cloud.ClaimerStep6SendPayload](step)
	if err != nil {
		return err
	}
	switch err := trust.Decrypt(peer.ClaimerPayload, ch.shared, &trust.InviteShamirRecoveryData{}); {
	case errors.Is(err, trust.ErrDecryption):
		return l.fail(ctx, cloud.CancelledUndecipherablePayload)
	case err != nil:
		return l.fail(ctx, cloud.CancelledUndeserializablePayload)
	}
	if g.secrets.Payload, err = g.sealShares(ch.shared); err != nil {
		return err
	}
	return g.deliver(ctx, l)
}

// sealShares opens the greeter's shares and seals them for the claimer.
func (g *greet) sealShares(shared trust.SecretKey) (sealed []byte, err error) {
	var c *trust.ShamirRecoveryShareCertificate
	var author trust.VerifyKey
	err = g.s.View(func(all *trust.Store) (err error) {
		if c, err = shareOf(all, g.invitation.Claimer); err != nil {
			return err
		}
		author, err = all.DeviceKey(c.Author, c.Timestamp)
		return err
	})
	if err != nil {
		return nil, err
	}
	err = g.s.Use(func(d *trust.LocalDevice) error {
		data, err := trust.OpenShareData(c, d.PrivateKey, author)
		if err != nil {
			return &wire.Error{Status: wire.StatusDataCorrupt, Reason: "your shares of this recovery cannot be opened: " + err.Error(), Err: err, Remedy: "ask another person who holds shares"}
		}
		sealed, err = trust.Encrypt(&trust.InviteShamirRecoveryConfirmation{WeightedShare: data.WeightedShare}, shared)
		wipeShares(data.WeightedShare)
		return err
	})
	return sealed, err
}

func wipeShares(all []trust.Share) {
	for i := range all {
		all[i].Wipe()
	}
}

// handedOver is the end for a holder of shares: the invitation stays open for the others.
func (g *greet) handedOver(completed error) error {
	if completed != nil {
		return unusable("the recovery has come to its end already", completed)
	}
	return nil
}
