package agentd

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"github.com/seed-73b3884f/parsec-agent/agentd/config"
	"github.com/seed-73b3884f/parsec-agent/agentd/internal/audit"
	"github.com/seed-73b3884f/parsec-agent/proto/agent"
	"github.com/seed-73b3884f/parsec-agent/proto/agent/agentpb"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/psa/psapb"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// recorder keeps audit records.
type recorder struct {
	mu      sync.Mutex
	records []audit.Record
}

func (r *recorder) Record(rec *audit.Record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.records = append(r.records, *rec)
}

// running is a service of the test on a socket of its own.
type running struct {
	t       testing.TB
	service *Service
	config  *config.Config
	socket  string
	audit   *recorder
	stop    func()
}

// start serves the default user configuration, changed by change, in a fresh directory.
func start(t testing.TB, change func(*config.Config)) *running {
	t.Helper()
	dir, err := os.MkdirTemp("", "pa") //nolint:usetesting // a socket path has at most 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	cfg := config.Default(config.Layout{User: true, UID: os.Getuid(), StateDir: dir, RuntimeDir: dir})
	if change != nil {
		change(cfg)
	}
	r := &running{t: t, config: cfg, socket: filepath.Join(dir, "s"), audit: &recorder{}}
	r.service = New(Options{Logger: slog.New(slog.DiscardHandler), Audit: r.audit, Version: "test", User: true})
	if err := r.service.Load(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: r.socket, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.service.Serve(ctx, ln) }()
	r.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := r.service.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(r.stop)
	return r
}

func (r *running) dial() *net.UnixConn {
	r.t.Helper()
	c, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: r.socket, Net: "unix"})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = c.Close() })
	return c
}

// ask sends one frame on a connection and reads one answer.
func (r *running) ask(c net.Conn, h wire.Header, m proto.Message) (wire.Header, []byte) {
	r.t.Helper()
	var body []byte
	if m != nil {
		var err error
		if body, err = psa.Marshal(m); err != nil {
			r.t.Fatal(err)
		}
	}
	if _, err := c.Write(frame(r.t, h, body)); err != nil {
		r.t.Fatal(err)
	}
	head, answer, err := wire.NewReader(c, 1<<24).ReadResponse()
	if err != nil {
		r.t.Fatal(err)
	}
	return head, answer
}

// once is ask on a connection of its own, with the caller's credentials.
func (r *running) once(op wire.Opcode, provider wire.ProviderID, m proto.Message) (wire.Status, []byte) {
	r.t.Helper()
	h, body := r.ask(r.dial(), wire.Header{Opcode: op, Provider: provider, AuthType: wire.AuthUnixPeer}, m)
	return h.Status, body
}

func (r *running) want(status wire.Status, op wire.Opcode, provider wire.ProviderID, m proto.Message) []byte {
	r.t.Helper()
	got, body := r.once(op, provider, m)
	if got != status {
		r.t.Fatalf("%s: status %v, want %v", op, got, status)
	}
	return body
}

