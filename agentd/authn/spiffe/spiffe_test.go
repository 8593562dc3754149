package spiffe

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spiffe/go-spiffe/v2/proto/spiffe/workload"
	"github.com/spiffe/go-spiffe/v2/svid/jwtsvid"
	"github.com/spiffe/go-spiffe/v2/workloadapi"
	"go.uber.org/goleak"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/seed-73b3884f/parsec-agent/agentd/authn"
	"github.com/seed-73b3884f/parsec-agent/agentd/authn/spiffe/workloadtest"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// socket returns a path that is short enough for a socket.
func socket(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "spiffe") //nolint:usetesting // a socket path has 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return filepath.Join(dir, "api.sock")
}

// start returns an authenticator, its Workload API and the authority of example.org.
func start(t testing.TB, opts Options, more ...*workloadtest.Authority) (*Authenticator, *workloadtest.Server, *workloadtest.Authority) {
	t.Helper()
	authority := workloadtest.NewAuthority(t, "example.org")
	server := workloadtest.Serve(t, socket(t), append([]*workloadtest.Authority{authority}, more...)...)
	opts.Endpoint = server.Endpoint()
	a, err := New(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return a, server, authority
}

func TestAccepts(t *testing.T) {
	federated := workloadtest.NewAuthority(t, "partner.example")
	a, _, authority := start(t, Options{}, federated)
	for name, c := range map[string]struct {
		issuer *workloadtest.Authority
		claims workloadtest.Claims
		want   string
	}{
		"plain":             {authority, workloadtest.Claims{Path: "/web", Audience: []string{"parsec"}, Expiry: time.Hour}, "spiffe://example.org/web"},
		"several audiences": {authority, workloadtest.Claims{Path: "/web/1", Audience: []string{"db", "parsec"}, Expiry: time.Hour}, "spiffe://example.org/web/1"},
		"typ JWT":           {authority, workloadtest.Claims{Path: "/web", Audience: []string{"parsec"}, Expiry: time.Hour, Type: "JWT"}, "spiffe://example.org/web"},
		"federated domain":  {federated, workloadtest.Claims{Path: "/web", Audience: []string{"parsec"}, Expiry: time.Hour}, "spiffe://partner.example/web"},
		"trust domain":      {authority, workloadtest.Claims{Subject: "spiffe://example.org", Audience: []string{"parsec"}, Expiry: time.Hour}, "spiffe://example.org"},
	} {
		t.Run(name, func(t *testing.T) {
			app, err := a.Authenticate(t.Context(), nil, []byte(c.issuer.Issue(t, c.claims)))
			if err != nil || app != c.want {
				t.Errorf("got %q, %v; want %q", app, err, c.want)
			}
		})
	}
}

// A token as a client fetches it from the same Workload API.
func TestAcceptsFetchedToken(t *testing.T) {
	a, server, _ := start(t, Options{})
	client, err := workloadapi.New(t.Context(), workloadapi.WithAddr(server.Endpoint()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	svid, err := client.FetchJWTSVID(t.Context(), jwtsvid.Params{Audience: Audience})
	if err != nil {
		t.Fatal(err)
	}
	app, err := a.Authenticate(t.Context(), nil, []byte(svid.Marshal()))
	if err != nil || app != "spiffe://example.org/client" {
		t.Errorf("got %q, %v", app, err)
	}
}

// forged returns the token with other header and payload, and signed by nobody.
func forged(header, payload, signature string) string {
	e := base64.RawURLEncoding.EncodeToString
	return e([]byte(header)) + "." + e([]byte(payload)) + "." + signature
}

func TestRefuses(t *testing.T) {
	stranger := workloadtest.NewAuthority(t, "stranger.example")
	a, server, authority := start(t, Options{})
	// An authority of the same trust domain that the Workload API does not know, with a
	// key id that it does know.
	impostor := workloadtest.NewAuthority(t, "example.org")
	good := authority.Token(t, "/web")
	signature := good[strings.LastIndexByte(good, '.')+1:]
	payload := fmt.Sprintf(`{"sub":"spiffe://example.org/admin","aud":["parsec"],"exp":%d}`, time.Now().Add(time.Hour).Unix())
	claims := func(c workloadtest.Claims) string {
		if c.Subject == "" && c.Path == "" {
			c.Path = "/web"
		}
		return authority.Issue(t, c)
	}
	parsec := []string{"parsec"}
	for name, c := range map[string]struct {
		token string
		// asks is whether the Workload API is asked at all.
		asks bool
	}{
		"another trust domain":  {stranger.Token(t, "/web"), true},
		"key of an impostor":    {impostor.Token(t, "/web"), true},
		"changed payload":       {forged(`{"alg":"ES256","kid":"key-1"}`, payload, signature), true},
		"changed signature":     {flip(good), true},
		"no signature":          {good[:strings.LastIndexByte(good, '.')+1], true},
		"unknown key id":        {forged(`{"alg":"ES256","kid":"key-9"}`, payload, signature), true},
		"no key id":             {forged(`{"alg":"ES256"}`, payload, signature), true},
		"alg none":              {forged(`{"alg":"none"}`, payload, ""), false},
		"alg NONE":              {forged(`{"alg":"NONE"}`, payload, ""), false},
		"symmetric algorithm":   {forged(`{"alg":"HS256","kid":"key-1"}`, payload, signature), false},
		"wrong audience":        {claims(workloadtest.Claims{Audience: []string{"Parsec", "parsec2"}, Expiry: time.Hour}), false},
		"no audience":           {claims(workloadtest.Claims{Expiry: time.Hour}), false},
		"expired":               {claims(workloadtest.Claims{Audience: parsec, Expiry: -2 * time.Minute}), false},
		"no expiry":             {claims(workloadtest.Claims{Audience: parsec}), false},
		"no subject":            {authority.Issue(t, workloadtest.Claims{Audience: parsec, Expiry: time.Hour}), false},
		"subject not SPIFFE":    {claims(workloadtest.Claims{Subject: "https://example.org/web", Audience: parsec, Expiry: time.Hour}), false},
		"subject with dot path": {claims(workloadtest.Claims{Subject: "spiffe://example.org/a/../b", Audience: parsec, Expiry: time.Hour}), false},
		"typ of another token":  {claims(workloadtest.Claims{Audience: parsec, Expiry: time.Hour, Type: "at+jwt"}), false},
		"JSON serialisation":    {`{"payload":"e30","signatures":[]}`, false},
		"two segments":          {good[:strings.LastIndexByte(good, '.')], false},
		"four segments":         {good + ".e30", false},
		"space around":          {" " + good, false},
		"line feed":             {good + "\n", false},
		"line feed inside":      {good[:20] + "\r\n" + good[20:], false},
		"padding":               {good + "=", false},
		"NUL":                   {good + "\x00", false},
		"empty":                 {"", false},
		"dots":                  {"..", false},
		"longest":               {strings.Repeat("a", wire.MaxAuthLen), false},
		"too long":              {strings.Repeat("a", wire.MaxAuthLen+1), false},
	} {
		t.Run(name, func(t *testing.T) {
			before := server.Validations.Load()
			app, err := a.Authenticate(t.Context(), nil, []byte(c.token))
			if app != "" || wire.StatusOf(err) != wire.StatusAuthenticationError {
				t.Errorf("got %q, %v; want status 11", app, err)
			}
			if asked := server.Validations.Load() != before; asked != c.asks {
				t.Errorf("asked the Workload API: %v, want %v", asked, c.asks)
			}
			checkSilent(t, err, c.token)
		})
	}
}

// flip changes the first character of the signature.
func flip(token string) string {
	b := []byte(token)
	i := strings.LastIndexByte(token, '.') + 1
	if b[i] != 'A' {
		b[i] = 'A'
	} else {
		b[i] = 'B'
	}
	return string(b)
}

// checkSilent asserts that neither the error nor its causes repeat the token.
func checkSilent(t *testing.T, err error, token string) {
	t.Helper()
	for ; err != nil; err = errors.Unwrap(err) {
		for segment := range strings.SplitSeq(token, ".") {
			if len(segment) > 8 && strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), segment) {
				t.Errorf("the error repeats the token: %v", err)
			}
		}
		if len(err.Error()) > 2*maxText+200 {
			t.Errorf("the error has %d bytes", len(err.Error()))
		}
	}
}

func TestNotUTF8(t *testing.T) {
	a, server, authority := start(t, Options{})
	before := server.Validations.Load()
	app, err := a.Authenticate(t.Context(), nil, []byte(authority.Token(t, "/web")+"\xff"))
	if app != "" || wire.StatusOf(err) != wire.StatusInvalidEncoding || server.Validations.Load() != before {
		t.Errorf("got %q, %v; want status 16", app, err)
	}
}

// A new key works at once, a revoked one not with the next request.
func TestRotationAndRevocation(t *testing.T) {
	a, _, authority := start(t, Options{})
	old := authority.Token(t, "/web")
	authority.Rotate(t)
	recent := authority.Token(t, "/web")
	for _, token := range []string{old, recent} {
		if _, err := a.Authenticate(t.Context(), nil, []byte(token)); err != nil {
			t.Error(err)
		}
	}
	authority.RevokeOld(t)
	if app, err := a.Authenticate(t.Context(), nil, []byte(old)); wire.StatusOf(err) != wire.StatusAuthenticationError {
		t.Errorf("a token of a revoked key: %q, %v", app, err)
	}
	if _, err := a.Authenticate(t.Context(), nil, []byte(recent)); err != nil {
		t.Error(err)
	}
}

func TestEndpointGoneAndBack(t *testing.T) {
	a, server, authority := start(t, Options{})
	token := []byte(authority.Token(t, "/web"))
	if _, err := a.Authenticate(t.Context(), nil, token); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		server.Stop()
		begin := time.Now()
		app, err := a.Authenticate(t.Context(), nil, token)
		if app != "" || wire.StatusOf(err) != wire.StatusAuthenticationError || !strings.Contains(err.Error(), "does not answer") {
			t.Errorf("without the endpoint: %q, %v", app, err)
		}
		if d := time.Since(begin); d > DefaultRequestTimeout {
			t.Errorf("refused after %v", d)
		}
		server.Start(t)
		await(t, func() bool {
			app, err = a.Authenticate(t.Context(), nil, token)
			return err == nil
		})
		if app != "spiffe://example.org/web" {
			t.Errorf("got %q, %v", app, err)
		}
	}
}

