package enrol_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/enrol"
	"github.com/seed-73b3884f/parsec-agent/server/servertest"
	"github.com/seed-73b3884f/parsec-agent/session"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// soak reports whether the long runs are wanted.
func soak() bool { return os.Getenv("PARSEC_SOAK") != "" }

// seed is that of PARSEC_SEED, or a new one. Failures print it.
func seed(t testing.TB) uint64 {
	t.Helper()
	if s := os.Getenv("PARSEC_SEED"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		must(t, err)
		return n
	}
	return rand.Uint64()
}

// TestInterleavings lets two sides greet each other while each of them is killed, cancels, hears wrong codes and loses the server at random moments. In the end both
// agree, and nothing is stuck: either side is done, or what is half done is in its journal and can be given up.
func TestInterleavings(t *testing.T) {
	rounds := 60
	if soak() {
		rounds = 2000
	} else if testing.Short() {
		rounds = 20
	}
	tally := interleave(t, rounds, 4, newWorld)
	if tally["enrolled"] == 0 || tally["given up"] == 0 {
		t.Errorf("rounds ended as %v: there should be both", tally)
	}
}

// interleave plays rounds, in several worlds at once, and says how often they ended how.
func interleave(t *testing.T, rounds, workers int, begin func(*testing.T) *world) map[string]int {
	t.Helper()
	first := seed(t)
	var all sync.WaitGroup
	var mu sync.Mutex
	tally := map[string]int{}
	next := atomic.Int64{}
	for range workers {
		world := begin(t)
		all.Go(func() {
			for i := next.Add(1) - 1; i < int64(rounds) && !t.Failed(); i = next.Add(1) - 1 {
				n := first + uint64(i)
				r := &round{world: world, rnd: rand.New(rand.NewPCG(n, 1)), seed: n}
				end := r.play()
				mu.Lock()
				tally[end]++
				mu.Unlock()
			}
		})
	}
	all.Wait()
	t.Logf("seed %d: %v", first, tally)
	return tally
}

// world is a server with an organisation, and its administrator.
type world struct {
	t     *testing.T
	f     *front
	alice *member
	id    trust.DeviceID
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return worldOn(t, newFront(t))
}

func worldOn(t *testing.T, f *front) *world {
	t.Helper()
	alice, _, root := bootstrapped(t, f)
	alice.fate = &fate{left: -1}
	return &world{t: t, f: f, alice: alice, id: root.Device}
}

// round is an invitation from its beginning to its end.
type round struct {
	*world
	seed uint64

	mu  sync.Mutex // guards the field below
	rnd *rand.Rand
}

// failed reports what a round came to that must not be.
func (r *round) failed(format string, args ...any) {
	r.t.Errorf("repeat it with PARSEC_SEED=%d: %s", r.seed, fmt.Sprintf(format, args...))
}

// chance is one in n.
func (r *round) chance(n int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.rnd.IntN(n) == 0
}

func (r *round) number(n int) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.rnd.IntN(n)
}

// side is one side over all its lives.
type side struct {
	*round
	name string
	who  enrol.Side
	m    *member
	// next starts the flow of the next life.
	next  func() (enrol.Flow, error)
	voice *voice
	calm  *atomic.Bool // from when on nothing goes wrong any more

	got   enrol.Result
	done  bool
	trail []string
}

const (
	lives   = 12
	patient = 5 * time.Minute
)

// live runs the side life after life until it is done, or gives up. Only in the first lives something goes wrong.
func (s *side) live(ctx context.Context) {
	for life := range lives {
		if s.once(ctx, life < lives-4 && !s.calm.Load()) || ctx.Err() != nil {
			return
		}
	}
}

