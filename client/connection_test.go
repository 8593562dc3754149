package client_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/seed-73b3884f/parsec-agent/client"
	"github.com/seed-73b3884f/parsec-agent/proto/agent"
	"github.com/seed-73b3884f/parsec-agent/proto/agent/agentpb"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/psa/psapb"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConnectionIsKept(t *testing.T) {
	s := newServer(t, nil)
	c := s.dial(client.Options{})
	for range 20 {
		ping(t, c)
	}
	if n := s.accepted.Load(); n != 1 {
		t.Errorf("%d connections for 21 requests", n)
	}
	if !c.Persistent() {
		t.Error("the client does not know that connections are kept")
	}
}

func TestOriginalGetsOneConnectionPerRequest(t *testing.T) {
	s := newServer(t, nil)
	s.original.Store(true)
	c := s.dial(client.Options{})
	for range 5 {
		ping(t, c)
	}
	if n := s.accepted.Load(); n != 6 {
		t.Errorf("%d connections for 6 requests", n)
	}
	if first := s.seen(wire.OpListAuthenticators); first[0].Flags != wire.FlagPersistent {
		t.Errorf("the first request has flags 0x%x", first[0].Flags)
	}
	for _, r := range s.seen(wire.OpPing) {
		if r.Flags != 0 {
			t.Errorf("asks again: flags 0x%x", r.Flags)
		}
	}
	if c.Persistent() {
		t.Error("the client thinks that connections are kept")
	}
}

func TestRefusalSaysNothingAboutPersistence(t *testing.T) {
	// A service at its limits may refuse before it has read the flag.
	b, err := wire.AppendResponse(nil, wire.DefaultHeader(wire.StatusConnectionError), nil)
	if err != nil {
		t.Fatal(err)
	}
	refuse := true
	s := newServer(t, func(r request) reply {
		if r.Opcode == wire.OpListAuthenticators && refuse {
			refuse = false
			return reply{raw: b}
		}
		return reply{}
	})
	_, err = client.Dial(t.Context(), client.Options{Endpoint: s.path})
	if !errors.Is(err, wire.StatusConnectionError) {
		t.Fatalf("got %v", err)
	}
	c := s.dial(client.Options{})
	ping(t, c)
	if !c.Persistent() {
		t.Error("given up after a refusal")
	}
}

func TestOneShotNeverAsks(t *testing.T) {
	s := newServer(t, nil)
	c := s.dial(client.Options{OneShot: true})
	ping(t, c)
	if n := s.accepted.Load(); n != 2 {
		t.Errorf("%d connections for 2 requests", n)
	}
	if _, err := c.Info(t.Context()); !errors.Is(err, wire.StatusNotSupported) {
		t.Errorf("info of what is taken for the original: %v", err)
	}
}

func TestIdleConnectionClosedByService(t *testing.T) {
	s := newServer(t, nil)
	c := s.dial(client.Options{})
	for range 3 {
		ping(t, c)
		s.closeConns()
	}
	if err := c.GenerateKey(t.Context(), "k", p256()); err != nil {
		t.Errorf("a stale connection reaches the caller: %v", err)
	}
	if n := len(s.seen(wire.OpGenerateKey)); n != 1 {
		t.Errorf("%d requests to generate", n)
	}
}

func p256() psa.Attributes {
	return psa.Attributes{
		Type: psa.KeyECCPair, Curve: psa.CurveSECPR1, Bits: 256, Usage: psa.UsageSignHash,
		Alg: psa.Algorithm{Kind: psa.AlgECDSA, Hash: psa.HashSHA256},
	}
}

// TestUnreadRequestIsRepeated has a service that closes a kept connection with a whole
// request unread in it: the race of an idle timeout. Even a request that must not be
// carried out twice is then sent again.
func TestUnreadRequestIsRepeated(t *testing.T) {
	s := newServer(t, nil, func(s *server) {
		s.unread = func(conn int64, served int) bool { return conn == 1 && served == 3 }
	})
	c := s.dial(client.Options{})
	if _, err := c.Provider(t.Context()); err != nil {
		t.Fatal(err)
	}
	ping(t, c)
	if err := c.GenerateKey(t.Context(), "k", p256()); err != nil {
		t.Error(err)
	}
	if n := len(s.seen(wire.OpGenerateKey)); n != 1 {
		t.Errorf("the service read the request %d times", n)
	}
	if n := s.accepted.Load(); n != 2 {
		t.Errorf("%d connections", n)
	}
}

