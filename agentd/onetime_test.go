package agentd

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/client"
	"github.com/seed-73b3884f/parsec-agent/device/devicetest"
	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// codeServer keeps keys for one-time codes, over the protocol of a metadata server. The only right code is 123456.
type codeServer struct {
	*httptest.Server
	t testing.TB

	mu    sync.Mutex // guards the fields below
	keys  map[trust.TOTPOpaqueKeyID]trust.SecretKey
	wrong int
}

func newCodeServer(t *testing.T) (*codeServer, trust.ServerAddress) {
	t.Helper()
	s := &codeServer{t: t, keys: map[trust.TOTPOpaqueKeyID]trust.SecretKey{}}
	mux := http.NewServeMux()
	for _, f := range []cloud.Family{cloud.Anonymous, cloud.Authenticated} {
		mux.HandleFunc(f.Pattern(), func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, f) })
	}
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	address, err := trust.ParseServerURL(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	return s, address
}

func (s *codeServer) serve(w http.ResponseWriter, r *http.Request, f cloud.Family) {
	if _, err := cloud.ReadHandshake(r, f); err != nil {
		s.t.Error(err)
		return
	}
	body, err := cloud.ReadBody(r)
	if err != nil {
		return
	}
	req, err := cloud.DecodeRequest(f, body)
	if err != nil {
		s.t.Error(err)
		return
	}
	reply, err := cloud.EncodeReply(s.reply(req))
	if err != nil {
		s.t.Error(err)
	}
	w.Header().Set("Content-Type", cloud.ContentMsgpack)
	w.Header().Set(cloud.HeaderVersion, "5.4")
	_, _ = w.Write(reply)
}

func (s *codeServer) reply(req cloud.Request) cloud.Reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch r := req.(type) {
	case *cloud.TOTPCreateOpaqueKeyReq:
		id, key := trust.TOTPOpaqueKeyID{byte(len(s.keys) + 1)}, trust.GenerateSecretKey()
		s.keys[id] = key
		return &cloud.TOTPCreateOpaqueKeyOK{OpaqueKeyID: id, OpaqueKey: key}
	case *cloud.TOTPFetchOpaqueKeyReq:
		key, known := s.keys[r.OpaqueKeyID]
		switch {
		case s.wrong > 1:
			until, err := trust.DateTimeOf(time.Now().Add(time.Minute))
			if err != nil {
				s.t.Error(err)
			}
			return &cloud.Throttled{WaitUntil: until}
		case !known || r.OneTimePassword != "123456":
			s.wrong++
			return &cloud.InvalidOneTimePassword{}
		}
		return &cloud.TOTPFetchOpaqueKeyOK{OpaqueKey: key}
	default:
		s.t.Errorf("asked for %T", req)
		return nil
	}
}

// TestOneTimeCode puts the layer of one-time codes around a device, and opens it with right and wrong codes, with the server
// throttling, and without it.
func TestOneTimeCode(t *testing.T) {
	server, address := newCodeServer(t)
	r := start(t, nil)
	c := r.client()
	ctx := t.Context()
	d := devicetest.New(t, "Acme", "laptop")
	d.Server = address
	if _, err := c.OfferDevice(ctx, devicetest.PasswordFile(t, d, "p")); err != nil {
		t.Fatal(err)
	}
	if _, err := c.CommitDevice(ctx, ""); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.UnlockDevice(ctx, "", secret("p")); err != nil {
		t.Fatal(err)
	}
	got, err := c.ProtectDevice(ctx, "", client.NewProtection{Password: []byte("q"), Code: true})
	if err != nil || got.Pending == nil || !got.Pending.Code {
		t.Fatalf("%+v, %v", got, err)
	}
	with := func(code string) client.DeviceSecret { return client.DeviceSecret{Password: []byte("q"), Code: code} }
	if _, err := c.ConfirmProtection(ctx, "", with("")); wire.StatusOf(err) != wire.StatusInvalidArgument {
		t.Errorf("no code: %v", err)
	}
	if _, err := c.ConfirmProtection(ctx, "", with("654321")); wire.StatusOf(err) != wire.StatusNotPermitted {
		t.Errorf("a wrong code: %v", err)
	}
	if _, err := c.ConfirmProtection(ctx, "", with("123456")); err != nil {
		t.Fatal(err)
	}
	if _, err := c.LockDevice(ctx, ""); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.UnlockDevice(ctx, "", with("654321")); wire.StatusOf(err) != wire.StatusNotPermitted {
		t.Errorf("a wrong code: %v", err)
	}
	if _, _, err := c.UnlockDevice(ctx, "", with("123456")); wire.StatusOf(err) != wire.StatusNotPermitted {
		t.Errorf("a throttling server: %v", err)
	}
	server.mu.Lock()
	server.wrong = 0
	server.mu.Unlock()
	if _, _, err := c.UnlockDevice(ctx, "", with("123456")); err != nil {
		t.Fatal(err)
	}
	if _, err := c.LockDevice(ctx, ""); err != nil {
		t.Fatal(err)
	}
	server.Close()
	if _, _, err := c.UnlockDevice(ctx, "", with("123456")); wire.StatusOf(err) != wire.StatusCommunicationFailure {
		t.Errorf("no server: %v", err)
	}
}
