package api_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/guard"
	"github.com/seed-73b3884f/parsec-agent/server/pgtest"
	. "github.com/seed-73b3884f/parsec-agent/server/servertest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

func TestMain(m *testing.M) { pgtest.Exit(m.Run()) }

// TestOrderOfChecks: of a request with several faults, the first one of 1.5 decides. Each row repairs one more.
func TestOrderOfChecks(t *testing.T) {
	s := New(t, Options{})
	o := s.Bootstrapped()
	stranger := o.First.Sibling()
	r := o.Prepare(cloud.Authenticated, &cloud.OrganizationInfoReq{}, "nonsense")
	good := *r
	r.Header, r.Body = http.Header{}, bytes.Repeat([]byte{0xc1}, cloud.MaxRequest+1)
	r.Path = "/authenticated/not%20a%20name"
	for _, step := range []struct {
		name   string
		repair func()
		want   cloud.HTTPStatus
	}{
		{"no version", func() {}, cloud.StatusUnsupportedAPI},
		{"malformed version", func() { r.Header.Set(cloud.HeaderVersion, "5") }, cloud.StatusUnsupportedAPI},
		{"old version", func() { r.Header.Set(cloud.HeaderVersion, "4.0") }, cloud.StatusUnsupportedAPI},
		{"name of the organisation", func() { r.Header.Set(cloud.HeaderVersion, "5.0") }, cloud.StatusOrganizationNotFound},
		{"no content type", func() { r.Path = strings.Replace(good.Path, o.ID.String(), "Other", 1) }, cloud.StatusBadContent},
		{"content type with a parameter", func() { r.Header.Set("Content-Type", cloud.ContentMsgpack+"; a=b") }, cloud.StatusBadContent},
		{"no authorisation", func() { r.Header.Set("Content-Type", cloud.ContentMsgpack) }, cloud.StatusNoAuthorization},
		{"malformed authorisation", func() { r.Header.Set("Authorization", "Bearer x.y") }, cloud.StatusNoAuthorization},
		{"too long", func() { r.Header.Set("Authorization", stranger.Token()) }, cloud.StatusTooLarge},
		{"no such organisation", func() { r.Body = []byte{0xc1} }, cloud.StatusOrganizationNotFound},
		{"no such device", func() { r.Path = good.Path }, cloud.StatusBadAuthorization},
		{"signature", func() {
			stranger.ID = o.First.ID
			r.Header.Set("Authorization", stranger.Token())
		}, cloud.StatusBadAuthorization},
		{"time", func() {
			r.Header.Set("Authorization", o.First.Token())
			s.Clock.Advance(cloud.ClientLate)
		}, cloud.StatusTokenExpired},
		{"body", func() { r.Header.Set("Authorization", o.First.Token()) }, cloud.StatusBadContent},
		{"command of another family", func() { r.Body = Must(cloud.EncodeRequest(&cloud.ServerConfigReq{})) }, cloud.StatusBadContent},
		{"nothing", func() { r.Body = good.Body }, cloud.StatusOK},
	} {
		step.repair()
		a := s.Send(r)
		if a.Status != step.want {
			t.Errorf("%s: HTTP status %d, want %d", step.name, a.Status, step.want)
		}
		version, supported := a.Header.Get(cloud.HeaderVersion), a.Header.Get(cloud.HeaderSupportedVersions)
		if unsupported := step.want == cloud.StatusUnsupportedAPI; (version == "") != unsupported || (supported != "") != unsupported {
			t.Errorf("%s: version %q, supported versions %q", step.name, version, supported)
		}
	}
}

func TestAnonymousFamilies(t *testing.T) {
	s := New(t, Options{})
	o := s.Unborn()
	probe := o.Prepare(cloud.Anonymous, &cloud.PingReq{}, "")
	probe.Method, probe.Body = http.MethodGet, nil
	WantHTTP(t, s.Send(probe), cloud.StatusOrganizationNotFound)
	OK(t, o.Anonymous(&cloud.PingReq{Ping: "makes it"}))
	WantHTTP(t, s.Send(probe), cloud.StatusOK)
	probe.Header.Del("Content-Type")
	WantHTTP(t, s.Send(probe), cloud.StatusBadContent)
	OK(t, s.Send(o.Prepare(cloud.AnonymousServer, &cloud.ServerConfigReq{}, "")))
	account := o.Prepare(cloud.Account, &cloud.PingReq{}, "")
	WantHTTP(t, s.Send(account), cloud.StatusNoAuthorization)
	account.Header.Set("Authorization", Must(cloud.NewAccountToken(trust.AccountAuthMethodID{}, s.Clock.Now(), Must(trust.NewSecretKey(make([]byte, 32))))))
	WantHTTP(t, s.Send(account), cloud.StatusBadContent)
	WantHTTP(t, s.Send(&Request{Method: http.MethodPost, Path: "/nothing", Header: http.Header{}}), cloud.StatusOrganizationNotFound)
}

