package enrol_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/device"
	"github.com/seed-73b3884f/parsec-agent/device/devicetest"
	"github.com/seed-73b3884f/parsec-agent/enrol"
	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/server/servertest"
	"github.com/seed-73b3884f/parsec-agent/session"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// front stands before a server: a test may put something in between.
type front struct {
	*servertest.Server
	url string

	mu      sync.Mutex // guards the field below
	between func(http.Handler) http.Handler
}

// newFront starts a server on SQLite.
func newFront(t testing.TB) *front {
	t.Helper()
	s := servertest.New(t, servertest.Options{})
	return before(t, s, s.Handler())
}

// before stands before a server.
func before(t testing.TB, s *servertest.Server, inner http.Handler) *front {
	t.Helper()
	f := &front{Server: s}
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		between := f.between
		f.mu.Unlock()
		if between != nil {
			between(inner).ServeHTTP(w, r)
			return
		}
		inner.ServeHTTP(w, r)
	}))
	t.Cleanup(h.Close)
	f.url = h.URL
	return f
}

// meddle puts something between clients and server.
func (f *front) meddle(between func(http.Handler) http.Handler) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.between = between
}

func (f *front) address(t testing.TB) trust.ServerAddress {
	t.Helper()
	a, err := trust.ParseServerURL(f.url)
	must(t, err)
	return a
}

// dialAt makes clients with a clock, which is looked at before and after each request.
func (*front) dialAt(server trust.ServerAddress, now func() time.Time) (*cloud.Client, error) {
	return cloud.NewClient(cloud.Options{
		Server: server, Attempts: 1, Now: now, Proxy: func(*url.URL) (*url.URL, error) { return nil, nil }, //nolint:nilnil // no proxy
	})
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// member is a person with an agent: a directory, and a token without real hardware.
type member struct {
	t     testing.TB
	front *front
	dir   string
	keys  *devicetest.Keys
	fate  *fate // nil: nothing happens to it
	late  time.Duration
}

func (m *member) now() time.Time {
	if m.fate != nil {
		_ = m.fate.meet()
	}
	return m.front.Clock.Now().Add(-m.late)
}

// fate kills an agent at one of its steps: before or after a request, before or after something is written. Dead, it writes nothing any more.
type fate struct {
	mu   sync.Mutex // guards the fields below
	left int        // steps to live, negative for ever
	kill func()
	dead bool
}

var errKilled = errors.New("killed")

// meet is a step.
func (f *fate) meet() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.left == 0 && !f.dead {
		f.dead = true
		f.kill()
	}
	f.left--
	if f.dead {
		return errKilled
	}
	return nil
}

// begin is a new life.
func (f *fate) begin(steps int, kill func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.left, f.kill, f.dead = steps, kill, false
}

// mortal are devices of an agent that can be killed.
type mortal struct {
	enrol.Devices
	fate *fate
}

func (m *mortal) Reserve(ctx context.Context, d *trust.LocalDevice, p device.Protection) error {
	if err := m.fate.meet(); err != nil {
		return err
	}
	err := m.Devices.Reserve(ctx, d, p)
	return errors.Join(err, m.fate.meet())
}

func (m *mortal) Release(ctx context.Context, id trust.DeviceID) error {
	if err := m.fate.meet(); err != nil {
		return err
	}
	err := m.Devices.Release(ctx, id)
	return errors.Join(err, m.fate.meet())
}

func (m *mortal) Add(ctx context.Context, d *trust.LocalDevice, p device.Protection) error {
	if err := m.fate.meet(); err != nil {
		return err
	}
	err := m.Devices.Add(ctx, d, p)
	return errors.Join(err, m.fate.meet())
}

func (f *front) member(t testing.TB) *member {
	t.Helper()
	return &member{t: t, front: f, dir: t.TempDir(), keys: devicetest.NewKeys(map[string]providers.Provider{"token": &devicetest.Token{}})}
}

// agent is a member's agent, until it is killed.
type agent struct {
	*enrol.Desk
	m       *member
	devices *device.Store
}

// start starts an agent as after a crash: nothing but what is on disk is known.
func (m *member) start() *agent { return m.with(enrol.Options{}) }

func (m *member) with(o enrol.Options) *agent {
	m.t.Helper()
	s := device.New(device.Options{
		Dir: m.dir, Keys: m.keys, KeyPrefix: "device/1000", Budget: device.NewBudget(), Logger: slog.New(slog.DiscardHandler),
	})
	m.t.Cleanup(s.Close)
	j := enrol.NewJournal(filepath.Join(m.dir, "enrol"))
	o.Journal, o.Devices, o.Now, o.Logger = j, s, m.now, slog.New(slog.DiscardHandler)
	if m.fate != nil {
		j.BeforeDisk(m.fate.meet)
		o.Devices = &mortal{s, m.fate}
	}
	o.Dial = func(server trust.ServerAddress) (*cloud.Client, error) { return m.front.dialAt(server, m.now) }
	return &agent{enrol.NewDesk(o).Hurry(), m, s}
}

// entries are those of the journal, none of them damaged.
func (a *agent) entries(t testing.TB) []enrol.Entry {
	t.Helper()
	all, bad, err := a.List()
	if err != nil || len(bad) > 0 {
		t.Fatalf("the journal: %v, %v", bad, err)
	}
	return all
}

// session signs a device in. It ends with the test.
func (a *agent) session(t testing.TB, id trust.DeviceID) *session.Session {
	t.Helper()
	s, end := a.signIn(t.Context(), t, id)
	t.Cleanup(end)
	return s
}

