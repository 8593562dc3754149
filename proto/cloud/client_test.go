package cloud

import (
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/seed-73b3884f/parsec-agent/trust"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// peer is a server for tests: every command is answered by serve, unless it answers HTTP itself.
type peer struct {
	*httptest.Server
	calls atomic.Int32
	// mu is held while serve runs: what it shares with the test is changed within do.
	mu    sync.Mutex
	serve func(w http.ResponseWriter, f Family, h *Handshake, req Request) Reply
	// events serves the stream.
	events func(w http.ResponseWriter, r *http.Request, h *Handshake)
}

func newPeer(t *testing.T, start func(http.Handler) *httptest.Server) *peer {
	t.Helper()
	p := &peer{}
	mux := http.NewServeMux()
	for f := range familyNames {
		mux.HandleFunc(f.Pattern(), func(w http.ResponseWriter, r *http.Request) { p.command(t, w, r, f) })
	}
	mux.HandleFunc(PatternProbe, func(w http.ResponseWriter, r *http.Request) {
		h, err := ReadHandshake(r, Anonymous)
		if err != nil || h.Organization.String() != "Org" {
			Refuse(w, StatusOrganizationNotFound)
			return
		}
		w.Header().Set("Content-Type", ContentMsgpack)
	})
	mux.HandleFunc(PatternEvents, func(w http.ResponseWriter, r *http.Request) {
		h, err := ReadEventsHandshake(r)
		if err != nil {
			t.Error(err)
			return
		}
		p.calls.Add(1)
		p.events(w, r, h)
	})
	p.Server = start(mux)
	t.Cleanup(p.Close)
	return p
}

func (p *peer) command(t *testing.T, w http.ResponseWriter, r *http.Request, f Family) {
	p.calls.Add(1)
	h, err := ReadHandshake(r, f)
	if err != nil {
		t.Errorf("%s: %v", f, err)
		return
	}
	body, err := ReadBody(r)
	if err != nil {
		return
	}
	req, err := DecodeRequest(f, body)
	if err != nil {
		Refuse(w, StatusBadContent)
		return
	}
	rep := p.served(w, f, h, req)
	if rep == nil {
		return
	}
	reply, err := EncodeReply(rep)
	if err != nil {
		t.Error(err)
	}
	w.Header().Set("Content-Type", ContentMsgpack)
	w.Header().Set(HeaderVersion, "5.4")
	_, _ = w.Write(reply)
}

func (p *peer) served(w http.ResponseWriter, f Family, h *Handshake, req Request) Reply {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.serve(w, f, h, req)
}

func (p *peer) do(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
}

// client returns a client of the server.
func (p *peer) client(t *testing.T, o Options) *Client {
	t.Helper()
	server, err := trust.ParseServerURL(p.URL)
	if err != nil {
		t.Fatal(err)
	}
	o.Server = server
	return newClient(t, o)
}

func newClient(t *testing.T, o Options) *Client {
	t.Helper()
	c, err := NewClient(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func organization(t *testing.T) trust.OrganizationID {
	t.Helper()
	o, err := trust.NewOrganizationID("Org")
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func pong(_ http.ResponseWriter, _ Family, _ *Handshake, req Request) Reply {
	if ping, ok := req.(*PingReq); ok {
		return &PingOK{Pong: ping.Ping}
	}
	return &OK{}
}

// TestCallers: each sends its commands to its route with its credentials, which the server can verify.
func TestCallers(t *testing.T) {
	p := newPeer(t, httptest.NewServer)
	c := p.client(t, Options{UserAgent: "Test/1"})
	key, mac, token := trust.GenerateSigningKey(), trust.GenerateSecretKey(), trust.GenerateAccessToken()
	verify, err := key.VerifyKey()
	if err != nil {
		t.Fatal(err)
	}
	device, method := trust.NewDeviceID(), trust.AccountAuthMethodID{7}
	seen := atomic.Int32{}
	p.serve = func(_ http.ResponseWriter, f Family, h *Handshake, req Request) Reply {
		seen.Store(int32(f))
		if h.Client != Current || h.UserAgent != "Test/1" {
			t.Errorf("%+v", h)
		}
		if now := time.Now(); f == Authenticated && (h.Device.Device() != device || h.Device.Verify(verify) != nil || !InWindow(now, h.Device.Time())) ||
			f == Account && (h.Account.Method() != method || h.Account.Verify(mac) != nil || !InWindow(now, h.Account.Time())) ||
			f == Invited && !h.Invitation.Equal(token) {
			t.Errorf("%s: %+v", f, h)
		}
		return pong(nil, f, h, req)
	}
	org := organization(t)
	callers := map[Family]*Caller{
		Anonymous: c.Organization(org), AnonymousServer: c.Server(), Invited: c.Invitation(org, token),
		Authenticated: c.Device(org, device, key), Account: c.Account(method, mac),
	}
	for f, caller := range callers {
		rep, err := Do(t.Context(), caller, &PingReq{Ping: f.String()})
		if ok, is := rep.(*PingOK); err != nil || !is || ok.Pong != f.String() || seen.Load() != int32(f) {
			t.Errorf("%s: %v, %v, by %s", f, rep, err, Family(seen.Load()))
		}
	}
	if _, err := Do(t.Context(), callers[Authenticated], &TOSAcceptReq{}); err != nil || seen.Load() != int32(TOS) {
		t.Errorf("%v by %s", err, Family(seen.Load()))
	}
	held := errors.New("the key is locked")
	holder := c.Holder(org, func(now time.Time) (string, error) {
		if held != nil {
			return "", held
		}
		return NewDeviceToken(device, now, key)
	})
	if _, err := Do(t.Context(), holder, &PingReq{}); !errors.Is(err, held) {
		t.Errorf("without a token: %v", err)
	}
	held = nil
	if rep, err := Do(t.Context(), holder, &PingReq{Ping: "held"}); err != nil || rep.Status() != "ok" || seen.Load() != int32(Authenticated) {
		t.Errorf("%v, %v", rep, err)
	}
	calls := p.calls.Load()
	for _, f := range []Family{Anonymous, AnonymousServer, Invited, Account} {
		if _, err := Do(t.Context(), callers[f], &BlockCreateReq{}); !errors.Is(err, ErrCaller) {
			t.Errorf("%s: %v", f, err)
		}
	}
	if _, err := Do(t.Context(), callers[Authenticated], &AnonymousTOTPSetupGetSecretReq{}); !errors.Is(err, ErrCaller) {
		t.Error(err)
	}
	key.Wipe()
	if _, err := Do(t.Context(), callers[Authenticated], &PingReq{}); !errors.Is(err, trust.ErrWiped) {
		t.Error(err)
	}
	if _, err := Do(t.Context(), callers[Account], &PingReq{Ping: strings.Repeat("x", MaxRequest)}); !errors.Is(err, ErrTooLarge) {
		t.Error(err)
	}
	if p.calls.Load() != calls {
		t.Error("something was sent")
	}
	if v, ok := c.ServerVersion(); !ok || v != (Version{5, 4}) {
		t.Errorf("%v %v", v, ok)
	}
}

func TestExists(t *testing.T) {
	c := newPeer(t, httptest.NewServer).client(t, Options{})
	if err := c.Organization(organization(t)).Exists(t.Context()); err != nil {
		t.Error(err)
	}
	other, err := trust.NewOrganizationID("Other")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Organization(other).Exists(t.Context()); !errors.Is(err, ErrOrganizationNotFound) {
		t.Error(err)
	}
	if err := c.Server().Exists(t.Context()); !errors.Is(err, ErrCaller) {
		t.Error(err)
	}
}

// TestAnswers: what a server may answer instead of a reply.
func TestAnswers(t *testing.T) {
	p := newPeer(t, httptest.NewServer)
	caller := p.client(t, Options{Attempts: 1}).Server()
	raw := func(status int, kind, body string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", kind)
			w.Header().Set(HeaderSupportedVersions, "4.1;6.0")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	for name, c := range map[string]struct {
		answer func(http.ResponseWriter)
		want   error
	}{
		"no version in common": {raw(422, "", "{}"), ErrUnsupportedAPI},
		"expired":              {raw(460, "", "{}"), ErrOrganizationExpired},
		"revoked":              {raw(461, "", "{}"), ErrUserRevoked},
		"frozen":               {raw(462, "", "{}"), ErrUserFrozen},
		"terms":                {raw(463, "", "{}"), ErrMustAcceptTOS},
		"web client":           {raw(464, "", "{}"), ErrWebClientNotAllowed},
		"clock":                {raw(498, "", "{}"), ErrTokenExpired},
		"proxy":                {raw(502, "text/html", strings.Repeat("x", 1<<20)), ErrOffline},
		"redirection":          {raw(302, "", ""), ErrServer},
		"teapot":               {raw(418, "", ""), ErrServer},
		"failure":              {raw(500, "", ""), ErrServer},
		"captive portal":       {raw(200, "text/html", "<html>"), ErrReply},
		"garbage":              {raw(200, ContentMsgpack, "\xc1"), ErrReply},
		"nothing":              {raw(200, ContentMsgpack, ""), ErrReply},
		"broken off":           {func(http.ResponseWriter) { panic(http.ErrAbortHandler) }, ErrOffline},
		"broken off within": {func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", ContentMsgpack)
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, "\x81")
		}, ErrOffline},
		"endless": {func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", ContentMsgpack)
			for chunk := make([]byte, 1<<20); ; {
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
		}, ErrReply},
	} {
		t.Run(name, func(t *testing.T) {
			p.do(func() {
				p.serve = func(w http.ResponseWriter, _ Family, _ *Handshake, _ Request) Reply {
					c.answer(w)
					return nil
				}
			})
			rep, err := Do(t.Context(), caller, &PingReq{Ping: "x"})
			if rep != nil || !errors.Is(err, c.want) {
				t.Fatalf("%v, %v", rep, err)
			}
			if strings.Contains(err.Error(), p.URL) {
				t.Errorf("the error names the address: %v", err)
			}
			if e := (*HTTPError)(nil); errors.As(err, &e) && (e.Status == StatusUnsupportedAPI) != (len(e.Supported) == 2) {
				t.Errorf("%+v", e)
			}
		})
	}
	p.do(func() {
		p.serve = func(http.ResponseWriter, Family, *Handshake, Request) Reply { return &UnknownStatus{Name: "new"} }
	})
	if rep, err := Do(t.Context(), caller, &PingReq{}); err != nil || rep.Status() != "new" {
		t.Errorf("%v, %v", rep, err)
	}
}

// TestRepeated: which commands are tried again, and when.
func TestRepeated(t *testing.T) {
	p := newPeer(t, httptest.NewServer)
	fail := 0
	p.serve = func(w http.ResponseWriter, f Family, h *Handshake, req Request) Reply {
		if int(p.calls.Load()) <= fail {
			w.WriteHeader(http.StatusServiceUnavailable)
			return nil
		}
		return pong(w, f, h, req)
	}
	caller := p.client(t, Options{}).Device(organization(t), trust.NewDeviceID(), trust.GenerateSigningKey())
	for name, c := range map[string]struct {
		call        func() error
		fail, calls int
		ok          bool
	}{
		"asks":            {func() error { _, err := Do(t.Context(), caller, &PingReq{}); return err }, 2, 3, true},
		"asks too often":  {func() error { _, err := Do(t.Context(), caller, &PingReq{}); return err }, 9, 3, false},
		"changes":         {func() error { _, err := Do(t.Context(), caller, &VlobCreateReq{}); return err }, 1, 1, false},
		"changes at once": {func() error { _, err := Do(t.Context(), caller, &VlobCreateReq{}); return err }, 0, 1, true},
	} {
		p.calls.Store(0)
		p.do(func() { fail = c.fail })
		if err := c.call(); (err == nil) != c.ok || err != nil && !errors.Is(err, ErrOffline) || int(p.calls.Load()) != c.calls {
			t.Errorf("%s: %v after %d", name, err, p.calls.Load())
		}
	}
	known := map[string]bool{probe: true}
	for _, c := range Commands() {
		known[c.Name] = true
	}
	for name := range repeatable {
		if !known[name] {
			t.Errorf("%s is no command", name)
		}
	}
}

// TestRepeatedUnsent: what could not be sent at all is tried again, whatever it is.
func TestRepeatedUnsent(t *testing.T) {
	p := newPeer(t, httptest.NewServer)
	p.serve = pong
	at, err := url.Parse(p.URL)
	if err != nil {
		t.Fatal(err)
	}
	tries := 0
	proxy := func(*url.URL) (*url.URL, error) {
		if tries++; tries < 3 {
			return &url.URL{Scheme: "http", Host: closedPort(t)}, nil
		}
		return nil, nil //nolint:nilnil // no proxy
	}
	c := p.client(t, Options{Proxy: proxy})
	caller := c.Device(organization(t), trust.NewDeviceID(), trust.GenerateSigningKey())
	if _, err := Do(t.Context(), caller, &VlobCreateReq{}); err != nil || tries != 3 || p.calls.Load() != 1 {
		t.Errorf("%v after %d tries at %s", err, tries, at.Host)
	}
}

// closedPort is an address that nobody listens at.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

func TestTLS(t *testing.T) {
	p := newPeer(t, func(h http.Handler) *httptest.Server {
		s := httptest.NewUnstartedServer(h)
		s.Config.ErrorLog = log.New(io.Discard, "", 0) // the client does not like the certificate
		s.StartTLS()
		return s
	})
	p.serve = pong
	own := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.Certificate().Raw})
	if _, err := Do(t.Context(), p.client(t, Options{CAs: own}).Server(), &PingReq{}); err != nil {
		t.Error(err)
	}
	if _, err := Do(t.Context(), p.client(t, Options{}).Server(), &PingReq{}); !errors.Is(err, ErrCertificate) || errors.Is(err, ErrOffline) {
		t.Error(err)
	}
	if _, err := NewClient(Options{Server: p.client(t, Options{}).o.Server, CAs: []byte("no PEM")}); !errors.Is(err, ErrCAs) {
		t.Error(err)
	}
	plain := newPeer(t, httptest.NewServer)
	server, err := trust.ParseServerURL(strings.Replace(plain.URL, "http:", "https:", 1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Do(t.Context(), newClient(t, Options{Server: server}).Server(), &PingReq{}); !errors.Is(err, ErrCertificate) {
		t.Error(err)
	}
}

// TestProxy: the variables of the environment are read, NO_PROXY too.
func TestProxy(t *testing.T) {
	through := atomic.Value{}
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		through.Store(r.URL.Host)
		w.Header().Set("Content-Type", ContentMsgpack)
		body, _ := EncodeReply(&PingOK{Pong: "proxy"})
		_, _ = w.Write(body)
	}))
	defer proxy.Close()
	t.Setenv("HTTP_PROXY", proxy.URL)
	t.Setenv("NO_PROXY", "direct.example")
	for host, want := range map[string]bool{"far.example": true, "direct.example": false} {
		through.Store("")
		server, err := trust.ParseServerURL("http://" + host)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		_, err = Do(ctx, newClient(t, Options{Server: server, Attempts: 1}).Server(), &PingReq{})
		cancel()
		if (err == nil) != want || (through.Load() == host) != want {
			t.Errorf("%s: %v through %q", host, err, through.Load())
		}
	}
}