func TestListenIsRefusedInOrder(t *testing.T) {
	s := New(t, Options{})
	o := s.Bootstrapped()
	r := o.First.ListenRequest("not an id") // ignored
	r.Header.Set("Accept", "*/*")
	WantHTTP(t, s.Send(r), cloud.StatusBadAccept)
	r.Header.Set("Accept", cloud.ContentEvents)
	r.Header.Del("Authorization")
	WantHTTP(t, s.Send(r), cloud.StatusNoAuthorization)
	r.Header.Set("Authorization", o.First.Sibling().Token())
	WantHTTP(t, s.Send(r), cloud.StatusBadAuthorization)
}

// TestStreamsHaveABody: whoever only wants to know what a stream's headers would be is not kept waiting.
func TestStreamsHaveABody(t *testing.T) {
	s := New(t, Options{})
	alice := s.Bootstrapped().First
	r := alice.Org.Prepare(cloud.Authenticated, &cloud.PingReq{}, alice.Token())
	r.Method, r.Path, r.Body = http.MethodHead, r.Path+"/events", nil
	if a := s.Send(r); a.Status != http.StatusMethodNotAllowed || a.Header.Get("Allow") != http.MethodGet {
		t.Errorf("%d, %v", a.Status, a.Header)
	}
}

// TestDevicesAreForgotten: what was true of a device at its last request does not count.
func TestDevicesAreForgotten(t *testing.T) {
	Each(t, Options{}, func(t *testing.T, s *Server) {
		o := s.Bootstrapped()
		bob := o.Enrol("bob", trust.Standard)
		OK(t, bob.Do(&cloud.OrganizationInfoReq{}))
		bad := o.Prepare(cloud.Authenticated, &cloud.OrganizationInfoReq{}, bob.Token())
		bad.Body = nil
		WantHTTP(t, s.Send(bad), cloud.StatusBadContent)
		o.First.Revoke(bob)
		for deadline := time.Now().Add(10 * time.Second); s.Send(bad).Status != cloud.StatusUserRevoked; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("the server goes on believing in a revoked user")
			}
		}
	})
}

// TestLimitsAnswer503: too much is answered with what clients try again after, and nothing else.
func TestLimitsAnswer503(t *testing.T) {
	for name, limits := range map[string]guard.Limits{
		"address":      {PerAddress: guard.Rate{Burst: 5, PerSecond: 0.001}},
		"organisation": {PerOrganization: guard.Rate{Burst: 5, PerSecond: 0.001}},
	} {
		t.Run(name, func(t *testing.T) {
			o := New(t, Options{Limits: limits}).Bootstrapped()
			for range 20 {
				if a := o.First.Do(&cloud.OrganizationInfoReq{}); a.Status != cloud.StatusOK {
					WantHTTP(t, a, cloud.StatusStopping)
					if a.Header.Get("Retry-After") == "" {
						t.Error("it does not say for how long")
					}
					return
				}
			}
			t.Error("nothing is too much")
		})
	}
}

// TestStreamsAreCounted: a stream counts until it has ended, whoever ends it.
func TestStreamsAreCounted(t *testing.T) {
	s := New(t, Options{Limits: guard.Limits{Streams: 1}})
	o := s.Bootstrapped()
	bob := o.Enrol("bob", trust.Standard)
	stream := bob.Listen("")
	WantHTTP(t, s.Send(o.First.ListenRequest("")), cloud.StatusStopping)
	o.First.Revoke(bob)
	stream.Ended()
	for _, who := range []string{"the server", "the client"} {
		for deadline := time.Now().Add(10 * time.Second); !listens(t, o.First); time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("a stream that %s has ended counts for ever", who)
			}
		}
	}
}

// listens opens a stream, and closes it at once, and reports false if there are too many.
func listens(t *testing.T, d *Device) bool {
	t.Helper()
	r := d.ListenRequest("")
	q := Must(http.NewRequestWithContext(t.Context(), r.Method, d.Org.URL+r.Path, http.NoBody))
	q.Header = r.Header
	a := Must(http.DefaultClient.Do(q)) //nolint:bodyclose // the next line does
	if err := a.Body.Close(); err != nil {
		t.Error(err)
	}
	switch a.StatusCode {
	case http.StatusOK:
		return true
	case http.StatusServiceUnavailable:
		return false
	}
	t.Fatalf("HTTP status %d", a.StatusCode)
	return false
}