// signIn signs a device in, until end is called.
func (a *agent) signIn(ctx context.Context, t testing.TB, id trust.DeviceID) (s *session.Session, end func()) {
	t.Helper()
	u, _, err := a.devices.Unlock(context.WithoutCancel(ctx), id, device.Secret{})
	must(t, err)
	pins, err := session.OpenPins(filepath.Join(a.m.dir, "pins"))
	must(t, err)
	s, err = session.Open(ctx, session.Options{
		Device: u, Dir: session.Dir(a.m.dir, root(t, u), id), Pins: pins, Logger: slog.New(slog.DiscardHandler), Now: a.m.now,
		Proxy: func(*url.URL) (*url.URL, error) { return nil, nil }, //nolint:nilnil // no proxy
	})
	must(t, err)
	return s, func() {
		if err := errors.Join(s.Close(), pins.Close()); err != nil {
			t.Error(err)
		}
		a.devices.Lock(id)
	}
}

func root(t testing.TB, u *device.Unlocked) (root trust.VerifyKey) {
	t.Helper()
	must(t, u.Use(func(d *trust.LocalDevice) error {
		root = d.RootVerifyKey
		return nil
	}))
	return root
}

// script is a person who does what is right, but where a test says otherwise.
type script struct {
	name    string
	profile trust.Profile // that a greeter gives
	say     *voice
	// on answers a question instead, unless it returns nil twice.
	on func(ctx context.Context, q enrol.Question) (enrol.Answer, error)
	// told hears all notices.
	told func(enrol.Notice)

	mu  sync.Mutex // guards the field below
	log []string
}

// voice carries codes from one person to the other.
type voice struct {
	mu   sync.Mutex // guards the fields below
	said map[enrol.Side]trust.SASCode
	news chan struct{}
}

func newVoice() *voice {
	return &voice{said: map[enrol.Side]trust.SASCode{}, news: make(chan struct{})}
}

// speak says a code, in the place of the last one.
func (v *voice) speak(by enrol.Side, code trust.SASCode) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.said[by] = code
	close(v.news)
	v.news = make(chan struct{})
}

// hear waits until a side says one of the codes, or any if there are none.
func (v *voice) hear(ctx context.Context, by enrol.Side, among []trust.SASCode) (trust.SASCode, error) {
	for {
		v.mu.Lock()
		said, news := v.said[by], v.news
		v.mu.Unlock()
		if slices.Contains(among, said) || among == nil && said != "" {
			return said, nil
		}
		select {
		case <-news:
		case <-ctx.Done():
			return "", context.Cause(ctx)
		}
	}
}

func (s *script) Tell(_ context.Context, n enrol.Notice) {
	s.note(string(n.Event))
	if s.told != nil {
		s.told(n)
	}
}

func (s *script) note(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = append(s.log, what)
}

func (s *script) history() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Sprint(s.name, s.log)
}

func (s *script) Ask(ctx context.Context, q enrol.Question) (enrol.Answer, error) {
	s.note(string(q.Kind()))
	if s.on != nil {
		if a, err := s.on(ctx, q); a != nil || err != nil {
			return a, err
		}
	}
	switch q := q.(type) {
	case enrol.ChooseGreeter:
		return enrol.Greeter{}, nil
	case enrol.ChooseCode:
		code, err := s.say.hear(ctx, q.Peer.Side, q.Codes)
		return enrol.Code{Code: code}, err
	case enrol.SayCode:
		s.say.speak(other(q.Peer.Side), q.Code)
		return enrol.Said{}, nil
	case enrol.Correct:
		return s.correct(q)
	case enrol.ChooseProtection:
		return enrol.Protection{Protection: device.Protection{Provider: "token"}}, nil
	case enrol.GiveSecret:
		return enrol.Secret{}, nil
	case enrol.Confirm:
		return enrol.Decision{Yes: true}, nil
	}
	return nil, fmt.Errorf("no answer to %T", q)
}

func (s *script) correct(q enrol.Correct) (enrol.Answer, error) {
	d := q.Details
	if q.Wrong != nil {
		return nil, q.Wrong
	}
	if d.Label.String() == "" {
		d.Label = servertest.Must(trust.NewDeviceLabel(s.name + "'s laptop"))
	}
	if d.Human != nil && d.Human.Label.String() == "" {
		email := d.Human.Email.String()
		if email == "" {
			email = s.name + "@example.com"
		}
		h := servertest.Must(trust.NewHumanHandle(email, s.name))
		d.Human = &h
	}
	if q.Side == enrol.SideGreeter && d.Human != nil && s.profile != 0 {
		d.Profile = s.profile
	}
	return d, nil
}

func other(side enrol.Side) enrol.Side {
	if side == enrol.SideGreeter {
		return enrol.SideClaimer
	}
	return enrol.SideGreeter
}

// bootstrapped is a member with an organisation of its own.
func bootstrapped(t testing.TB, f *front) (*member, *agent, enrol.Result) {
	t.Helper()
	m := f.member(t)
	a := m.start()
	flow, err := a.Bootstrap(f.unborn(t), nil)
	must(t, err)
	r, err := flow.Run(t.Context(), &script{name: "alice"})
	must(t, err)
	return m, a, r
}

// unborn is the address of an organisation that nobody has bootstrapped.
func (f *front) unborn(t testing.TB) *trust.BootstrapAddress {
	t.Helper()
	a := &trust.BootstrapAddress{}
	a.Server, a.Organization = f.address(t), f.Unborn().ID
	return a
}

func sprint(v any) string { return fmt.Sprintf("%v %+v %#v %s", v, v, v, v) }