// await polls until ok, for three times the longest pause between two attempts to connect.
func await(t *testing.T, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*maxBackoff)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("not in time")
		}
	}
}

func TestFaultsOfTheEndpoint(t *testing.T) {
	a, server, authority := start(t, Options{RequestTimeout: 50 * time.Millisecond})
	token := authority.Token(t, "/web")
	for name, c := range map[string]struct {
		fault func(ctx context.Context, token string) (*workload.ValidateJWTSVIDResponse, error)
		want  string
	}{
		"hangs": {func(ctx context.Context, _ string) (*workload.ValidateJWTSVIDResponse, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}, "does not answer"},
		"repeats the token": {func(_ context.Context, token string) (*workload.ValidateJWTSVIDResponse, error) {
			return nil, status.Error(codes.InvalidArgument, "bad token "+token)
		}, "does not accept"},
		"floods with text": {func(context.Context, string) (*workload.ValidateJWTSVIDResponse, error) {
			return nil, status.Error(codes.InvalidArgument, strings.Repeat("x\n", 2000))
		}, "does not accept"},
		"does not know us": {func(context.Context, string) (*workload.ValidateJWTSVIDResponse, error) {
			return nil, status.Error(codes.PermissionDenied, "no identity issued")
		}, "does not serve this agent"},
		"breaks": {func(context.Context, string) (*workload.ValidateJWTSVIDResponse, error) {
			return nil, status.Error(codes.Internal, "broken")
		}, "failed"},
		"large answer": {func(context.Context, string) (*workload.ValidateJWTSVIDResponse, error) {
			return &workload.ValidateJWTSVIDResponse{SpiffeId: strings.Repeat("x", maxAnswer+1)}, nil
		}, "failed"},
	} {
		t.Run(name, func(t *testing.T) {
			server.Fault.Store(&c.fault)
			defer server.Fault.Store(nil)
			app, err := a.Authenticate(t.Context(), nil, []byte(token))
			if app != "" || wire.StatusOf(err) != wire.StatusAuthenticationError || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %q, %v; want status 11, %q", app, err, c.want)
			}
			checkSilent(t, err, token)
		})
	}
	if _, err := a.Authenticate(t.Context(), nil, []byte(token)); err != nil {
		t.Errorf("after the faults: %v", err)
	}
}

