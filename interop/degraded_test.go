package interop

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/agentd/agentdtest"
	"github.com/seed-73b3884f/parsec-agent/client"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/tokentest"
	"github.com/seed-73b3884f/parsec-agent/providers/tpm/tpmtest"
)

// tokenTable is the table of a PKCS#11 provider named "token".
func tokenTable(library string, more ...string) string {
	return fmt.Sprintf("\n[[provider]]\nprovider_type = \"Pkcs11\"\nname = \"token\"\nkey_info_manager = \"sqlite\"\nlibrary_path = %q\n%s\n",
		library, strings.Join(more, "\n"))
}

// tpmTable is the table of a TPM provider named "tpm".
func tpmTable(tcti string, more ...string) string {
	return fmt.Sprintf("\n[[provider]]\nprovider_type = \"Tpm\"\nname = \"tpm\"\nkey_info_manager = \"sqlite\"\ntcti = %q\n%s\n", tcti, strings.Join(more, "\n"))
}

// dialled connects our client to an agent.
func dialled(t *testing.T, a *agentdtest.Agent) *client.Client {
	t.Helper()
	c, err := client.Dial(t.Context(), client.Options{Endpoint: a.Socket})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// stateOf returns what the agent tells of a provider.
func stateOf(t *testing.T, c *client.Client, name string) client.ProviderState {
	t.Helper()
	info, err := c.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(info.Providers, func(p client.ProviderState) bool { return p.Name == name })
	if i < 0 {
		t.Fatalf("no provider is named %q in %+v", name, info.Providers)
	}
	return info.Providers[i]
}

// becomes waits until a provider is in a state.
func becomes(t *testing.T, c *client.Client, name, state string) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		now := stateOf(t, c, name)
		if now.State == state {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("provider %q is %s (%s), not %s", name, now.State, now.Reason, state)
		}
	}
}

// create makes a key on an instance.
func create(ctx context.Context, c *client.Client, instance, key string) error {
	view, err := c.WithInstance(ctx, instance)
	if err != nil {
		return err
	}
	return view.GenerateKey(ctx, psa.KeyName(key), psa.Attributes{
		Type: psa.KeyECCPair, Curve: psa.CurveSECPR1, Bits: 256, Usage: psa.UsageSignHash | psa.UsageVerifyHash,
		Alg: psa.Algorithm{Kind: psa.AlgECDSA, Hash: psa.HashSHA256},
	})
}