// once is a life. It reports whether it was the last.
func (s *side) once(ctx context.Context, trouble bool) bool {
	ctx, kill := context.WithCancelCause(ctx)
	defer kill(nil)
	p := &script{name: s.name, say: s.voice, told: func(enrol.Notice) {}}
	steps := -1
	if trouble {
		p.on = s.trouble()
		if s.chance(2) {
			steps = s.number(80)
		}
	}
	s.m.fate.begin(steps, func() { kill(errKilled) })
	flow, err := s.next()
	if err == nil {
		s.got, err = flow.Run(ctx, p)
	}
	s.m.fate.begin(-1, nil)
	s.trail = append(s.trail, fmt.Sprintf("%v after %s", err, p.history()))
	s.done = err == nil
	switch {
	case s.done, errors.Is(err, enrol.ErrInvitation), errors.Is(err, enrol.ErrLost):
		return true // there is nothing to come back to
	case errors.Is(err, enrol.ErrCancelled):
		return s.chance(3)
	}
	return false
}

// trouble is a person who cancels, or hears wrong codes.
func (s *side) trouble() func(context.Context, enrol.Question) (enrol.Answer, error) {
	cancels, deaf := -1, s.chance(3)
	if s.chance(3) {
		cancels = s.number(6)
	}
	asked := 0
	return func(_ context.Context, q enrol.Question) (enrol.Answer, error) {
		if asked++; asked-1 == cancels {
			return nil, enrol.ErrCancelled
		}
		switch q := q.(type) {
		case enrol.Confirm:
			if s.chance(4) {
				return enrol.Decision{}, nil
			}
		case enrol.ChooseCode:
			if deaf && s.chance(2) {
				return enrol.Code{}, nil
			}
			if deaf && s.chance(2) {
				return enrol.Code{Code: q.Codes[s.number(len(q.Codes))]}, nil
			}
		}
		return nil, nil //nolint:nilnil // goes on as usual
	}
}

// lossy loses requests before they are executed, and answers after.
func (r *round) lossy(calm *atomic.Bool, one int) func(http.Handler) http.Handler {
	return func(inner http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			if !calm.Load() && r.chance(one) {
				if r.chance(2) {
					inner.ServeHTTP(&sink{http.Header{}}, q)
				}
				panic(http.ErrAbortHandler)
			}
			inner.ServeHTTP(w, q)
		})
	}
}

// sink is an answer that gets lost.
type sink struct{ h http.Header }

func (s *sink) Header() http.Header         { return s.h }
func (s *sink) Write(b []byte) (int, error) { return len(b), nil }
func (s *sink) WriteHeader(int)             {}

// play plays the round and says how it ended.
func (r *round) play() string {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.t.Context()), patient)
	defer cancel()
	r.alice.fate.begin(-1, nil)
	safe := r.alice.start()
	s, end := safe.signIn(ctx, r.t, r.id)
	defer end()
	invited := r.invite(ctx, s)
	bob := r.f.member(r.t)
	bob.fate = &fate{left: -1}
	calm, v := &atomic.Bool{}, newVoice()
	claimer := &side{round: r, name: "claimer", who: enrol.SideClaimer, m: bob, voice: v, calm: calm, next: func() (enrol.Flow, error) {
		return bob.start().Claim(&invited.Address)
	}}
	greeter := &side{round: r, name: "greeter", who: enrol.SideGreeter, m: r.alice, voice: v, calm: calm, next: func() (enrol.Flow, error) {
		return r.alice.start().Greet(s, invited.Address.Token), nil
	}}
	r.f.meddle(r.lossy(calm, 25+r.number(100)))
	var all sync.WaitGroup
	for _, one := range []*side{claimer, greeter} {
		all.Go(func() {
			if one.live(ctx); !one.done { // who gives up keeps nobody waiting
				r.giveUp(ctx, s, one, invited.Address.Token)
			}
		})
	}
	all.Wait()
	r.f.meddle(nil)
	return r.judge(ctx, s, invited, bob, claimer, greeter)
}

// giveUp has a side that does not want to go on end the invitation.
func (r *round) giveUp(ctx context.Context, s *session.Session, one *side, token trust.AccessToken) {
	one.calm.Store(true)
	for ctx.Err() == nil {
		err := enrol.CancelInvitation(ctx, s, token)
		if err == nil || errors.Is(err, enrol.ErrInvitation) {
			return
		}
	}
}

