package rules_test

import (
	"context"
	"encoding/base64"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/rules"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/webhook"
	. "github.com/seed-73b3884f/parsec-agent/server/servertest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// asked is a server of sequester services that remembers, and answers what it is told to.
type asked struct {
	*httptest.Server

	mu     sync.Mutex
	status map[string]int
	got    []url.Values
	bodies []string
	// meanwhile runs while the service thinks.
	meanwhile func()
}

func newAsked(t *testing.T) *asked {
	t.Helper()
	a := &asked{status: map[string]int{}}
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		a.mu.Lock()
		defer a.mu.Unlock()
		a.got, a.bodies = append(a.got, r.URL.Query()), append(a.bodies, string(b))
		if f := a.meanwhile; f != nil {
			a.meanwhile = nil
			f()
		}
		if s := a.status[r.URL.Path]; s != 0 {
			w.WriteHeader(s)
			_, _ = io.WriteString(w, `{"reason":"not so"}`)
		}
	}))
	t.Cleanup(a.Close)
	return a
}

// calls returns what was asked since the last time.
func (a *asked) calls() ([]url.Values, []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	got, bodies := a.got, a.bodies
	a.got, a.bodies = nil, nil
	return got, bodies
}

func (a *asked) answer(path string, status int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.status[path] = status
}

func hooks(t *testing.T, o webhook.Options) rules.Webhooks {
	t.Helper()
	o.Log = slog.New(slog.DiscardHandler)
	c := Must(webhook.New(o))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		c.Close(ctx)
	})
	return c
}

// sequestered makes an organisation with services; those with an address have a webhook.
func sequestered(t *testing.T, s *Server, addresses ...*string) (*Organization, []trust.SequesterServiceID) {
	t.Helper()
	o := s.Unborn()
	req := o.BootstrapReq()
	o.Sequestered(req)
	OK(t, o.Anonymous(req))
	ids := []trust.SequesterServiceID{}
	for range addresses {
		ids = append(ids, trust.SequesterServiceID(trust.NewVlobID()))
	}
	for i, address := range addresses {
		statement(t, o, `INSERT INTO sequester_service (org, id, label, created_on, webhook_url) VALUES ($1, $2, 'service', $3, $4)`, ids[i][:], o.Clock.Tick().Micros(), address)
	}
	return o, ids
}