func TestTimeouts(t *testing.T) {
	p := newPeer(t, httptest.NewServer)
	hang := make(chan struct{})
	defer close(hang)
	p.serve = func(http.ResponseWriter, Family, *Handshake, Request) Reply {
		<-hang
		return nil
	}
	if _, err := Do(t.Context(), p.client(t, Options{Timeout: 50 * time.Millisecond, Attempts: 1}).Server(), &PingReq{}); !errors.Is(err, ErrOffline) {
		t.Error(err)
	}
	because := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(50*time.Millisecond, func() { cancel(because) })
	if _, err := Do(ctx, p.client(t, Options{}).Server(), &PingReq{}); !errors.Is(err, because) || errors.Is(err, ErrOffline) {
		t.Error(err)
	}
}

func TestClockOffset(t *testing.T) {
	p := newPeer(t, httptest.NewServer)
	p.serve = func(w http.ResponseWriter, f Family, h *Handshake, req Request) Reply {
		w.Header().Set("Date", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat))
		if f == Account {
			Refuse(w, StatusTokenExpired)
			return nil
		}
		return pong(w, f, h, req)
	}
	c := p.client(t, Options{})
	if _, ok := c.ClockOffset(); ok {
		t.Error("known before anything was said")
	}
	if _, err := Do(t.Context(), c.Server(), &PingReq{}); err != nil {
		t.Fatal(err)
	}
	o, ok := c.ClockOffset()
	if !ok || (o.Offset-time.Hour).Abs() > o.Uncertainty || o.Uncertainty < time.Second/2 {
		t.Errorf("%+v", o)
	}
	_, err := Do(t.Context(), c.Account(trust.AccountAuthMethodID{}, trust.GenerateSecretKey()), &PingReq{})
	if !errors.Is(err, ErrTokenExpired) || !strings.Contains(err.Error(), "ahead by 1h0m") && !strings.Contains(err.Error(), "ahead by 59m5") {
		t.Error(err)
	}
	at := trust.DateTime{}
	if got := (&TimestampOutOfBallpark{ServerTimestamp: at.Add(time.Minute), ClientTimestamp: at}).Offset(); got != time.Minute {
		t.Error(got)
	}
}

// TestBodyIsWiped: no secret of a request stays in memory that the client had.
func TestBodyIsWiped(t *testing.T) {
	s := newSentBody([]byte("secret"))
	a, b := s.open(), s.open()
	s.finish()
	for _, r := range []io.ReadCloser{a, b} {
		if got, err := io.ReadAll(r); err != nil || string(got) != "secret" {
			t.Errorf("%q, %v", got, err)
		}
		_ = r.Close()
		_ = r.Close()
	}
	if !bytes.Equal(s.b, make([]byte, 6)) || s.open() != http.NoBody {
		t.Errorf("%q", s.b)
	}
}
