package enrol

import (
	"context"
	"errors"

	"github.com/seed-73b3884f/parsec-agent/device"
	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// newcomer is what somebody who enrols has, whoever certifies the keys. The order in which things come to disk: the entry, the reserved keys; then what the
// protocol says; then the device, the stage that says so, and what the other side is told; then the reservation goes, and the entry. A crash between any two
// leaves what the next start goes on with, or nothing.
type newcomer struct {
	*Desk
	p      Person
	resume *file // what the journal had, nil for a new enrolment

	entry   Entry
	secrets secrets
	key     trust.SecretKey    // of the sealed part
	keys    *trust.LocalDevice // as reserved
	protect device.Protection
	client  *cloud.Client
	release func()
	// clean says that nobody can have certified the keys: they may go when the flow ends without success.
	clean bool
	ctx   context.Context //nolint:containedctx // of Run, for notices
}

func (n *newcomer) tell(notice Notice) { n.p.Tell(n.ctx, notice) }

// close wipes what the flow had. The entry stays as it is.
func (n *newcomer) close() {
	clear(n.protect.Password)
	n.secrets.wipe()
	n.key.Wipe()
	if n.keys != nil {
		n.keys.Wipe()
	}
	if n.client != nil {
		n.client.Close()
	}
	if n.release != nil {
		n.release()
	}
}

// hold lets no other flow work on the entry.
func (n *newcomer) hold(id EntryID) (err error) {
	n.release, err = n.journal.hold(id)
	return err
}

// begin makes the keys, and keeps them under the protection that the person chooses. The entry says what for.
func (n *newcomer) begin(ctx context.Context, human trust.HumanHandle, label trust.DeviceLabel) (err error) {
	n.entry.ID, n.entry.Stage = newEntryID(), StageKept
	if err := n.hold(n.entry.ID); err != nil {
		return err
	}
	n.keys = &trust.LocalDevice{
		Server: n.entry.Server, OrganizationID: n.entry.Organization, UserID: trust.NewUserID(), DeviceID: trust.NewDeviceID(), DeviceLabel: label, HumanHandle: human,
		SigningKey: trust.GenerateSigningKey(), PrivateKey: trust.GeneratePrivateKey(), InitialProfile: trust.Standard, UserRealmID: trust.NewRealmID(),
		UserRealmKey: trust.GenerateSecretKey(), LocalSymkey: trust.GenerateSecretKey(),
	}
	n.entry.Holder = n.keys.DeviceID
	n.entry.Human, n.entry.Label = &human, &label
	if n.key, err = sealKey(n.keys); err != nil {
		return err
	}
	if n.entry.Began, err = n.now(); err != nil {
		return err
	}
	return n.reserve(ctx)
}

// reserve asks for a protection until one does.
func (n *newcomer) reserve(ctx context.Context) error {
	q := ChooseProtection{Organization: n.entry.Organization, Label: *n.entry.Label}
	for range maxAsked {
		chosen, err := ask[Protection](ctx, n.p, q)
		if err != nil {
			return err
		}
		n.protect = chosen.Protection
		n.entry.protect(n.protect)
		if err := n.keep(); err != nil {
			return err
		}
		if q.Wrong = n.o.Devices.Reserve(ctx, n.keys, n.protect); q.Wrong == nil {
			n.tell(Notice{Event: EventKeysKept})
			return nil
		}
		clear(n.protect.Password)
		if err := n.journal.remove(n.entry.ID); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	return q.Wrong
}

// keep writes the entry as it is now.
func (n *newcomer) keep() error { return n.write(&n.entry, &n.secrets, n.key) }

// stage writes that the entry has come further.
func (n *newcomer) stage(s Stage) error {
	n.entry.Stage = s
	return n.keep()
}

// reopen has the person open the keys that are reserved. The error is ErrLost where there are none.
func (n *newcomer) reopen(ctx context.Context) error {
	if err := n.hold(n.resume.ID); err != nil {
		return err
	}
	n.entry = n.resume.Entry
	// Without the keys nothing can be known but the stage.
	n.clean = n.entry.Stage == StageKept
	q := GiveSecret{Organization: n.entry.Organization, Label: *n.entry.Label, Protection: device.Kind(n.entry.Protection)}
	for range maxAsked {
		given := Secret{}
		if q.Protection.NeedsPassword() {
			var err error
			if given, err = ask[Secret](ctx, n.p, q); err != nil {
				return err
			}
		}
		n.protect = n.entry.protection(given.Password)
		keys, err := n.o.Devices.Reserved(ctx, n.entry.Holder, given.Secret)
		if err == nil {
			n.keys = keys
			return n.unseal()
		}
		clear(given.Password)
		if errors.Is(err, device.ErrNotFound) {
			return n.keyless(err)
		}
		if q.Wrong = err; !errors.Is(err, device.ErrSecret) && !errors.Is(err, device.ErrWait) || !q.Protection.NeedsPassword() {
			return err
		}
	}
	return q.Wrong
}

// anew forgets an entry whose keys never came to disk. It reports whether that is so.
func (n *newcomer) anew(err error) bool {
	if !errors.Is(err, ErrLost) || n.entry.Stage != StageKept || n.journal.remove(n.entry.ID) != nil {
		return false
	}
	n.release()
	n.release, n.resume, n.entry = nil, nil, Entry{}
	return true
}

// unseal opens the sealed part of the entry.
func (n *newcomer) unseal() (err error) {
	if n.key, err = sealKey(n.keys); err != nil {
		return err
	}
	s, err := n.resume.open(n.key)
	if err != nil {
		return &wire.Error{Status: wire.StatusDataCorrupt, Reason: "the entry of the journal cannot be opened: " + err.Error(), Err: err, Remedy: "give the enrolment up, and begin anew"}
	}
	n.secrets = *s
	return nil
}

// keyless is an entry whose keys are not on disk. As long as nobody was asked for anything, nothing is lost with it.
func (n *newcomer) keyless(err error) error {
	if !n.clean {
		return lost("its keys are not on disk", err)
	}
	return &wire.Error{
		Status: wire.StatusBadState, Reason: "it was interrupted before its keys were on disk, and nobody was asked to certify them", Err: errors.Join(ErrLost, err), Remedy: "repeat the command, which begins anew",
	}
}

func lost(reason string, err error) error {
	return &wire.Error{Status: wire.StatusBadState, Reason: reason, Err: errors.Join(ErrLost, err), Remedy: "give the enrolment up, and begin anew"}
}

// save puts the device on disk. The entry's stage says so before anybody else is told.
func (n *newcomer) save(ctx context.Context, d *trust.LocalDevice) error {
	if n.o.Trust != nil {
		if err := n.o.Trust(d.Server, d.OrganizationID, d.RootVerifyKey); err != nil {
			return err
		}
	}
	// It is there already when a crash came before the stage was written.
	if err := n.o.Devices.Add(ctx, d, n.protect); err != nil && !errors.Is(err, device.ErrExists) {
		return err
	}
	n.entry.User, n.entry.Device, n.entry.Profile = &d.UserID, &d.DeviceID, &d.InitialProfile
	n.entry.Human, n.entry.Label, n.entry.Root = &d.HumanHandle, &d.DeviceLabel, &d.RootVerifyKey
	return n.stage(StageSaved)
}

// leave ends a flow without success. What cannot have been certified goes, unless the flow was only interrupted.
func (n *newcomer) leave(ctx context.Context, err error) error {
	interrupted := ctx.Err() != nil && !cancelled(context.Cause(ctx))
	wrongSecret := errors.Is(err, device.ErrSecret) || errors.Is(err, device.ErrWait)
	if n.clean && !interrupted && !wrongSecret && n.entry.ID != (EntryID{}) && n.release != nil {
		err = errors.Join(err, n.finish(ctx))
	}
	return explain(err)
}

// finish removes what only served to get here.
func (n *newcomer) finish(ctx context.Context) error {
	return n.drop(context.WithoutCancel(ctx), n.entry.Holder, n.entry.ID)
}

// drop removes a reservation and its entry.
func (d *Desk) drop(ctx context.Context, holder trust.DeviceID, id EntryID) error {
	if err := d.o.Devices.Release(ctx, holder); err != nil {
		return err
	}
	return d.journal.remove(id)
}

// result is what came of it.
func (n *newcomer) result() Result {
	e := &n.entry
	return Result{
		Server: e.Server, Organization: e.Organization, Root: *e.Root, User: *e.User, Device: *e.Device, Human: *e.Human, Label: *e.Label, Profile: *e.Profile,
	}
}

// describe asks for details until they do.
func describe(ctx context.Context, p Person, q Correct) (Details, error) {
	for range maxAsked {
		d, err := ask[Details](ctx, p, q)
		if err != nil {
			return d, err
		}
		if q.Details.Human == nil {
			d.Human, d.Profile = nil, 0
		}
		if q.Wrong = checkDetails(q, d); q.Wrong == nil {
			return d, nil
		}
		if q.Details.Human != nil && d.Human == nil {
			d.Human = q.Details.Human
		}
		q.Details.Human, q.Details.Label = d.Human, d.Label
	}
	return Details{}, q.Wrong
}

// checkDetails says what is missing.
func checkDetails(q Correct, d Details) error {
	missing := func(what string) error {
		return &wire.Error{Status: wire.StatusInvalidArgument, Reason: what + " is missing", Err: ErrAnswer}
	}
	switch {
	case d.Label.String() == "":
		return missing("the label of the device")
	case q.Details.Human == nil:
		return nil
	case d.Human == nil || d.Human.Email.String() == "":
		return missing("the address")
	case d.Human.Label.String() == "":
		return missing("the name")
	case q.Details.Profile != 0 && (d.Profile < trust.Outsider || d.Profile > trust.Admin):
		return missing("the profile")
	}
	return nil
}