func TestLostAnswer(t *testing.T) {
	for _, tc := range []struct {
		name   string
		call   func(context.Context, *client.Client) error
		op     wire.Opcode
		asked  int // how often the service saw the request
		failed bool
	}{
		{"generate", func(ctx context.Context, c *client.Client) error { return c.GenerateKey(ctx, "k", p256()) }, wire.OpGenerateKey, 1, true},
		{"import", func(ctx context.Context, c *client.Client) error { return c.ImportKey(ctx, "k", p256(), []byte{1}) }, wire.OpImportKey, 1, true},
		{"destroy", func(ctx context.Context, c *client.Client) error { return c.DestroyKey(ctx, "k") }, wire.OpDestroyKey, 1, true},
		{"delete client", func(ctx context.Context, c *client.Client) error { return c.DeleteClient(ctx, "k") }, wire.OpDeleteClient, 1, true},
		{"protect", func(ctx context.Context, c *client.Client) error {
			return c.Protect(ctx, client.ProtectRequest{Form: "encrypted", All: true}, nil)
		}, agent.OpProtect, 1, true},
		{"sign", func(ctx context.Context, c *client.Client) error {
			_, err := c.SignHash(ctx, "k", p256().Alg, make([]byte, 32))
			return err
		}, wire.OpSignHash, 2, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var mu sync.Mutex
			lost := false
			s := newServer(t, func(r request) reply {
				mu.Lock()
				defer mu.Unlock()
				if r.Opcode == tc.op && !lost {
					lost = true
					return reply{hangUp: true} // read, perhaps done, never answered
				}
				return reply{}
			})
			c := s.dial(client.Options{})
			if _, err := c.Provider(t.Context()); err != nil {
				t.Fatal(err)
			}
			err := tc.call(t.Context(), c)
			gone, is := errors.AsType[*client.ConnectionError](err)
			if tc.failed != (err != nil) || tc.failed && (!is || !gone.Sent || !errors.Is(err, io.EOF)) {
				t.Errorf("got %v", err)
			}
			if n := len(s.seen(tc.op)); n != tc.asked {
				t.Errorf("the service was asked %d times, want %d", n, tc.asked)
			}
			ping(t, c)
		})
	}
}

func TestLostAnswerOnFreshConnectionIsNotRepeated(t *testing.T) {
	s := newServer(t, func(r request) reply {
		return reply{hangUp: r.Opcode == wire.OpListAuthenticators}
	})
	if _, err := client.Dial(t.Context(), client.Options{Endpoint: s.path}); err == nil {
		t.Fatal("no error")
	}
	if n := len(s.seen(wire.OpListAuthenticators)); n != 1 {
		t.Errorf("asked %d times", n)
	}
}

func TestCancellation(t *testing.T) {
	s := newServer(t, func(r request) reply { return reply{wait: r.Opcode == wire.OpListClients} })
	c := s.dial(client.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	reason := errors.New("the user is gone")
	ctx, cause := context.WithCancelCause(ctx)
	time.AfterFunc(20*time.Millisecond, func() { cause(reason) })
	_, err := c.ListClients(ctx)
	if !errors.Is(err, reason) {
		t.Errorf("got %v", err)
	}
	cancel()
	ping(t, c) // on another connection
	if n := s.accepted.Load(); n != 2 {
		t.Errorf("%d connections", n)
	}
	for range 100 {
		if _, err := c.Ping(ctx); !errors.Is(err, reason) {
			t.Errorf("a context that was over before: %v", err)
		}
	}
	if n := len(s.seen(wire.OpPing)); n != 1 {
		t.Errorf("%d pings arrived", n)
	}
}

func TestTimeout(t *testing.T) {
	s := newServer(t, func(r request) reply { return reply{wait: r.Opcode == wire.OpListClients} })
	c := s.dial(client.Options{Timeout: 30 * time.Millisecond})
	_, err := c.ListClients(t.Context())
	lost, is := errors.AsType[*client.ConnectionError](err)
	if !is || !lost.Sent {
		t.Fatalf("got %v", err)
	}
	if n := len(s.seen(wire.OpListClients)); n != 1 {
		t.Errorf("asked %d times", n)
	}
	deadline, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if _, err := c.ListClients(deadline); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("deadline of the context: %v", err)
	}
}

func TestUnreachable(t *testing.T) {
	s := newServer(t, nil)
	c := s.dial(client.Options{OneShot: true})
	_ = s.listener.Close()
	_, err := c.Ping(t.Context())
	lost, is := errors.AsType[*client.ConnectionError](err)
	if !is || lost.Sent {
		t.Errorf("got %v", err)
	}
}

func TestClosedClient(t *testing.T) {
	s := newServer(t, nil)
	c := s.dial(client.Options{})
	view := c.WithProvider(wire.ProviderTPM)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []*client.Client{c, view} {
		if _, err := c.Ping(t.Context()); !errors.Is(err, client.ErrClosed) {
			t.Errorf("got %v", err)
		}
	}
}