// statement changes rows as an administrator does.
func statement(t *testing.T, o *Organization, text string, args ...any) {
	t.Helper()
	org := number(t, o)
	for i, a := range args {
		if s, ok := a.(*string); ok { // no type of a statement's argument
			if args[i] = nil; s != nil {
				args[i] = *s
			}
		}
	}
	err := o.Rules.Store.Write(t.Context(), []store.Lock{store.Sequester(org)}, func(tx *store.Tx) error {
		_, err := tx.Exec(t.Context(), text, append([]any{org}, args...)...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestSequesterWebhooks: services with a webhook are asked before vlobs and keys are stored, what they refuse or cannot be asked about is not
// stored, and others are not asked.
func TestSequesterWebhooks(t *testing.T) {
	a := newAsked(t)
	one, two := a.URL+"/one", a.URL+"/two"
	Each(t, Options{Webhooks: hooks(t, webhook.Options{})}, func(t *testing.T, s *Server) {
		a.calls()
		o, ids := sequestered(t, s, &one, nil, &two)
		alice := o.First
		realm := alice.CreateRealm()
		rotation := alice.RotationReq(realm, 1, alice.User)
		rotation.PerSequesterServiceKeysBundleAccess = map[trust.SequesterServiceID][]byte{}
		for _, id := range ids {
			rotation.PerSequesterServiceKeysBundleAccess[id] = []byte("for " + id.String())
		}
		refusals := func(try func() *Answer) {
			t.Helper()
			for path, status := range map[string]int{"/one": http.StatusBadRequest, "/two": http.StatusInternalServerError} {
				a.answer(path, status)
				want := map[int]string{http.StatusBadRequest: "rejected_by_sequester_service", http.StatusInternalServerError: "sequester_service_unavailable"}[status]
				Want(t, try(), want)
				a.answer(path, 0)
			}
			a.calls()
		}
		refusals(func() *Answer { return alice.Do(rotation) })
		OK(t, alice.Do(rotation))
		calls, bodies := a.calls()
		if len(calls) != 2 || bodies[0] != "" {
			t.Fatalf("%v, %q", calls, bodies)
		}
		for name, want := range map[string]string{
			"type": "realm_rotate_key", "service_id": ids[0].String(), "organization_id": o.ID.String(), "author": alice.ID.String(), "realm_id": realm.String(), "key_index": "1",
			"encryption_algorithm": "BLAKE2B_XSALSA20_POLY1305", "hash_algorithm": "SHA256", "keys_bundle": base64.StdEncoding.EncodeToString(rotation.KeysBundle),
			"keys_bundle_access": base64.StdEncoding.EncodeToString([]byte("for " + ids[0].String())),
		} {
			if got := calls[0].Get(name); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		create := alice.VlobReq(realm, 1, "x")
		refusals(func() *Answer { return alice.Do(create) })
		OK(t, alice.Do(create))
		calls, bodies = a.calls()
		if len(calls) != 2 || bodies[0] != string(create.Blob) || bodies[1] != bodies[0] {
			t.Fatalf("%v, %q", calls, bodies)
		}
		for name, want := range map[string]string{
			"type": "vlob_create_or_update", "service_id": ids[0].String(), "organization_id": o.ID.String(), "author": alice.ID.String(), "realm_id": realm.String(),
			"vlob_id": create.VlobID.String(), "key_index": "1", "version": "1", "timestamp": create.Timestamp.String(),
		} {
			if got := calls[0].Get(name); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		update := &cloud.VlobUpdateReq{RealmID: realm, VlobID: create.VlobID, KeyIndex: 1, Version: 2, Timestamp: o.Clock.Tick(), Blob: []byte("y")}
		refusals(func() *Answer { return alice.Do(update) })
		late := *update
		late.Version = 3
		Want(t, alice.Do(&late), "bad_vlob_version")
		if calls, _ := a.calls(); len(calls) != 0 {
			t.Errorf("a request that is refused anyway was asked for: %v", calls)
		}
		OK(t, alice.Do(update))
		if calls, _ := a.calls(); len(calls) != 2 || calls[0].Get("version") != "2" {
			t.Errorf("%v", calls)
		}
		// A service that comes meanwhile is asked too, and one that was revoked is not.
		statement(t, o, `UPDATE sequester_service SET revoked_on = $3 WHERE org = $1 AND id = $2`, ids[0][:], o.Clock.Tick().Micros())
		a.mu.Lock()
		a.meanwhile = func() {
			statement(t, o, `UPDATE sequester_service SET webhook_url = $3 WHERE org = $1 AND id = $2`, ids[1][:], one)
		}
		a.mu.Unlock()
		OK(t, alice.Do(alice.VlobReq(realm, 1, "z")))
		if calls, _ := a.calls(); len(calls) != 2 || calls[0].Get("service_id") != ids[2].String() || calls[1].Get("service_id") != ids[1].String() {
			t.Errorf("%v", calls)
		}
	})
}

// TestNoWebhooks: without a way to ask, what needs consent is not stored.
func TestNoWebhooks(t *testing.T) {
	address := "https://sequester.example.com"
	o, _ := sequestered(t, New(t, Options{}), &address)
	realm := o.First.CreateRealm()
	Want(t, o.First.Do(o.First.VlobReq(realm, 0, "x")), "sequester_service_unavailable")
}

// TestBootstrapWebhook: others are told of a bootstrap, and only of one that happened.
func TestBootstrapWebhook(t *testing.T) {
	a := newAsked(t)
	Each(t, Options{Webhooks: hooks(t, webhook.Options{Bootstrap: a.URL})}, func(t *testing.T, s *Server) {
		o := s.Unborn()
		req := o.BootstrapReq()
		OK(t, o.Anonymous(req))
		Want(t, o.Anonymous(req), "organization_already_bootstrapped")
		other := s.Unborn()
		bad := other.BootstrapReq()
		bad.UserCertificate = bad.DeviceCertificate
		Want(t, other.Anonymous(bad), "invalid_certificate")
		told := []string{}
		for deadline := time.Now().Add(30 * time.Second); len(told) == 0; time.Sleep(2 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("nobody is told")
			}
			_, told = a.calls()
		}
		want := `{"organization_id":"` + o.ID.String() + `","device_id":"` + o.First.ID.String() + `","device_label":"laptop","human_email":"alice@example.com","human_label":"alice"}`
		if len(told) != 1 || told[0] != want {
			t.Errorf("%q, want %s", told, want)
		}
	})
}
