package enrol

import (
	"context"
	"errors"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/session"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// restore makes a new device of a user who has none any more, with a recovery device: one that shares opened (docs/spec/parsec-cloud-client.md 2.6), or one out of
// a file (2.7).
//
// Shares, and then the recovery device, are in the entry as soon as they are here, so that nobody has to be asked twice.
type restore struct {
	claim
	// lost is the recovery device, nil as long as there is none.
	lost *trust.LocalDevice
}

// Restore returns the flow that makes a new device with the recovery device of a file. It takes that over, and wipes it. What was begun with this file goes on.
func (d *Desk) Restore(lost *trust.LocalDevice) (Flow, error) {
	r := &restore{claim: claim{newcomer: newcomer{Desk: d}}, lost: lost}
	digest := RecoveryID(lost.DeviceID)
	var err error
	r.resume, err = d.journal.first(func(e *Entry) bool { return e.Work == WorkRecover && e.Invitation == digest })
	if err != nil && !errors.Is(err, ErrNoEntry) {
		return nil, err
	}
	return r, nil
}

// RecoveryID is by what the recovery device of a file is recognised in the journal.
func RecoveryID(device trust.DeviceID) trust.HashDigest {
	return trust.Digest([]byte("parsec-agent recovery " + device.String()))
}

// Run restores, or goes on where it was interrupted.
func (r *restore) Run(ctx context.Context, p Person) (Result, error) {
	r.p, r.ctx, r.clean = p, ctx, r.resume == nil
	defer func() {
		if r.lost != nil {
			r.lost.Wipe()
		}
		r.close()
	}()
	if err := r.run(ctx); err != nil {
		return Result{}, r.leave(ctx, err)
	}
	r.tell(Notice{Event: EventDone, Peer: r.peer})
	return r.result(), nil
}

func (r *restore) run(ctx context.Context) (err error) {
	if r.resume != nil {
		err = r.again(ctx)
	}
	if known := r.address != nil || r.lost != nil; r.resume == nil && known || r.anew(err) && known {
		err = r.begin(ctx)
	}
	if err == nil && r.lost != nil && r.secrets.Reply == nil {
		err = r.found(r.lost) // a crash came before it was kept
	}
	if err != nil {
		return err
	}
	if r.lost == nil && r.address == nil {
		return lost("the recovery file is needed once more", ErrLost)
	}
	if r.lost == nil {
		if err := r.gather(ctx); err != nil {
			return err
		}
	}
	made, err := r.device()
	if err != nil {
		return err
	}
	if r.entry.Stage != StageSaved {
		if err := r.certify(ctx, made); err != nil {
			return err
		}
		if err := r.save(ctx, made); err != nil {
			return err
		}
	}
	if err := r.conclude(ctx, made); err != nil {
		return err
	}
	return r.finish(ctx)
}

// again goes on with what the journal has.
func (r *restore) again(ctx context.Context) (err error) {
	if err := r.reopen(ctx); err != nil {
		return err
	}
	r.clean = r.entry.Stage == StageKept
	if r.secrets.Reply != nil && r.lost == nil {
		if r.lost, err = trust.OpenLocalDevice(r.secrets.Reply, r.key, nil); err != nil {
			return lost("the recovery device in the journal cannot be opened", err)
		}
	}
	if r.address == nil && r.secrets.Token != nil {
		token, err := copyToken(r.secrets.Token)
		if err != nil {
			return err
		}
		r.address = &trust.InvitationAddress{Type: trust.InviteShamirRecovery, Token: *token}
		r.address.Server, r.address.Organization = r.entry.Server, r.entry.Organization
	}
	return r.reach()
}

// reach makes the client, and the caller of an invitation.
func (r *restore) reach() (err error) {
	if r.address != nil {
		return r.dial()
	}
	r.client, err = r.o.Dial(r.entry.Server)
	return err
}

// begin asks how the new device is to be called and protected, and keeps its keys.
func (r *restore) begin(ctx context.Context) (err error) {
	r.entry = Entry{Work: WorkRecover}
	var human trust.HumanHandle
	if r.address != nil {
		r.entry.Server, r.entry.Organization = r.address.Server, r.address.Organization
		if r.entry.Invitation, err = tokenDigest(r.address.Token); err != nil {
			return err
		}
		if r.secrets.Token, err = copyToken(&r.address.Token); err != nil {
			return err
		}
	} else {
		r.entry.Server, r.entry.Organization, human = r.lost.Server, r.lost.OrganizationID, r.lost.HumanHandle
		r.entry.Invitation = RecoveryID(r.lost.DeviceID)
	}
	if err := r.reach(); err != nil {
		return err
	}
	if r.address != nil {
		if _, human, err = r.greeters(ctx); err != nil {
			return err
		}
	}
	d, err := describe(ctx, r.p, Correct{Side: SideClaimer})
	if err != nil {
		return err
	}
	return r.newcomer.begin(ctx, human, d.Label)
}

// found keeps the recovery device: what opened it is not needed any more.
func (r *restore) found(device *trust.LocalDevice) (err error) {
	r.lost = device
	if r.secrets.Reply, err = device.Seal(r.key, nil); err != nil {
		return err
	}
	r.secrets.Held = nil
	return r.keep()
}

// device is the new one: the keys that were kept, as one of the user who comes back. It is wiped with them.
func (r *restore) device() (*trust.LocalDevice, error) {
	made := *r.keys
	for _, old := range []interface{ Wipe() }{made.PrivateKey, made.UserRealmKey} {
		old.Wipe()
	}
	if err := sameUser(&made, r.lost); err != nil {
		return nil, err
	}
	*r.keys = made
	return r.keys, nil
}

// certify has the recovery device certify the new one. Asked again, the server knows it already.
func (r *restore) certify(ctx context.Context, made *trust.LocalDevice) error {
	if r.entry.Stage == StageKept {
		r.clean = false
		if err := r.stage(StageAsked); err != nil {
			return err
		}
	}
	caller := r.client.Device(r.lost.OrganizationID, r.lost.DeviceID, r.lost.SigningKey)
	at, err := r.now()
	if err != nil {
		return err
	}
	for range maxAsked {
		var rep cloud.DeviceCreateRep
		err := online(ctx, r.pace, r.tell, func(ctx context.Context) error {
			req, err := certifyDevice(r.lost, made, trust.StandardDevice, at)
			if err == nil {
				rep, err = cloud.Do(ctx, caller, req)
			}
			return err
		})
		if err != nil {
			return err
		}
		switch rep := rep.(type) {
		case *cloud.OK, *cloud.DeviceAlreadyExists:
			r.tell(Notice{Event: EventCertified})
			return nil
		case *cloud.RequireGreaterTimestamp:
			if at, err = session.Later(r.o.Now(), rep.StrictlyGreaterThan, session.UserGap); err != nil {
				return err
			}
		default:
			return refusal(rep)
		}
	}
	return session.ErrBusy
}

// conclude marks the invitation as used.
func (r *restore) conclude(ctx context.Context, made *trust.LocalDevice) error {
	if r.address == nil {
		return nil
	}
	caller := r.client.Device(made.OrganizationID, made.DeviceID, made.SigningKey)
	return online(ctx, r.pace, r.tell, func(ctx context.Context) error { return complete(ctx, caller, r.address.Token) })
}