// invite makes an invitation of either kind.
func (r *round) invite(ctx context.Context, s *session.Session) *enrol.Invited {
	var invited *enrol.Invited
	var err error
	if r.number(2) == 0 {
		invited, err = enrol.InviteDevice(ctx, s, false)
	} else {
		invited, err = enrol.InviteUser(ctx, s, servertest.Must(trust.NewEmailAddress(fmt.Sprintf("u%d@example.com", r.seed))), false)
	}
	must(r.t, err)
	return invited
}

// judge wants both sides to agree, and to have nothing left that cannot be brought to an end.
func (r *round) judge(ctx context.Context, s *session.Session, invited *enrol.Invited, m *member, claimer, greeter *side) string {
	trails := func() string { return fmt.Sprintf("\nclaimer %q\ngreeter %q", claimer.trail, greeter.trail) }
	if ctx.Err() != nil {
		r.failed("stuck: %s", trails())
		return "stuck"
	}
	if greeter.done && !claimer.done {
		r.failed("the greeter has %+v, the claimer nothing%s", greeter.got, trails())
	}
	if claimer.done && greeter.done && claimer.got.Device != greeter.got.Device {
		r.failed("claimed %+v, greeted %+v%s", claimer.got, greeter.got, trails())
	}
	bob, alice := m.start(), r.alice.start()
	for _, e := range bob.entries(r.t) {
		if err := bob.GiveUp(ctx, e.ID, nil); err != nil {
			r.failed("the claimer's %+v: %v%s", e, err, trails())
		}
	}
	if claimer.done { // the identity is one
		s, end := bob.signIn(ctx, r.t, claimer.got.Device)
		if err := s.Refresh(ctx); err != nil {
			r.failed("the device that was claimed: %v%s", err, trails())
		}
		end()
	}
	r.endGreeting(ctx, alice, s, claimer, trails)
	if left := len(alice.entries(r.t)) + len(bob.entries(r.t)); left > 0 {
		r.failed("%d entries stay%s", left, trails())
	}
	switch {
	case claimer.done && greeter.done:
		return "enrolled"
	case claimer.done:
		return "enrolled, and the greeter found out later"
	}
	r.nobody(ctx, s, invited, trails)
	return "given up"
}

// endGreeting brings to an end what the greeter's journal has.
func (r *round) endGreeting(ctx context.Context, alice *agent, s *session.Session, claimer *side, trails func() string) {
	for _, e := range alice.entries(r.t) {
		if claimer.done && *e.Device == claimer.got.Device {
			flow, err := alice.Continue(e.ID, s)
			must(r.t, err)
			if _, err = flow.Run(ctx, &script{}); err == nil {
				continue
			}
			r.failed("the greeter cannot go on with %+v: %v%s", e, err, trails())
		}
		err := alice.GiveUp(ctx, e.ID, s)
		if err == nil && e.Work == enrol.WorkGreetDevice { // it is left first, if it was certified
			err = alice.GiveUp(ctx, e.ID, s)
		}
		if err != nil && !errors.Is(err, enrol.ErrNoEntry) {
			r.failed("the greeter's %+v: %v%s", e, err, trails())
		}
	}
}

// nobody wants no user to be there that nobody can be.
func (r *round) nobody(ctx context.Context, s *session.Session, invited *enrol.Invited, trails func() string) {
	if invited.Address.Type != trust.InviteUser {
		return
	}
	must(r.t, s.Refresh(ctx))
	must(r.t, s.View(func(certificates *trust.Store) error {
		for _, id := range certificates.Users() {
			u, _ := certificates.User(id, servertest.Must(trust.DateTimeOf(r.f.Clock.Now().Add(time.Hour))))
			if u.Certificate.Handle().Email.String() == fmt.Sprintf("u%d@example.com", r.seed) && !u.Revoked {
				r.failed("user %s can be nobody%s", id, trails())
			}
		}
		return nil
	}))
}
