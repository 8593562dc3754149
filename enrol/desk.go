package enrol

import (
	"context"
	"log/slog"
	"time"

	"github.com/seed-73b3884f/parsec-agent/device"
	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/session"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Options are what a Desk is made of. All but Trust and Now must be set.
type Options struct {
	Journal *Journal
	Devices Devices
	// Dial returns a client of a server, which the flow closes.
	Dial func(trust.ServerAddress) (*cloud.Client, error)
	// Trust refuses an organisation that is not the one which the person knows under that name, before its device is saved; nil for no such check.
	Trust  func(trust.ServerAddress, trust.OrganizationID, trust.VerifyKey) error
	Now    func() time.Time
	Logger *slog.Logger
}

// Devices are the devices of a person. *device.Store is one.
type Devices interface {
	Reserve(ctx context.Context, d *trust.LocalDevice, p device.Protection) error
	Reserved(ctx context.Context, id trust.DeviceID, with device.Secret) (*trust.LocalDevice, error)
	Release(ctx context.Context, id trust.DeviceID) error
	Add(ctx context.Context, d *trust.LocalDevice, p device.Protection) error
}

// Desk makes the flows of one person.
type Desk struct {
	o       Options
	journal *Journal
	log     *slog.Logger
	pace    pace
}

// NewDesk returns a desk. It reads nothing yet.
func NewDesk(o Options) *Desk {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Desk{o: o, journal: o.Journal, log: o.Logger, pace: usual}
}

// List returns what has begun and has not ended, the oldest first, and the files of the journal that cannot be read.
func (d *Desk) List() ([]Entry, []Damaged, error) { return d.journal.List() }

// Continue returns the flow that goes on with an entry. Greeters need the session of the device that began it; others nil.
func (d *Desk) Continue(id EntryID, s *session.Session) (Flow, error) {
	f, err := d.journal.find(id)
	if err != nil {
		return nil, err
	}
	switch f.Work {
	case WorkBootstrap:
		return &bootstrap{newcomer: newcomer{Desk: d, resume: f}}, nil
	case WorkClaimUser, WorkClaimDevice:
		return &claim{newcomer: newcomer{Desk: d, resume: f}}, nil
	case WorkRecover:
		return &restore{claim: claim{newcomer: newcomer{Desk: d, resume: f}}}, nil
	default:
		return d.continueGreeting(f, s)
	}
}

// now returns the time as certificates and journal have it.
func (d *Desk) now() (trust.DateTime, error) { return trust.DateTimeOf(d.o.Now()) }

// write makes an entry durable as it is now.
func (d *Desk) write(e *Entry, s *secrets, key trust.SecretKey) (err error) {
	if e.Changed, err = d.now(); err != nil {
		return err
	}
	return d.journal.write(e, s, key)
}

// copyToken returns a token that is wiped apart from the other one.
func copyToken(t *trust.AccessToken) (*trust.AccessToken, error) {
	if t == nil {
		return nil, nil //nolint:nilnil // anybody may
	}
	own, err := copyKey(*t, trust.NewAccessToken)
	return &own, err
}

// tokenDigest is by what an invitation is recognised in the journal.
func tokenDigest(token trust.AccessToken) (trust.HashDigest, error) {
	text, err := token.Hex()
	if err != nil {
		return trust.HashDigest{}, err
	}
	return trust.Digest([]byte("parsec-agent invitation " + text)), nil
}