func attributes(t testing.TB, a psa.Attributes) *psapb.KeyAttributes {
	t.Helper()
	m, err := psa.EncodeAttributes(a)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

var signingKey = psa.Attributes{
	Type: psa.KeyECCPair, Curve: psa.CurveSECPR1, Bits: 256, Usage: psa.UsageSignHash | psa.UsageVerifyHash,
	Alg: psa.Algorithm{Kind: psa.AlgECDSA, Hash: psa.HashSHA256},
}

func TestKeyLifeCycle(t *testing.T) {
	r := start(t, nil)
	create := &psapb.GenerateKey{KeyName: "k", Attributes: attributes(t, signingKey)}
	r.want(wire.StatusSuccess, wire.OpGenerateKey, wire.ProviderMbedCrypto, create)
	r.want(wire.StatusAlreadyExists, wire.OpGenerateKey, wire.ProviderMbedCrypto, create)
	alg, err := psa.EncodeSignature(signingKey.Alg)
	if err != nil {
		t.Fatal(err)
	}
	hash := make([]byte, 32)
	body := r.want(wire.StatusSuccess, wire.OpSignHash, wire.ProviderMbedCrypto, &psapb.Sign{KeyName: "k", Alg: alg, Input: hash})
	sig := &psapb.Output{}
	if err := psa.Unmarshal(body, sig); err != nil || len(sig.GetOutput()) != 64 {
		t.Fatalf("signature of %d bytes, %v", len(sig.GetOutput()), err)
	}
	verify := &psapb.Verify{KeyName: "k", Alg: alg, Input: hash, Signature: sig.GetOutput()}
	r.want(wire.StatusSuccess, wire.OpVerifyHash, wire.ProviderMbedCrypto, verify)
	verify.Signature[5] ^= 1
	r.want(wire.StatusInvalidSignature, wire.OpVerifyHash, wire.ProviderMbedCrypto, verify)
	r.want(wire.StatusInvalidArgument, wire.OpSignHash, wire.ProviderMbedCrypto, &psapb.Sign{KeyName: "k", Alg: alg, Input: hash[1:]})
	list := &psapb.ListKeysResult{}
	if err := psa.Unmarshal(r.want(wire.StatusSuccess, wire.OpListKeys, wire.ProviderCore, nil), list); err != nil {
		t.Fatal(err)
	}
	if len(list.GetKeys()) != 1 || list.GetKeys()[0].GetName() != "k" {
		t.Errorf("listed: %v", list)
	}
	r.want(wire.StatusSuccess, wire.OpDestroyKey, wire.ProviderMbedCrypto, &psapb.KeyRef{KeyName: "k"})
	r.want(wire.StatusDoesNotExist, wire.OpDestroyKey, wire.ProviderMbedCrypto, &psapb.KeyRef{KeyName: "k"})
}

// Several faults in one request: the one that is looked at first decides.
func TestOrderOfChecks(t *testing.T) {
	r := start(t, func(c *config.Config) { c.Authenticator.Admins = nil; c.Layout.User = false })
	mbed, unix := wire.ProviderMbedCrypto, wire.AuthUnixPeer
	bad := []byte{0xff}
	for name, c := range map[string]struct {
		h    wire.Header
		body []byte
		want wire.Status
	}{
		"accept after content type":          {wire.Header{ContentType: 1, AcceptType: 1}, nil, wire.StatusContentType},
		"auth type after accept type":        {wire.Header{AcceptType: 1, AuthType: 9}, nil, wire.StatusAcceptType},
		"opcode after auth type":             {wire.Header{AuthType: 9, Opcode: 99}, nil, wire.StatusAuthenticatorDoesNotExist},
		"provider after opcode":              {wire.Header{Opcode: 99, Provider: 77}, nil, wire.StatusOpcodeDoesNotExist},
		"authenticator after provider":       {wire.Header{Opcode: 1, Provider: 77, AuthType: wire.AuthDirect}, nil, wire.StatusProviderDoesNotExist},
		"registered provider after that":     {wire.Header{Opcode: 2, Provider: 3, AuthType: wire.AuthDirect}, nil, wire.StatusAuthenticatorNotRegistered},
		"class after registered provider":    {wire.Header{Opcode: 1, Provider: 3}, nil, wire.StatusProviderNotRegistered},
		"body after class":                   {wire.Header{Opcode: 1, Provider: mbed}, bad, wire.StatusNotSupported},
		"body after admin":                   {wire.Header{Opcode: wire.OpListClients, AuthType: unix}, bad, wire.StatusAdminOperation},
		"admin without app":                  {wire.Header{Opcode: wire.OpListClients}, bad, wire.StatusNotAuthenticated},
		"app after body":                     {wire.Header{Opcode: wire.OpGenerateKey, Provider: mbed}, bad, wire.StatusDeserializingBody},
		"app after attributes":               {wire.Header{Opcode: wire.OpGenerateKey, Provider: mbed}, nil, wire.StatusInvalidEncoding},
		"app":                                {wire.Header{Opcode: wire.OpExportKey, Provider: mbed}, nil, wire.StatusNotAuthenticated},
		"MAC is for those who ask":           {wire.Header{Opcode: wire.OpMACCompute, Provider: mbed, AuthType: unix}, nil, wire.StatusOpcodeDoesNotExist},
		"agent operations too":               {wire.Header{Opcode: agent.OpInfo, AuthType: unix}, nil, wire.StatusOpcodeDoesNotExist},
		"other flags do not ask":             {wire.Header{Opcode: agent.OpInfo, AuthType: unix, Flags: 3}, nil, wire.StatusOpcodeDoesNotExist},
		"attestation is validated, then not": {wire.Header{Opcode: wire.OpAttestKey, Provider: mbed, AuthType: unix}, nil, wire.StatusInvalidEncoding},
	} {
		t.Run(name, func(t *testing.T) {
			conn := r.dial()
			if _, err := conn.Write(frame(t, c.h, c.body)); err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(conn)
			if err != nil || len(got) != wire.HeaderSize {
				t.Fatalf("answer of %d bytes: %v", len(got), err)
			}
			h, err := wire.ParseHeader((*[wire.HeaderSize]byte)(got))
			if err != nil || h.Status != c.want {
				t.Errorf("status %v, want %v (%v)", h.Status, c.want, err)
			}
		})
	}
}

func TestPersistentConnection(t *testing.T) {
	r := start(t, nil)
	c := r.dial()
	flagged := wire.Header{Flags: wire.FlagPersistent, AuthType: wire.AuthUnixPeer}
	for i := range 3 {
		h := flagged
		h.Opcode, h.Session = wire.OpPing, uint64(i)
		got, _ := r.ask(c, h, nil)
		if got.Status != wire.StatusSuccess || got.Flags != wire.FlagPersistent || got.Session != uint64(i) {
			t.Fatalf("answer %d: %+v", i, got)
		}
	}
	// An error keeps the connection, and says what and why.
	h := flagged
	h.Opcode, h.Provider = wire.OpExportPublicKey, wire.ProviderMbedCrypto
	got, body := r.ask(c, h, &psapb.KeyRef{KeyName: "nothing\n"})
	detail := &agentpb.ErrorDetail{}
	if err := psa.Unmarshal(body, detail); err != nil {
		t.Fatal(err)
	}
	if got.Status != wire.StatusDoesNotExist || detail.GetObject() != `key "nothing\n"` || detail.GetRemedy() == "" {
		t.Errorf("%v: %v", got.Status, detail)
	}
	h.Opcode, h.Provider = wire.OpPing, wire.ProviderCore
	if got, _ = r.ask(c, h, nil); got.Status != wire.StatusSuccess {
		t.Errorf("after an error: %v", got.Status)
	}
}

func TestFramingErrorEndsAKeptConnection(t *testing.T) {
	r := start(t, nil)
	c := r.dial()
	r.ask(c, wire.Header{Flags: wire.FlagPersistent, Opcode: wire.OpPing}, nil)
	if _, err := c.Write(make([]byte, wire.HeaderSize)); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(c)
	if err != nil || len(got) != wire.HeaderSize {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
	if h, err := wire.ParseHeader((*[wire.HeaderSize]byte)(got)); err != nil || h.Status != wire.StatusInvalidHeader {
		t.Errorf("status %v, %v", h.Status, err)
	}
}

// A caller that sends a byte now and then has the time of one frame, not of each byte.
func TestSlowWriterMeetsOneDeadline(t *testing.T) {
	r := start(t, func(c *config.Config) { c.Listener.Timeout = 50 * time.Millisecond })
	c := r.dial()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for _, b := range frame(t, wire.Header{Opcode: wire.OpPing}, nil) {
			if _, err := c.Write([]byte{b}); err != nil {
				return
			}
			time.Sleep(10 * time.Millisecond) // the slowness is the test
		}
	}()
	h, _, err := wire.NewReader(c, 1<<20).ReadResponse()
	if err != nil || h.Status != wire.StatusConnectionError {
		t.Errorf("status %v, %v", h.Status, err)
	}
	_ = c.Close()
	<-done
}

func TestExcessOfConnectionsIsRefusedAndRecovers(t *testing.T) {
	r := start(t, func(c *config.Config) { c.Agent.Limits.ConnectionsPerUID = 2 })
	first, second := r.dial(), r.dial()
	ping := wire.Header{Flags: wire.FlagPersistent, Opcode: wire.OpPing}
	r.ask(first, ping, nil)
	r.ask(second, ping, nil)
	h, _, err := wire.NewReader(r.dial(), 1<<20).ReadResponse()
	if err != nil || h.Status != wire.StatusInsufficientMemory {
		t.Fatalf("third connection: %v, %v", h.Status, err)
	}
	_ = first.Close()
	deadline := time.Now().Add(5 * time.Second)
	for time.Now().Before(deadline) {
		third := r.dial()
		if _, err := third.Write(frame(t, ping, nil)); err != nil {
			continue
		}
		if h, _, err := wire.NewReader(third, 1<<20).ReadResponse(); err == nil && h.Status == wire.StatusSuccess {
			return
		}
	}
	t.Error("the place of the closed connection was not given back")
}

func TestReloadKeepsConnectionsAndKeys(t *testing.T) {
	r := start(t, nil)
	c := r.dial()
	h := wire.Header{Flags: wire.FlagPersistent, AuthType: wire.AuthUnixPeer, Provider: wire.ProviderMbedCrypto, Opcode: wire.OpGenerateKey}
	if got, _ := r.ask(c, h, &psapb.GenerateKey{KeyName: "k", Attributes: attributes(t, signingKey)}); got.Status != wire.StatusSuccess {
		t.Fatal(got.Status)
	}
	next := *r.config
	next.Agent.AllowBackup = false
	if err := r.service.Load(t.Context(), &next); err != nil {
		t.Fatal(err)
	}
	h.Opcode = wire.OpExportPublicKey
	if got, _ := r.ask(c, h, &psapb.KeyRef{KeyName: "k"}); got.Status != wire.StatusSuccess {
		t.Errorf("after reload: %v", got.Status)
	}
	bad := next
	bad.KeyManagers = []config.KeyManager{{Name: next.KeyManagers[0].Name, Type: config.ManagerSQLite, Path: "/proc/none/x"}}
	if err := r.service.Load(t.Context(), &bad); err == nil {
		t.Fatal("a database in /proc was opened")
	}
	if got, _ := r.ask(c, h, &psapb.KeyRef{KeyName: "k"}); got.Status != wire.StatusSuccess {
		t.Errorf("after a failed reload: %v", got.Status)
	}
}

func TestOneAuditRecordPerRequest(t *testing.T) {
	r := start(t, nil)
	r.want(wire.StatusDoesNotExist, wire.OpExportKey, wire.ProviderMbedCrypto, &psapb.KeyRef{KeyName: "k"})
	r.want(wire.StatusSuccess, wire.OpPing, wire.ProviderCore, nil)
	r.stop()
	if len(r.audit.records) != 2 {
		t.Fatalf("%d records", len(r.audit.records))
	}
	rec := r.audit.records[slices.IndexFunc(r.audit.records, func(rec audit.Record) bool { return rec.Key == "k" })]
	if rec.Application != strconv.Itoa(os.Getuid()) || rec.Operation != "PsaExportKey" ||
		rec.Result != wire.StatusDoesNotExist || rec.Provider == "" || int(rec.PID) != os.Getpid() {
		t.Errorf("%+v", rec)
	}
}

// TestAuditNamesTheProviderOfTheKey: with several providers of a kind, the record names the one
// that holds the key, not the one that requests by number come to first.
func TestAuditNamesTheProviderOfTheKey(t *testing.T) {
	r := start(t, func(c *config.Config) {
		last := c.Providers[0]
		last.Name = "last"
		c.Providers = append(c.Providers, last)
	})
	first := r.config.Providers[0].Name
	ext, err := psa.Marshal(&agentpb.Extension{ProviderName: first})
	if err != nil {
		t.Fatal(err)
	}
	generate := &psapb.GenerateKey{KeyName: "k", Attributes: attributes(t, signingKey)}
	generate.ProtoReflect().SetUnknown(ext)
	h, _ := r.ask(r.dial(), wire.Header{
		Opcode: wire.OpGenerateKey, Provider: wire.ProviderMbedCrypto, AuthType: wire.AuthUnixPeer, Flags: wire.FlagPersistent,
	}, generate)
	if h.Status != wire.StatusSuccess {
		t.Fatal(h.Status)
	}
	r.want(wire.StatusSuccess, wire.OpExportPublicKey, wire.ProviderMbedCrypto, &psapb.KeyRef{KeyName: "k"})
	r.stop()
	for _, rec := range r.audit.records {
		if rec.Key != "k" || rec.Provider != first {
			t.Errorf("%+v", rec)
		}
	}
}

func TestStopEndsIdleConnections(t *testing.T) {
	r := start(t, nil)
	c := r.dial()
	r.ask(c, wire.Header{Flags: wire.FlagPersistent, Opcode: wire.OpPing}, nil)
	began := time.Now()
	r.stop()
	if took := time.Since(began); took >= drain {
		t.Errorf("an idle connection held the service for %v", took)
	}
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("the connection is not closed: %v", err)
	}
}

func TestSelfCheck(t *testing.T) {
	if err := start(t, nil).service.SelfCheck(t.Context()); err != nil {
		t.Error(err)
	}
}