// foreign makes a library for another processor out of SoftHSM2.
func foreign(t *testing.T, dir string) string {
	t.Helper()
	b, err := os.ReadFile(tokentest.Library)
	if err != nil {
		t.Fatal(err)
	}
	const machine, s390 = 18, 22 // offset of e_machine; a processor that nobody here has
	binary.NativeEndian.PutUint16(b[machine:], s390)
	path := filepath.Join(dir, "foreign.so")
	if err := os.WriteFile(path, b, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestStartWithoutDevice: each reason has its own message, and ends the start or leaves the
// provider in its own state, as configured; the software provider works in any case.
func TestStartWithoutDevice(t *testing.T) {
	h := tokentest.New(t)
	helper := pkcs11.HelperVariable + "=" + tokentest.Helper(t)
	swtpm := tpmtest.Start(t).TCTI().String()
	empty := filepath.Join(t.TempDir(), "empty")
	noLibrary := filepath.Join(t.TempDir(), "library")
	if err := os.WriteFile(noLibrary, []byte("a text\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	full := *h
	full.Move(filepath.Join(t.TempDir(), "full"))
	token := full.Token("start")
	h.Move(empty)
	pin := `user_pin = "str:` + tokentest.PIN + `"`
	for name, c := range map[string]struct {
		table, config string
		name, state   string
		passing       bool // the start goes on if nothing is said
		status        wire.Status
		want, remedy  string
	}{
		"library missing": {
			tokenTable("/nowhere/lib.so", pin), full.Config, "token", "failed", false, wire.StatusGenericError,
			"the PKCS#11 library /nowhere/lib.so cannot be loaded: /nowhere/lib.so: cannot open shared object file: No such file or directory", "check library_path",
		},
		"no library": {
			tokenTable(noLibrary, pin), full.Config, "token", "failed", false, wire.StatusGenericError, "it is no shared library", "check library_path",
		},
		"library for another processor": {
			tokenTable(foreign(t, t.TempDir()), pin), full.Config, "token", "failed", false, wire.StatusGenericError,
			"it is for another processor (EM_S390)", "fits this machine's processor",
		},
		"other library": {
			tokenTable("libc.so.6", pin), full.Config, "token", "failed", false, wire.StatusGenericError, "no function C_GetFunctionList", "check library_path",
		},
		"library not initialised": {
			tokenTable(tokentest.Library, pin), "/nowhere/softhsm2.conf", "token", "failed", false, wire.StatusGenericError,
			"cannot be initialised: C_Initialize answered", "check the library's own configuration",
		},
		"empty slot": {
			tokenTable(tokentest.Library, pin), h.Config, "token", "absent", true, wire.StatusHardwareFailure, "no token is initialised", "initialise the token",
		},
		"other token": {
			tokenTable(tokentest.Library, pin, `serial_number = "0815"`), full.Config, "token", "absent", true, wire.StatusHardwareFailure,
			`no token with serial number "0815" is present`, "insert the token, or correct serial_number",
		},
		"wrong PIN": {
			tokenTable(tokentest.Library, `user_pin = "str:000000"`), full.Config, "token", "refused", false, wire.StatusBadState,
			token.Serial, "correct user_pin",
		},
		"no PIN file": {
			tokenTable(tokentest.Library, `user_pin_file = "/nowhere/pin"`), full.Config, "token", "failed", false, wire.StatusBadState,
			"cannot read the user PIN: open /nowhere/pin", "",
		},
		"PIN of a person": {
			tokenTable(tokentest.Library, "user_pin_prompt = true"), full.Config, "token", "locked", true, wire.StatusBadState,
			"it is locked until somebody gives its PIN", "parsecctl provider unlock token",
		},
		"no TPM": {
			tpmTable("device:/dev/nothing", `owner_hierarchy_auth = ""`), full.Config, "tpm", "absent", true, wire.StatusHardwareFailure,
			"cannot use the TPM at device:/dev/nothing: there is no TPM: no such file or directory", "see whether the TPM is there",
		},
		"wrong authorisation": {
			tpmTable(swtpm, `owner_hierarchy_auth = "str:wrong"`), full.Config, "tpm", "refused", false, wire.StatusNotPermitted,
			"owner_hierarchy_auth is not the TPM's", "correct owner_hierarchy_auth",
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := func(more string) agentdtest.Options {
				dir := agentdtest.Dir(t)
				return agentdtest.Options{Dir: dir, Config: agentdtest.Config(dir) + c.table + more, Env: []string{helper, "SOFTHSM2_CONF=" + c.config}}
			}
			for _, setting := range []string{"required = true", ""} {
				if setting == "" && c.passing {
					continue
				}
				err := agentdtest.New(t, o(setting)).Try()
				if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("failed to create provider %q", c.name)) || !strings.Contains(err.Error(), c.want) {
					t.Errorf("%q: %v\nwant %s", setting, err, c.want)
				}
			}
			setting := "required = false"
			if c.passing {
				setting = ""
			}
			a := agentdtest.Start(t, o(setting))
			cl := dialled(t, a)
			now := stateOf(t, cl, c.name)
			if now.State != c.state || !strings.Contains(now.Reason, c.want) || !strings.Contains(now.Remedy, c.remedy) {
				t.Errorf("%+v\nwant %s, %s, %s", now, c.state, c.want, c.remedy)
			}
			for range 3 {
				err := create(t.Context(), cl, c.name, "key")
				if wire.StatusOf(err) != c.status || !strings.Contains(err.Error(), c.want) {
					t.Errorf("status %v: %v\nwant %v: %s", wire.StatusOf(err), err, c.status, c.want)
				}
			}
			if err := create(t.Context(), cl, "mbed-crypto-provider", "soft"); err != nil {
				t.Errorf("the software provider: %v", err)
			}
			found, err := cl.Doctor(t.Context())
			if err != nil || !slices.ContainsFunc(found, func(f client.Finding) bool {
				return strings.Contains(f.Object, c.name) && strings.Contains(f.Problem, c.state+": ") && strings.Contains(f.Problem, c.want)
			}) {
				t.Errorf("doctor does not say it: %+v, %v", found, err)
			}
			process := a.Process
			a.Stop()
			if n := strings.Count(process.Log(), "provider_state"); n != 1 {
				t.Errorf("%d records of the state:\n%s", n, process.Log())
			}
		})
	}
}

// TestTokenComes: an agent that started without its token serves its keys when it comes,
// under names that nobody could take meanwhile.
func TestTokenComes(t *testing.T) {
	h := tokentest.New(t)
	h.Token("comes")
	dir := agentdtest.Dir(t)
	a := agentdtest.Start(t, agentdtest.Options{
		Dir: dir, Config: agentdtest.Config(dir) + tokenTable(tokentest.Library, `user_pin = "str:`+tokentest.PIN+`"`), Env: pkcs11Env(t, h),
	})
	if err := create(t.Context(), dialled(t, a), "token", "key"); err != nil {
		t.Fatal(err)
	}
	a.Stop()
	tokens := filepath.Join(filepath.Dir(h.Config), "tokens")
	if err := os.Rename(tokens, tokens+".away"); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(tokens, 0o700); err != nil {
		t.Fatal(err)
	}
	a.Start()
	c := dialled(t, a)
	becomes(t, c, "token", "absent")
	keys, err := c.ListKeysDetailed(t.Context(), false)
	if err != nil || len(keys) != 1 {
		t.Errorf("%+v, %v", keys, err)
	}
	if err := create(t.Context(), c, "mbed-crypto-provider", "key"); wire.StatusOf(err) != wire.StatusAlreadyExists {
		t.Errorf("the name was not kept: %v", err)
	}
	view := c.WithProvider(wire.ProviderPKCS11)
	if err := view.DestroyKey(t.Context(), "key"); wire.StatusOf(err) != wire.StatusHardwareFailure {
		t.Errorf("destroyed without the token: %v", err)
	}
	if err := os.Remove(tokens); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(tokens+".away", tokens); err != nil {
		t.Fatal(err)
	}
	becomes(t, c, "token", "ready")
	if _, err := view.SignHash(t.Context(), "key", psa.Algorithm{Kind: psa.AlgECDSA, Hash: psa.HashSHA256}, make([]byte, 32)); err != nil {
		t.Error(err)
	}
}