func TestCancelled(t *testing.T) {
	a, _, authority := start(t, Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if app, err := a.Authenticate(ctx, nil, []byte(authority.Token(t, "/web"))); wire.StatusOf(err) != wire.StatusAuthenticationError {
		t.Errorf("got %q, %v", app, err)
	}
}

func TestConcurrentUse(t *testing.T) {
	a, _, authority := start(t, Options{})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			path := fmt.Sprintf("/client/%d", i)
			token := authority.Token(t, path)
			for range 25 {
				if app, err := a.Authenticate(t.Context(), nil, []byte(token)); err != nil || app != "spiffe://example.org"+path {
					t.Errorf("got %q, %v", app, err)
				}
				if app, err := a.Authenticate(t.Context(), nil, []byte(flip(token))); err == nil {
					t.Errorf("forged: %q", app)
				}
			}
		})
	}
	wg.Wait()
}

func TestInSet(t *testing.T) {
	a, _, authority := start(t, Options{})
	set, warnings, err := authn.NewSet(authn.Options{Members: []authn.Member{
		{Authenticator: authn.UnixPeer{}}, {Authenticator: a, Admins: []string{"spiffe://example.org/admin"}},
	}})
	if err != nil || len(warnings) != 0 {
		t.Fatal(err, warnings)
	}
	for path, admin := range map[string]bool{"/admin": true, "/admin/x": false} {
		id, err := set.Authenticate(t.Context(), nil, wire.AuthJWTSVID, []byte(authority.Token(t, path)))
		if err != nil || id.App != "spiffe://example.org"+path || id.Auth != wire.AuthJWTSVID || id.Admin != admin {
			t.Errorf("%s: %+v, %v", path, id, err)
		}
	}
}

func BenchmarkAuthenticate(b *testing.B) {
	a, _, authority := start(b, Options{})
	token := []byte(authority.Token(b, "/web"))
	b.Run("accepted", func(b *testing.B) {
		for b.Loop() {
			if _, err := a.Authenticate(b.Context(), nil, token); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("garbage", func(b *testing.B) {
		for b.Loop() {
			if _, err := a.Authenticate(b.Context(), nil, token[1:]); err == nil {
				b.Fatal("accepted")
			}
		}
	})
}
