package enrol_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/device"
	"github.com/seed-73b3884f/parsec-agent/enrol"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/server/servertest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// authority is the public key of a sequester authority, in PEM.
func authority(t testing.TB) []byte {
	t.Helper()
	key := servertest.Must(rsa.GenerateKey(rand.Reader, 2048))
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: servertest.Must(x509.MarshalPKIXPublicKey(&key.PublicKey))})
}

// usable wants a device that was enrolled to be one, with nothing left of its enrolment.
func usable(t testing.TB, a *agent, r enrol.Result) *trust.Store {
	t.Helper()
	if left := a.entries(t); len(left) > 0 {
		t.Errorf("left in the journal: %+v", left)
	}
	s, end := a.signIn(t.Context(), t, r.Device)
	defer end()
	must(t, s.Refresh(context.WithoutCancel(t.Context())))
	var store *trust.Store
	must(t, s.View(func(c *trust.Store) error {
		store = c
		return nil
	}))
	if s.Root() != r.Root || s.User() != r.User {
		t.Errorf("signed in as %v under %v, enrolled as %+v", s.User(), s.Root(), r)
	}
	return store
}

func TestBootstrapWithAuthority(t *testing.T) {
	f := newFront(t)
	for _, links := range []func(trust.Action) string{
		func(a trust.Action) string { _, native, _ := enrol.Links(a); return native },
		func(a trust.Action) string { browser, _, _ := enrol.Links(a); return browser },
	} {
		address, ok := servertest.Must(trust.ParseAction(links(f.unborn(t)))).(*trust.BootstrapAddress)
		if !ok {
			t.Fatal("it is no address to bootstrap")
		}
		a := f.member(t).start()
		flow, err := a.Bootstrap(address, authority(t))
		must(t, err)
		r, err := flow.Run(t.Context(), &script{name: "alice"})
		must(t, err)
		if _, sequestered := usable(t, a, r).Services(); !sequestered {
			t.Error("the organisation is not sequestered")
		}
	}
}

func TestBadAuthority(t *testing.T) {
	f := newFront(t)
	good := authority(t)
	small := servertest.Must(x509.MarshalPKIXPublicKey(servertest.Must(rsa.GenerateKey(rand.Reader, 2048)).Public()))
	for name, text := range map[string][]byte{
		"text": []byte("hello"), "two": append(good, good...), "private": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: small}),
		"damaged": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: small[1:]}),
	} {
		if _, err := f.member(t).start().Bootstrap(f.unborn(t), text); wire.StatusOf(err) != wire.StatusInvalidArgument {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestBootstrapKilled kills the first user's agent at each of its steps, and goes on.
func TestBootstrapKilled(t *testing.T) {
	f, sequester := newFront(t), authority(t)
	const many = 1000
	m := f.member(t)
	m.fate = &fate{}
	if !killedAt(t, m, f.unborn(t), sequester, many) {
		t.Fatalf("it takes more than %d steps", many)
	}
	steps := many - m.fate.left
	if steps < 15 {
		t.Errorf("there are only %d steps to be killed at", steps)
	}
	for n := range steps {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			m := f.member(t)
			m.fate = &fate{}
			address := f.unborn(t)
			if !killedAt(t, m, address, sequester, n) {
				goesOn(t, m, address)
			}
		})
	}
}

// killedAt bootstraps with an agent that is killed after some steps. It reports whether all went well.
func killedAt(t *testing.T, m *member, address *trust.BootstrapAddress, sequester []byte, steps int) bool {
	t.Helper()
	ctx, kill := context.WithCancelCause(t.Context())
	defer kill(nil)
	m.fate.begin(steps, func() { kill(errKilled) })
	a := m.start()
	flow, err := a.Bootstrap(address, sequester)
	must(t, err)
	r, err := flow.Run(ctx, &script{name: "alice"})
	left := m.fate.left
	m.fate.begin(-1, nil)
	if err == nil {
		usable(t, a, r)
	}
	m.fate.left = left
	return err == nil
}

// goesOn continues with what the journal has, or begins anew.
func goesOn(t *testing.T, m *member, address *trust.BootstrapAddress) {
	t.Helper()
	m.fate.begin(-1, nil)
	a := m.start()
	flow, err := a.Bootstrap(address, nil)
	must(t, err)
	if left := a.entries(t); len(left) == 1 {
		flow, err = a.Continue(left[0].ID, nil)
		must(t, err)
	}
	r, err := flow.Run(t.Context(), &script{name: "alice"})
	if errors.Is(err, enrol.ErrLost) { // nothing was sent
		flow, err = a.Bootstrap(address, nil)
		must(t, err)
		r, err = flow.Run(t.Context(), &script{name: "alice"})
	}
	must(t, err)
	usable(t, a, r)
}

// losing loses the n-th bootstrap, before it is executed or its answer.
func losing(n int32, executed bool) func(http.Handler) http.Handler {
	count := atomic.Int32{}
	return func(inner http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !strings.HasPrefix(r.URL.Path, "/anonymous/") || count.Add(1) != n {
				inner.ServeHTTP(w, r)
				return
			}
			if executed {
				inner.ServeHTTP(&sink{http.Header{}}, r)
			}
			panic(http.ErrAbortHandler)
		})
	}
}

