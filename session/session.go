package session

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"sync"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/session/internal/certlog"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Device is an unlocked device, which lends its secrets; *device.Unlocked is one.
type Device interface {
	// Use calls f with the device. It counts for the idle limit, UseQuietly does not.
	Use(f func(*trust.LocalDevice) error) error
	UseQuietly(f func(*trust.LocalDevice) error) error
	// Done is closed when the device is locked.
	Done() <-chan struct{}
}

// Options are what a session needs. Device, Dir, Pins and Logger must be set.
type Options struct {
	Device Device
	// Dir is where the session keeps what it has, see the function Dir. It belongs to the session alone.
	Dir  string
	Pins *Pins
	// CAs, Proxy, UserAgent and Timeout are for the client, as in cloud.Options.
	CAs       []byte
	Proxy     func(*url.URL) (*url.URL, error)
	UserAgent string
	Timeout   time.Duration
	Logger    *slog.Logger
	// Now is the clock, time.Now by default.
	Now func() time.Time
}

// Session is one signed-in device.
type Session struct {
	o      Options
	device Device
	log    *slog.Logger
	now    func() time.Time

	server       trust.ServerAddress
	organization trust.OrganizationID
	root         trust.VerifyKey
	user         trust.UserID
	id           trust.DeviceID
	profile      trust.Profile

	client *cloud.Client
	// inner is for the session itself, outer for everybody else: it fails where the server is not to be trusted.
	inner, outer *cloud.Caller

	watchers watchers
	// refreshing has one element, which whoever asks for certificates takes out.
	refreshing chan struct{}
	// poll and reconnect wake Run.
	poll, reconnect chan struct{}

	view   sync.RWMutex // guards the fields below; held while certificates are added
	store  *trust.Store
	kept   *certlog.Log
	closed bool
	// replacing says that what is kept may be removed, for what comes in its place is known.
	replacing bool

	mu sync.Mutex // guards the fields below
	standing
}

// Open opens the session of a device: it checks the pin of the organisation and loads the certificates that are kept. It does not connect.
func Open(_ context.Context, o Options) (*Session, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Session{o: o, device: o.Device, log: o.Logger, now: o.Now, refreshing: make(chan struct{}, 1), poll: make(chan struct{}, 1), reconnect: make(chan struct{}, 1)}
	s.refreshing <- struct{}{}
	err := s.device.UseQuietly(func(d *trust.LocalDevice) error {
		s.server, s.organization, s.root, s.user, s.id, s.profile = d.Server, d.OrganizationID, d.RootVerifyKey, d.UserID, d.DeviceID, d.InitialProfile
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err := o.Pins.Check(s.server, s.organization, s.root); err != nil {
		return nil, err
	}
	s.client, err = cloud.NewClient(cloud.Options{Server: s.server, CAs: o.CAs, Proxy: o.Proxy, UserAgent: o.UserAgent, Timeout: o.Timeout, Now: o.Now})
	if err != nil {
		return nil, err
	}
	s.inner = s.client.Holder(s.organization, s.authorize)
	s.outer = s.client.Holder(s.organization, s.authorizeTrusted)
	if err := s.load(); err != nil {
		return nil, err
	}
	return s, nil
}

// load opens the log of certificates.
func (s *Session) load() error {
	kept, store, err := certlog.Open(s.o.Dir, s.keys, func(k trust.Keeper) *trust.Store { return trust.NewStore(s.root, s.user, &keeper{k, s}) })
	if damage := (*certlog.DamageError)(nil); errors.As(err, &damage) {
		s.log.Warn("certificates are fetched again", "device", s.id, "reason", damage)
	} else if err != nil {
		return fmt.Errorf("%w: %w", ErrStorage, err)
	}
	s.kept, s.store = kept, store
	s.standing = standing{
		status: Status{State: Offline, Since: s.now(), Reason: "nothing follows the server's events", Viewed: kept.Viewed()},
	}
	if kept.Lost() {
		s.trouble = errLost
	}
	return nil
}

// keeper is the log, which nothing is removed from before what comes in its place is there.
type keeper struct {
	trust.Keeper
	s *Session
}

// errOtherForm says that all certificates come in their other form now.
var errOtherForm = errors.New("all certificates come in their other form now")

// Clear is called while view is held.
func (k *keeper) Clear() error {
	if !k.s.replacing {
		return errOtherForm
	}
	return k.Keeper.Clear()
}

// errLost says that a rollback cannot be excluded.
var errLost = fmt.Errorf("%w, or may be: what it has seen was lost on this machine's disk", ErrRollback)

func (s *Session) keys(use func(trust.KeepingKey) error) error {
	return s.device.UseQuietly(func(d *trust.LocalDevice) error {
		k, err := d.KeepingKey()
		if err != nil {
			return err
		}
		defer k.Wipe()
		return use(k)
	})
}

// authorize makes a token for a request of the session itself.
func (s *Session) authorize(now time.Time) (token string, err error) {
	err = s.device.UseQuietly(func(d *trust.LocalDevice) error {
		token, err = cloud.NewDeviceToken(d.DeviceID, now, d.SigningKey)
		return err
	})
	return token, err
}

// authorizeTrusted makes one for others, unless the server is behind what this device has seen.
func (s *Session) authorizeTrusted(now time.Time) (string, error) {
	s.mu.Lock()
	trouble := s.trouble
	s.mu.Unlock()
	if errors.Is(trouble, ErrRollback) {
		return "", trouble
	}
	return s.authorize(now)
}

// Server returns the address of the server.
func (s *Session) Server() trust.ServerAddress { return s.server }

// Organization returns the name of the organisation.
func (s *Session) Organization() trust.OrganizationID { return s.organization }

// Root returns the key that all trust begins with.
func (s *Session) Root() trust.VerifyKey { return s.root }

// User returns the id of the device's user.
func (s *Session) User() trust.UserID { return s.user }

// DeviceID returns the id of the device.
func (s *Session) DeviceID() trust.DeviceID { return s.id }

// Use lends the device for signing and opening what is sealed for it: see device.Unlocked.
func (s *Session) Use(f func(*trust.LocalDevice) error) error { return s.device.Use(f) }

// Client returns who sends the device's commands. They fail with ErrRollback while the server is behind what this device has seen. What carries certificates goes
// through Certify.
func (s *Session) Client() *cloud.Caller { return s.outer }

// View calls f with the valid certificates, which do not change until it returns.
func (s *Session) View(f func(*trust.Store) error) error {
	s.view.RLock()
	defer s.view.RUnlock()
	if s.closed {
		return ErrClosed
	}
	return f(s.store)
}

// Profile returns what the user is, as far as it is known: by the certificates, else by what the device was told when it was made.
func (s *Session) Profile() trust.Profile {
	s.view.RLock()
	defer s.view.RUnlock()
	if p := s.store.Profile(s.user); p != 0 {
		return p
	}
	return s.profile
}

// Close ends the session: watches end, files are closed. Run must have returned.
func (s *Session) Close() error {
	s.view.Lock()
	defer s.view.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	err := s.saveViewed()
	if s.isLocked() {
		err = nil // nothing can be sealed any longer: the view is told older than it is
	}
	s.set(func(st *standing) { st.link = linkClosed })
	s.watchers.close()
	s.client.Close()
	return errors.Join(err, s.kept.Close())
}