func TestConnectionsAreBounded(t *testing.T) {
	s := newServer(t, nil)
	c := s.dial(client.Options{MaxConnections: 3, MaxIdle: 2})
	var work sync.WaitGroup
	for range 24 {
		work.Go(func() {
			for range 10 {
				if _, err := c.Ping(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	work.Wait()
	if n := s.mostOpen.Load(); n > 4 { // a closed one may still be counted
		t.Errorf("%d connections at once", n)
	}
}

func TestBytesNobodyAskedFor(t *testing.T) {
	s := newServer(t, func(r request) reply {
		if r.Opcode != wire.OpPing || r.conn > 1 {
			return reply{}
		}
		body, _ := psa.Marshal(&psapb.PingResult{WireProtocolVersionMaj: 1})
		b, _ := wire.AppendResponse(nil, wire.Header{Opcode: wire.OpPing, Flags: wire.FlagPersistent}, body)
		return reply{raw: append(b, b...)} // a second answer: the next request must not get it
	})
	c := s.dial(client.Options{})
	ping(t, c)
	ping(t, c)
	if n := s.accepted.Load(); n != 2 {
		t.Errorf("%d connections: the first must not be used again", n)
	}
}

func TestResponseTooLarge(t *testing.T) {
	s := newServer(t, func(r request) reply {
		if r.Opcode == wire.OpListClients {
			return ok(&psapb.ListClientsResult{Clients: []string{strings.Repeat("x", 5000)}})
		}
		return reply{}
	})
	c := s.dial(client.Options{MaxResponse: 4096})
	_, err := c.ListClients(t.Context())
	if _, is := errors.AsType[*client.ProtocolError](err); !is || !strings.Contains(err.Error(), "larger than the limit of 4096 bytes") {
		t.Errorf("got %v", err)
	}
	ping(t, c)
}

// TestEarlyRefusal has a service that refuses a body by its length and closes while the
// client still writes.
func TestEarlyRefusal(t *testing.T) {
	s := newServer(t, nil)
	c := s.dial(client.Options{})
	_, err := c.HashCompute(t.Context(), psa.HashSHA256, bytes.Repeat([]byte{1}, 8<<20))
	if !errors.Is(err, wire.StatusBodySizeExceedsLimit) {
		t.Errorf("got %v", err)
	}
}

func TestErrorDetail(t *testing.T) {
	detail := &agentpb.ErrorDetail{Object: `key "k"`, Reason: "it is gone", Remedy: "look elsewhere", Reference: "abc"}
	s := newServer(t, func(r request) reply {
		if r.Opcode == wire.OpExportPublicKey {
			return reply{status: wire.StatusDoesNotExist, frames: ok(detail).frames}
		}
		return reply{}
	})
	_, err := s.dial(client.Options{}).ExportPublicKey(t.Context(), "k")
	e, is := errors.AsType[*wire.Error](err)
	if !is || e.Status != wire.StatusDoesNotExist || e.Reason != "it is gone" || e.Remedy != "look elsewhere" || e.Reference != "abc" {
		t.Errorf("got %#v", err)
	}
	// The same service without detail: the object is what the client knows.
	s.original.Store(true)
	_, err = s.dial(client.Options{}).ExportPublicKey(t.Context(), "k\x00\n")
	if !errors.Is(err, wire.StatusDoesNotExist) || err.Error() != `key "k\x00\n": no key has that name` {
		t.Errorf("got %v", err)
	}
}

func TestOursIsNotSentToOriginal(t *testing.T) {
	s := newServer(t, nil)
	s.original.Store(true)
	c := s.dial(client.Options{})
	ed := psa.Attributes{
		Type: psa.KeyECCPair, Curve: psa.CurveEdwards, Bits: 255, Usage: psa.UsageSignMessage, Alg: psa.Algorithm{Kind: psa.AlgPureEdDSA},
	}
	for name, err := range map[string]error{
		"generate": c.GenerateKey(t.Context(), "k", ed),
		"can do":   c.CanDoCrypto(t.Context(), psa.CheckUse, ed),
		"mac":      c.MACVerify(t.Context(), "k", psa.Algorithm{Kind: psa.AlgHMAC, Hash: psa.HashSHA256}, nil, nil),
		"backup":   c.Backup(t.Context(), []byte("x"), io.Discard),
	} {
		if !errors.Is(err, wire.StatusNotSupported) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, op := range []wire.Opcode{wire.OpGenerateKey, wire.OpCanDoCrypto, wire.OpMACVerify, agent.OpBackup} {
		if n := len(s.seen(op)); n != 0 {
			t.Errorf("%s was sent %d times", agent.Name(op), n)
		}
	}
}

// TestServiceReplacedByOriginal has a parsec-agent give way to the original service while
// a client lives: what the original would misread is not sent to it.
func TestServiceReplacedByOriginal(t *testing.T) {
	s := newServer(t, nil)
	c := s.dial(client.Options{})
	ping(t, c)
	s.original.Store(true)
	s.closeConns()
	ed := psa.Attributes{
		Type: psa.KeyECCPair, Curve: psa.CurveEdwards, Bits: 255, Usage: psa.UsageSignMessage, Alg: psa.Algorithm{Kind: psa.AlgPureEdDSA},
	}
	if err := c.GenerateKey(t.Context(), "k", ed); !errors.Is(err, wire.StatusNotSupported) {
		t.Errorf("got %v", err)
	}
	if n := len(s.seen(wire.OpGenerateKey)); n != 0 {
		t.Errorf("sent %d times", n)
	}
	ping(t, c)
}
