package enrol

import (
	"context"
	"errors"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/session"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// certify has the server take the claimer's keys in, as who the person says that it is. Keys that were certified for this invitation before are not certified again.
func (g *greet) certify(ctx context.Context, l *greeterLine, ch *channel) error {
	r, err := g.receive(ctx, l, ch)
	if err != nil {
		return err
	}
	if g.entry.ID != (EntryID{}) {
		if g.same(r) {
			return g.answerAgain(l, ch)
		}
		if err := g.replace(ctx, l); err != nil {
			return err
		}
	}
	q := Correct{Side: SideGreeter, Peer: g.peer, Details: r.Details, Invited: g.invitation.Email}
	if q.Details.Human != nil {
		q.Details.Profile = trust.Standard
	}
	for range maxAsked {
		d, err := g.decide(ctx, l, q)
		if err != nil {
			return err
		}
		q.Wrong = g.certifyAs(ctx, l, ch, r, d)
		if !errors.Is(q.Wrong, errTaken) {
			return q.Wrong
		}
		q.Details = d
	}
	return q.Wrong
}

// decide asks the person who is to be certified, as long as the claimer is there.
func (g *greet) decide(ctx context.Context, l *greeterLine, q Correct) (d Details, err error) {
	err = g.while(ctx, l, func(ctx context.Context) error {
		for {
			if d, err = describe(ctx, g.p, q); err != nil || d.Human == nil || d.Human.Email == q.Invited {
				return err
			}
			yes, err := confirm(ctx, g.p, Confirm{What: ConfirmAddress, Peer: g.peer, Details: d, Reason: "the address is not the one that was invited: " + q.Invited.String()})
			if err != nil || yes {
				return err
			}
			q.Details = d
		}
	})
	return d, err
}

// while lets a person think as long as the attempt stays.
func (g *greet) while(ctx context.Context, l *greeterLine, think func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	over := make(chan struct{})
	go func() {
		defer close(over)
		cancel(l.stays(ctx))
	}()
	err := think(ctx)
	cancel(errAnswered)
	<-over
	return err
}

// same reports whether the entry is about these keys.
func (g *greet) same(r *request) bool {
	if g.secrets.VerifyKey == nil || *g.secrets.VerifyKey != r.verify {
		return false
	}
	return r.Human == nil || g.secrets.PublicKey != nil && *g.secrets.PublicKey == r.public
}

// answerAgain prepares the answer to a claimer who has come back.
func (g *greet) answerAgain(l *greeterLine, ch *channel) (err error) {
	if g.secrets.Payload, err = g.confirmation(ch.shared); err != nil {
		return err
	}
	g.secrets.Attempt = &l.id
	g.tell(Notice{Event: EventCertified})
	return g.write(&g.entry, &g.secrets, g.key)
}

// confirmation is the answer, for the keys of the entry.
func (g *greet) confirmation(shared trust.SecretKey) (sealed []byte, err error) {
	e := &g.entry
	if e.Work == WorkGreetUser {
		return trust.Encrypt(&trust.InviteUserConfirmation{
			UserID: *e.User, DeviceID: *e.Device, DeviceLabel: *e.Label, HumanHandle: *e.Human, Profile: *e.Profile, RootVerifyKey: g.me.root,
		}, shared)
	}
	err = g.s.Use(func(d *trust.LocalDevice) error {
		sealed, err = trust.Encrypt(&trust.InviteDeviceConfirmation{
			UserID: d.UserID, DeviceID: *e.Device, DeviceLabel: *e.Label, HumanHandle: d.HumanHandle, Profile: *e.Profile,
			PrivateKey: d.PrivateKey, UserRealmID: d.UserRealmID, UserRealmKey: d.UserRealmKey, RootVerifyKey: d.RootVerifyKey,
		}, shared)
		return err
	})
	return sealed, err
}

// certifyAs keeps what is to be certified, and uploads it.
func (g *greet) certifyAs(ctx context.Context, l *greeterLine, ch *channel, r *request, d Details) (err error) {
	e := Entry{ID: newEntryID(), Work: WorkGreetDevice, Stage: StageCertifying, Server: g.me.server, Organization: g.me.organization, Holder: g.me.device}
	user, device, profile := g.me.user, trust.NewDeviceID(), g.me.profile
	if d.Human != nil {
		e.Work, user, profile = WorkGreetUser, trust.NewUserID(), d.Profile
	} else {
		d.Human = &g.me.human
	}
	e.User, e.Device, e.Human, e.Label, e.Profile = &user, &device, d.Human, &d.Label, &profile
	if e.Invitation, err = tokenDigest(g.token); err != nil {
		return err
	}
	if e.Began, err = g.now(); err != nil {
		return err
	}
	release, err := g.journal.hold(e.ID)
	if err != nil {
		return err
	}
	if g.release != nil {
		g.release()
	}
	g.release, g.entry = release, e
	g.secrets = secrets{Attempt: &l.id, VerifyKey: &r.verify}
	if g.secrets.Token, err = copyToken(&g.token); err != nil {
		return g.undone(err)
	}
	if e.Work == WorkGreetUser {
		g.secrets.PublicKey = &r.public
	}
	if g.secrets.Payload, err = g.confirmation(ch.shared); err != nil {
		return g.undone(err)
	}
	if err := g.write(&g.entry, &g.secrets, g.key); err != nil {
		return g.undone(err)
	}
	return g.upload(ctx, false)
}

// undone forgets what was not certified.
func (g *greet) undone(err error) error { return errors.Join(err, g.forget()) }

// forget removes the entry.
func (g *greet) forget() error {
	id := g.entry.ID
	g.entry, g.secrets = Entry{}, secrets{}
	return g.journal.remove(id)
}

// errTaken is an address that another user has.
var errTaken = errors.New("the address is taken")

// upload sends the certificates until it is known what the server did with them. doubt says that the server may have them without our knowing.
func (g *greet) upload(ctx context.Context, doubt bool) error {
	for n := 0; ; n++ {
		rep, err := g.send(ctx)
		if err != nil {
			if err := g.failed(ctx, err, &doubt, n); err != nil {
				return err
			}
			continue
		}
		switch rep := rep.(type) {
		case *cloud.OK:
			g.entry.Stage = StageCertified
			g.tell(Notice{Event: EventCertified})
			return g.write(&g.entry, &g.secrets, g.key)
		case *cloud.UserAlreadyExists, *cloud.DeviceAlreadyExists:
			return g.settle(ctx, rep)
		case *cloud.HumanHandleAlreadyTaken:
			if doubt { // by ourselves, perhaps
				return g.settle(ctx, rep)
			}
			return g.undone(refusal(rep))
		default:
			return g.undone(refusal(rep))
		}
	}
}

// failed decides what an error of an upload means: nil to try again.
func (g *greet) failed(ctx context.Context, err error, doubt *bool, n int) error {
	switch refusedFor := refusedByHTTP(err); {
	case ctx.Err() != nil:
		return err
	case errors.Is(err, cloud.ErrOffline):
		*doubt = *doubt || !refusedFor
		g.tell(Notice{Event: EventOffline, Err: err})
		return wait(ctx, g.pace.offline, n)
	case !*doubt && (refusedFor || isLocal(err)):
		return g.undone(err)
	default:
		return err
	}
}

// isLocal reports an error that came before anything was sent.
func isLocal(err error) bool {
	status := wire.StatusOf(err)
	return status == wire.StatusBadState || errors.Is(err, cloud.ErrTooLarge) || errors.Is(err, session.ErrClock) || errors.Is(err, session.ErrBusy) || errors.Is(err, session.ErrRollback)
}

// settle finds out whether the server has our certificates.
func (g *greet) settle(ctx context.Context, rep cloud.Reply) error {
	there, err := g.certified(ctx)
	switch {
	case err != nil:
		return err
	case !there:
		return g.undone(refusal(rep))
	}
	g.entry.Stage = StageCertified
	g.tell(Notice{Event: EventCertified})
	return g.write(&g.entry, &g.secrets, g.key)
}

// certified looks for the entry's keys among the certificates.
func (g *greet) certified(ctx context.Context) (bool, error) {
	if err := online(ctx, g.pace, g.tell, g.s.Refresh); err != nil {
		return false, err
	}
	u, ok, err := known(g.s, *g.entry.User)
	if err != nil || !ok {
		return false, err
	}
	for _, d := range u.Devices {
		if d.DeviceID == *g.entry.Device && g.secrets.VerifyKey != nil && d.VerifyKey == *g.secrets.VerifyKey {
			return true, nil
		}
	}
	return false, nil
}

// recertify goes on with certificates of which nobody knows whether the server has them. If it has not, they are only made as long as the claimer waits.
func (g *greet) recertify(ctx context.Context, l *greeterLine) error {
	there, err := g.certified(ctx)
	if err != nil {
		return err
	}
	if there {
		g.entry.Stage = StageCertified
		g.tell(Notice{Event: EventCertified})
		return g.write(&g.entry, &g.secrets, g.key)
	}
	if _, err := l.exchange(ctx, &cloud.GreeterStep6GetPayload{}); err != nil {
		if _, over := errors.AsType[*OverError](err); over {
			err = g.undone(err)
		}
		return err
	}
	return g.upload(ctx, true)
}

// send uploads the certificates.
func (g *greet) send(ctx context.Context) (cloud.Reply, error) {
	if g.entry.Work == WorkGreetDevice {
		return session.Certify(ctx, g.s, session.UserGap, func(d *trust.LocalDevice, at trust.DateTime) (cloud.Exchange[cloud.DeviceCreateRep], error) {
			c := g.deviceCertificate(at)
			signed, err := signAll(d, c, c.Redacted())
			if err != nil {
				return nil, err
			}
			return &cloud.DeviceCreateReq{DeviceCertificate: signed[0], RedactedDeviceCertificate: signed[1]}, nil
		})
	}
	return session.Certify(ctx, g.s, session.UserGap, func(d *trust.LocalDevice, at trust.DateTime) (cloud.Exchange[cloud.UserCreateRep], error) {
		c, e := g.deviceCertificate(at), &g.entry
		u := &trust.UserCertificate{Author: &g.me.device, Timestamp: at, UserID: *e.User, HumanHandle: e.Human, PublicKey: *g.secrets.PublicKey, Profile: *e.Profile}
		signed, err := signAll(d, u, u.Redacted(), c, c.Redacted())
		if err != nil {
			return nil, err
		}
		return &cloud.UserCreateReq{
			UserCertificate: signed[0], RedactedUserCertificate: signed[1], DeviceCertificate: signed[2], RedactedDeviceCertificate: signed[3],
		}, nil
	})
}

func (g *greet) deviceCertificate(at trust.DateTime) *trust.DeviceCertificate {
	e := &g.entry
	return &trust.DeviceCertificate{
		Purpose: trust.StandardDevice, Author: &g.me.device, Timestamp: at, UserID: *e.User, DeviceID: *e.Device, DeviceLabel: e.Label, VerifyKey: *g.secrets.VerifyKey,
	}
}

// refusal is what a status of user_create or device_create means.
func refusal(rep cloud.Reply) error {
	switch rep := rep.(type) {
	case *cloud.AuthorNotAllowed:
		return refused("only administrators may enrol users", "ask an administrator of the organisation")
	case *cloud.ActiveUsersLimitReached:
		return refused("the organisation has as many users as it may have", "revoke somebody, or ask who runs the server for more")
	case *cloud.HumanHandleAlreadyTaken:
		return &wire.Error{Status: wire.StatusAlreadyExists, Reason: "another user has this address", Remedy: "choose another address, or revoke that user first", Err: errors.Join(ErrRefused, errTaken)}
	case *cloud.UserAlreadyExists, *cloud.DeviceAlreadyExists:
		return refused("the id of the new device is taken", "repeat it")
	case *cloud.InvalidCertificate:
		return refused("the server takes the certificates for invalid", "see whether both programs are up to date")
	default:
		return unexpected(rep)
	}
}

// replace ends what was certified for the invitation before, for whoever comes now has other keys.
func (g *greet) replace(ctx context.Context, l *greeterLine) error {
	reason := "the device that was certified for this invitation before does not exist: the one that asks now has other keys"
	if g.entry.Work == WorkGreetUser {
		reason = "the user who was certified for this invitation before has lost the keys, or is somebody else: the one who asks now has other keys"
	}
	var yes bool
	err := g.while(ctx, l, func(ctx context.Context) (err error) {
		yes, err = confirm(ctx, g.p, Confirm{
			What: ConfirmReplace, Peer: g.peer, Reason: reason, Since: g.entry.Changed.Time(),
			Details: Details{Human: g.entry.Human, Label: *g.entry.Label, Profile: *g.entry.Profile},
		})
		return err
	})
	if err != nil {
		return err
	}
	if !yes {
		return l.fail(ctx, cloud.CancelledInconsistentPayload)
	}
	g.replaced = *g.entry.Device
	return g.abandon(ctx)
}

// abandon revokes the user of the entry, or marks its device as left.
func (g *greet) abandon(ctx context.Context) error {
	there, err := g.certified(ctx)
	if err != nil {
		return err
	}
	if there && g.entry.Work == WorkGreetDevice {
		g.entry.Stage = StageLeft
		err := g.write(&g.entry, &g.secrets, g.key)
		g.entry, g.secrets = Entry{}, secrets{}
		return err
	}
	if there {
		if err := RevokeUser(ctx, g.s, *g.entry.User); err != nil && !errors.Is(err, errRevokedAlready) {
			return err
		}
	}
	return g.forget()
}
