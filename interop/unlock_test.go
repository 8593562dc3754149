package interop

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/agentd/agentdtest"
	"github.com/seed-73b3884f/parsec-agent/client"
	"github.com/seed-73b3884f/parsec-agent/interop/socket"
	"github.com/seed-73b3884f/parsec-agent/proto/agent"
	"github.com/seed-73b3884f/parsec-agent/proto/agent/agentpb"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/tokentest"
)

// reload has the agent read its configuration again, for the nth time.
func reload(t *testing.T, a *agentdtest.Agent, n int) {
	t.Helper()
	if err := a.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(20 * time.Second); strings.Count(a.Log(), "configuration_reloaded") < n; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("no reload:\n%s", a.Log())
		}
	}
}

// scrape reads the metrics.
func scrape(t *testing.T, path string) string {
	t.Helper()
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", path)
	}}}
	r, err := c.Get("http://agent/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestUnlockThroughAgent: a person's PIN makes a locked token usable, survives a reload, is
// sent once, shows nowhere, and is gone after lock and after a change of the settings.
func TestUnlockThroughAgent(t *testing.T) {
	h := tokentest.New(t)
	h.Token("unlock")
	shim := tokentest.NewShim(t)
	dir := agentdtest.Dir(t)
	config := func(more ...string) string {
		return agentdtest.Config(dir) + tokenTable(shim.Library, more...) +
			fmt.Sprintf("[agent]\naudit = \"%[1]s/audit\"\nmetrics = \"unix:%[1]s/metrics\"\n", dir)
	}
	a := agentdtest.Start(t, agentdtest.Options{Dir: dir, Config: config("user_pin_prompt = true"), Env: append(pkcs11Env(t, h), shim.Env()...)})
	c := dialled(t, a)
	becomes(t, c, "token", "locked")
	if m := scrape(t, dir+"/metrics"); !strings.Contains(m, `parsec_provider_up{provider="token",kind="Pkcs11"} 0`) ||
		!strings.Contains(m, `parsec_provider_state{provider="token",kind="Pkcs11",state="locked"} 1`) {
		t.Errorf("metrics\n%s", m)
	}
	if _, err := c.Unlock(t.Context(), client.UnlockRequest{Instance: "token", PIN: []byte("482913")}); wire.StatusOf(err) != wire.StatusBadState {
		t.Fatalf("a wrong PIN: %v", err)
	}
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(50 * time.Millisecond) { // a pause follows a wrong one
		out, err := c.Unlock(t.Context(), client.UnlockRequest{Instance: "token", PIN: []byte(tokentest.PIN)})
		if err == nil && strings.Contains(out.Token, `token "unlock"`) {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%+v, %v", out, err)
		}
	}
	if err := create(t.Context(), c, "token", "key"); err != nil {
		t.Fatal(err)
	}
	view := c.WithProvider(wire.ProviderPKCS11)
	sign := func() error {
		_, err := view.SignHash(t.Context(), "key", psa.Algorithm{Kind: psa.AlgECDSA, Hash: psa.HashSHA256}, make([]byte, 32))
		return err
	}
	for n := range 2 {
		reload(t, a, n+1)
		if err := sign(); err != nil {
			t.Errorf("after a reload: %v", err)
		}
	}
	if n := shim.Count("C_Login"); n != 2 {
		t.Errorf("%d logins for a wrong and a right PIN", n)
	}
	if err := c.Lock(t.Context(), "token"); err != nil {
		t.Fatal(err)
	}
	if err := sign(); wire.StatusOf(err) != wire.StatusBadState || !strings.Contains(err.Error(), "locked until somebody gives its PIN") {
		t.Errorf("after lock: %v", err)
	}
	if _, err := c.Unlock(t.Context(), client.UnlockRequest{Instance: "token", PIN: []byte(tokentest.PIN)}); err != nil {
		t.Fatal(err)
	}
	writeConfig(t, a, config("user_pin_prompt = true", "user_pin_lifetime = 3600000"))
	reload(t, a, 3)
	becomes(t, c, "token", "locked")
	process := a.Process
	a.Stop()
	audit, err := os.ReadFile(dir + "/audit")
	if err != nil || !strings.Contains(string(audit), `"operation":"AgentUnlock","provider":"token"`) {
		t.Errorf("no audit record: %v\n%s", err, audit)
	}
	for _, secret := range []string{"482913", tokentest.PIN, hex.EncodeToString([]byte(tokentest.PIN))} {
		if strings.Contains(process.Log()+string(audit), secret) {
			t.Errorf("a PIN shows:\n%s\n%s", process.Log(), audit)
		}
	}
}

// writeConfig replaces the configuration file of an agent.
func writeConfig(t *testing.T, a *agentdtest.Agent, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(a.Dir, "config.toml"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// unlockAs asks the agent to unlock or lock a token as another user.
func unlockAs(t *testing.T, a *agentdtest.Agent, uid uint32, m *agentpb.Unlock) wire.Status {
	t.Helper()
	body, err := psa.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	h := wire.Header{Flags: wire.FlagPersistent, Opcode: agent.OpUnlock, AuthType: wire.AuthUnixPeer}
	got := socket.Parse(socket.Raw(t.Context(), a.Socket, uid, socket.Frame(h, uid, body), true))
	if got.Err != nil {
		t.Fatal(got)
	}
	return got.Status
}

// TestWhoMayUnlock: administrators, and the users and groups of the configuration.
func TestWhoMayUnlock(t *testing.T) {
	if os.Getuid() != 0 {
		needRoot(t)
		t.Skip("asking as another user takes root")
	}
	h := tokentest.New(t)
	h.Token("who")
	const stranger, user, admin = 4000, 4001, 0 // all of them in group 0
	for more, want := range map[string]map[uint32]wire.Status{
		`unlock_users = ["4001"]`: {stranger: wire.StatusAdminOperation, user: wire.StatusSuccess, admin: wire.StatusSuccess},
		`unlock_groups = ["0"]`:   {stranger: wire.StatusSuccess, user: wire.StatusSuccess, admin: wire.StatusSuccess},
		`unlock_groups = ["1"]`:   {stranger: wire.StatusAdminOperation, user: wire.StatusAdminOperation, admin: wire.StatusSuccess},
	} {
		dir := agentdtest.Dir(t)
		a := agentdtest.Start(t, agentdtest.Options{
			Dir: dir, Env: pkcs11Env(t, h), Config: agentdtest.Config(dir) + tokenTable(tokentest.Library, "user_pin_prompt = true", more),
		})
		for uid, status := range want {
			for _, m := range []*agentpb.Unlock{{ProviderName: "token", Pin: []byte(tokentest.PIN)}, {ProviderName: "token", Lock: true}} {
				if got := unlockAs(t, a, uid, m); got != status {
					t.Errorf("%s: uid %d: %v, want %v", more, uid, got, status)
				}
			}
		}
		for name, status := range map[string]wire.Status{"nobody": wire.StatusProviderNotRegistered, "mbed-crypto-provider": wire.StatusNotSupported} {
			if got := unlockAs(t, a, admin, &agentpb.Unlock{ProviderName: name}); got != status {
				t.Errorf("%s: %v, want %v", name, got, status)
			}
		}
		a.Stop()
	}
}

// TestPINSources: a PIN from a systemd credential and one from a file, tokens by PKCS#11
// URI, two of one library in two helpers at once.
func TestPINSources(t *testing.T) {
	h := tokentest.New(t)
	one, two := h.Token("one"), h.Token("two")
	dir := agentdtest.Dir(t)
	credentials := filepath.Join(dir, "credentials")
	if err := os.Mkdir(credentials, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(credentials, "token-pin"), filepath.Join(dir, "pin")} {
		if err := os.WriteFile(path, []byte(tokentest.PIN+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	first := tokenTable(tokentest.Library, `token_uri = "pkcs11:token=one;manufacturer=SoftHSM%20project"`, `user_pin_credential = "token-pin"`)
	second := tokenTable(tokentest.Library, `token_uri = "pkcs11:serial=`+two.Serial+`"`, `user_pin_file = "`+dir+`/pin"`)
	second = strings.Replace(second, `name = "token"`, `name = "second"`, 1)
	a := agentdtest.Start(t, agentdtest.Options{
		Dir: dir, Config: agentdtest.Config(dir) + first + second, Env: append(pkcs11Env(t, h), "CREDENTIALS_DIRECTORY="+credentials),
	})
	c := dialled(t, a)
	for instance, token := range map[string]tokentest.Token{"token": one, "second": two} {
		if s := stateOf(t, c, instance); s.State != "ready" {
			t.Errorf("%+v", s)
		}
		if err := create(t.Context(), c, instance, "on-"+token.Label); err != nil {
			t.Fatal(err)
		}
		if shown := h.Tool("--list-objects", "--token-label", token.Label, "--type", "pubkey"); !strings.Contains(shown, "on-"+token.Label) && !strings.Contains(shown, "EC") {
			t.Errorf("the key of %s is not on its token:\n%s", instance, shown)
		}
		view, err := c.WithInstance(t.Context(), instance)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := view.SignHash(t.Context(), psa.KeyName("on-"+token.Label), psa.Algorithm{Kind: psa.AlgECDSA, Hash: psa.HashSHA256}, make([]byte, 32)); err != nil {
			t.Errorf("%s: %v", instance, err)
		}
	}
	if n := strings.Count(a.Log(), "pkcs11_library_loaded"); n != 2 {
		t.Errorf("%d helpers for two providers", n)
	}
}