func TestBootstrapLosesTheServer(t *testing.T) {
	f := newFront(t)
	for _, executed := range []bool{false, true} {
		f.meddle(losing(1, executed))
		_, a, r := bootstrapped(t, f)
		usable(t, a, r)
	}
}

// TestBootstrapTwice bootstraps what somebody else has bootstrapped: nothing stays.
func TestBootstrapTwice(t *testing.T) {
	f := newFront(t)
	address := f.unborn(t)
	for i, want := range []error{nil, enrol.ErrRefused} {
		a := f.member(t).start()
		flow, err := a.Bootstrap(address, nil)
		must(t, err)
		if _, err = flow.Run(t.Context(), &script{name: "alice"}); !errors.Is(err, want) {
			t.Errorf("bootstrap %d: %v", i, err)
		}
		if left := a.entries(t); len(left) > 0 {
			t.Errorf("bootstrap %d leaves %+v", i, left)
		}
	}
}

func TestBootstrapRefusals(t *testing.T) {
	f := newFront(t)
	token := trust.GenerateAccessToken()
	for name, c := range map[string]struct {
		spoil func(*trust.BootstrapAddress, *member)
		want  error
	}{
		"token": {func(a *trust.BootstrapAddress, _ *member) { a.Token = &token }, enrol.ErrRefused},
		"clock": {func(_ *trust.BootstrapAddress, m *member) { m.late = time.Hour }, enrol.ErrRefused},
	} {
		t.Run(name, func(t *testing.T) {
			m, address := f.member(t), f.unborn(t)
			c.spoil(address, m)
			a := m.start()
			flow, err := a.Bootstrap(address, nil)
			must(t, err)
			_, err = flow.Run(t.Context(), &script{name: "alice"})
			if detail, ok := errors.AsType[*wire.Error](err); !errors.Is(err, c.want) || !ok || detail.Remedy == "" {
				t.Errorf("refused with %v", err)
			}
			if left := a.entries(t); len(left) > 0 {
				t.Errorf("it leaves %+v", left)
			}
		})
	}
}

// TestBootstrapByPassword is interrupted, and goes on when the right password comes.
func TestBootstrapByPassword(t *testing.T) {
	f := newFront(t)
	m, address := f.member(t), f.unborn(t)
	p := &script{name: "alice", on: func(_ context.Context, q enrol.Question) (enrol.Answer, error) {
		if _, ok := q.(enrol.ChooseProtection); ok {
			return enrol.Protection{Protection: device.Protection{Password: []byte("P@ssw0rd.")}}, nil
		}
		return nil, nil //nolint:nilnil // as usual
	}}
	ctx, kill := context.WithCancelCause(t.Context())
	p.told = func(n enrol.Notice) {
		if n.Event == enrol.EventCertified {
			kill(errKilled)
		}
	}
	flow, err := m.start().Bootstrap(address, nil)
	must(t, err)
	if _, err := flow.Run(ctx, p); err == nil {
		t.Fatal("it was not interrupted")
	}
	wrong, asked := error(nil), 0
	a := m.start()
	flow, err = a.Bootstrap(address, nil)
	must(t, err)
	r, err := flow.Run(t.Context(), &script{name: "alice", on: func(_ context.Context, q enrol.Question) (enrol.Answer, error) {
		given, ok := q.(enrol.GiveSecret)
		if !ok {
			return nil, nil //nolint:nilnil // as usual
		}
		if asked++; asked == 1 {
			return enrol.Secret{Secret: device.Secret{Password: []byte("wrong")}}, nil
		}
		wrong = given.Wrong
		return enrol.Secret{Secret: device.Secret{Password: []byte("P@ssw0rd.")}}, nil
	}})
	must(t, err)
	if !errors.Is(wrong, device.ErrSecret) {
		t.Errorf("the wrong password is told as %v", wrong)
	}
	if _, _, err := a.devices.Unlock(t.Context(), r.Device, device.Secret{Password: []byte("P@ssw0rd.")}); err != nil {
		t.Error(err)
	}
}

// TestBootstrapCancelled ends before anything was sent.
func TestBootstrapCancelled(t *testing.T) {
	f := newFront(t)
	for _, at := range []enrol.Kind{enrol.KindCorrect, enrol.KindChooseProtection} {
		a := f.member(t).start()
		flow, err := a.Bootstrap(f.unborn(t), nil)
		must(t, err)
		_, err = flow.Run(t.Context(), &script{name: "alice", on: func(_ context.Context, q enrol.Question) (enrol.Answer, error) {
			if q.Kind() == at {
				return nil, enrol.ErrCancelled
			}
			return nil, nil //nolint:nilnil // as usual
		}})
		if !errors.Is(err, enrol.ErrCancelled) || len(a.entries(t)) > 0 {
			t.Errorf("cancelled at %s: %v, left is %+v", at, err, a.entries(t))
		}
	}
}
