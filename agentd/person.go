package agentd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"github.com/seed-73b3884f/parsec-agent/agentd/internal/works"
	"github.com/seed-73b3884f/parsec-agent/device"
	"github.com/seed-73b3884f/parsec-agent/enrol"
	"github.com/seed-73b3884f/parsec-agent/proto/agent/agentpb"
	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/session"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// person is what is kept for one uid: its devices, the sessions of those that are unlocked, and what asks it something.
type person struct {
	dir       string
	log       *slog.Logger
	userAgent string
	store     *device.Store
	works     *works.Works
	desk      *enrol.Desk
	hub       hub

	ctx     context.Context //nolint:containedctx // of the sessions, which outlive the requests that start them
	stop    context.CancelFunc
	running sync.WaitGroup

	mu       sync.Mutex // guards the fields below
	pins     *session.Pins
	sessions map[trust.DeviceID]*signedIn
	closed   bool
}

// newPerson returns what is kept for a uid. It reads nothing yet.
func newPerson(dir string, store *device.Store, log *slog.Logger, version string) *person {
	p := &person{dir: dir, log: log, userAgent: "Parsec-Agent/" + version, store: store, sessions: map[trust.DeviceID]*signedIn{}}
	p.ctx, p.stop = context.WithCancel(context.Background())
	p.works = works.New(works.Options{
		Dir: filepath.Join(dir, "works"), Cancelled: enrol.ErrCancelled, Logger: log,
		Changed: func(m *agentpb.Work) { p.hub.publish(workEvent(m)) },
	})
	p.desk = enrol.NewDesk(enrol.Options{
		Journal: enrol.NewJournal(filepath.Join(dir, "enrolments")), Devices: store, Dial: p.dial, Trust: p.trusts, Logger: log,
	})
	return p
}

// dial returns a client of a server.
func (p *person) dial(server trust.ServerAddress) (*cloud.Client, error) {
	return cloud.NewClient(cloud.Options{Server: server, UserAgent: p.userAgent})
}

// pinned returns the pins, which are opened when they are needed.
func (p *person) pinned() (*session.Pins, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, errStopping()
	}
	if p.pins == nil {
		pins, err := session.OpenPins(filepath.Join(p.dir, "pins"))
		if err != nil {
			return nil, &wire.Error{
				Status: wire.StatusStorageFailure, Reason: "the pins of root keys cannot be read", Err: err,
				Remedy: "see to the disk of the state directory; the log has the cause",
			}
		}
		p.pins = pins
	}
	return p.pins, nil
}

// trusts pins the root key of an organisation that is new to the person, and refuses another one than the pinned.
func (p *person) trusts(server trust.ServerAddress, organization trust.OrganizationID, root trust.VerifyKey) error {
	pins, err := p.pinned()
	if err != nil {
		return err
	}
	return organizationError(pins.Check(server, organization, root))
}

// close ends flows and sessions, and wipes all that is unlocked, for good.
func (p *person) close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.works.Close()
	p.stop()
	p.store.Close()
	p.running.Wait()
	p.hub.close()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pins != nil {
		_ = p.pins.Close() // gives the lock up whatever it says
	}
}

// takeUp goes on with what the end of the agent interrupted, for everybody.
func (d *devices) takeUp() {
	entries, err := os.ReadDir(d.service.config.Load().Agent.Devices.Directory)
	if err != nil {
		return // nobody has been here
	}
	for _, e := range entries {
		uid, err := strconv.ParseUint(e.Name(), 10, 32)
		if err == nil && e.IsDir() && strconv.FormatUint(uid, 10) == e.Name() {
			d.person(uint32(uid)).reconcile()
		}
	}
}

// describeRoot is a root key as people compare it.
func describeRoot(f session.Fingerprint) string { return f.String()[:16] + "…" }

// organizationError makes of an error of sessions one that says what to do.
func organizationError(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*wire.Error](err); ok {
		return err
	}
	if other, ok := errors.AsType[*session.PinError](err); ok {
		return &wire.Error{
			Status: wire.StatusNotPermitted, Object: fmt.Sprintf("organisation %q on %s", other.Organization, other.Server.Host()), Err: err,
			Reason: fmt.Sprintf("its root key is %s, and %s is pinned: it is another organisation of that name, or somebody pretends to be it", describeRoot(other.Got), describeRoot(other.Pinned)),
			Remedy: "compare the fingerprint with somebody in the organisation; if the new one is right: parsecctl org forget",
		}
	}
	for _, k := range organizationErrors {
		if errors.Is(err, k.is) {
			return &wire.Error{Status: k.status, Reason: text(err.Error()), Remedy: k.remedy, Err: err}
		}
	}
	return err
}

var organizationErrors = []struct {
	is     error
	status wire.Status
	remedy string
}{
	{session.ErrNoRollback, wire.StatusBadState, "there is nothing to accept; parsecctl org status says how the connection stands"},
	{session.ErrRollback, wire.StatusBadState, "ask whoever runs the server whether it was restored from a backup; if so: parsecctl org accept-rollback"},
	{session.ErrClosed, wire.StatusBadState, "parsecctl device unlock"},
	{session.ErrStorage, wire.StatusStorageFailure, "see to the disk of the state directory; the log has the cause"},
	{session.ErrRefused, wire.StatusCommunicationFailure, "tell an administrator of the organisation: the server, or somebody who writes to it, is not to be trusted"},
	{cloud.ErrOffline, wire.StatusCommunicationFailure, "repeat it when the server can be reached; parsecctl org status says how the connection stands"},
	{cloud.ErrUserRevoked, wire.StatusNotPermitted, "ask an administrator of the organisation: a user who is revoked has to be invited anew"},
	{cloud.ErrUserFrozen, wire.StatusNotPermitted, "ask whoever runs the server"},
	{cloud.ErrMustAcceptTOS, wire.StatusNotPermitted, "parsecctl org accept-terms"},
	{cloud.ErrOrganizationExpired, wire.StatusNotPermitted, "ask whoever runs the server to prolong the organisation"},
	{cloud.ErrOrganizationNotFound, wire.StatusDoesNotExist, "see whether the server's address is right, and ask whoever runs the server"},
	{cloud.ErrCertificate, wire.StatusCommunicationFailure, "see whether the server's address is right, and whether its certificate authority is among those of the system"},
}
