package interop

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/agentd/agentdtest"
	"github.com/seed-73b3884f/parsec-agent/interop/socket"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/psa/psapb"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers/tpm/tpmtest"
)

func withTPM(dir, tcti, more string) string {
	return agentdtest.Config(dir) + fmt.Sprintf("\n[[provider]]\nprovider_type = \"Tpm\"\nkey_info_manager = \"sqlite\"\ntcti = %q\n%s", tcti, more)
}

// TestStartWithoutTPM: each reason not to start has its own message, and the provider is
// left out only where the configuration says so.
func TestStartWithoutTPM(t *testing.T) {
	const absent = "owner_hierarchy_auth = \"\"\nrequired = true"
	v := tpmtest.Start(t)
	for name, c := range map[string]struct{ tcti, more, want string }{
		"no device":     {"device:/dev/nothing", absent, `failed to create provider "tpm-provider": cannot use the TPM at device:/dev/nothing: there is no TPM: no such file or directory`},
		"no swtpm":      {"swtpm:path=/nothing", absent, "see whether swtpm runs"},
		"broker":        {"tabrmd:bus_type=session", absent, "there is no session bus: neither DBUS_SESSION_BUS_ADDRESS nor XDG_RUNTIME_DIR is set"},
		"authorisation": {v.TCTI().String(), "owner_hierarchy_auth = \"str:wrong\"\nskip_if_no_tpm = true", "owner_hierarchy_auth is not the TPM's: TPM2_CreatePrimary: TPM_RC_BAD_AUTH (session 1)"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := agentdtest.Dir(t)
			a := agentdtest.New(t, agentdtest.Options{Dir: dir, Config: withTPM(dir, c.tcti, c.more)})
			if err := a.Try(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v\nwant %s", err, c.want)
			}
		})
	}
	dir := agentdtest.Dir(t)
	a := agentdtest.Start(t, agentdtest.Options{Dir: dir, Config: withTPM(dir, "device:/dev/nothing", "owner_hierarchy_auth = \"\"\nskip_if_no_tpm = true")})
	process := a.Process
	a.Stop() // its log is whole then
	if !strings.Contains(process.Log(), "provider_left_out") {
		t.Errorf("nothing was said:\n%s", process.Log())
	}
}

// TestAgentThroughBroker: an agent reaches its TPM through the access broker, again after a
// restart of the agent, and the keys are those of the TPM.
func TestAgentThroughBroker(t *testing.T) {
	dir := agentdtest.Dir(t)
	broker := tpmtest.StartBroker(t)
	a := agentdtest.Start(t, agentdtest.Options{
		Dir: dir, Config: withTPM(dir, broker.TCTI().String(), `owner_hierarchy_auth = ""`), Env: []string{"DBUS_SESSION_BUS_ADDRESS=" + broker.Bus.Address},
	})
	a.Stop()
	a.Start()
	process := a.Process
	a.Stop() // its log is whole then
	if !strings.Contains(process.Log(), "tpm_opened provider=tpm-provider tcti=\"tabrmd:bus_name=com.intel.tss2.Tabrmd,bus_type=session\"") {
		t.Errorf("the TPM was not opened:\n%s", process.Log())
	}
}

// TestAnotherTPM: keys of one TPM are not taken for another's, also after a restart.
func TestAnotherTPM(t *testing.T) {
	dir := agentdtest.Dir(t)
	const empty = `owner_hierarchy_auth = ""`
	a := agentdtest.Start(t, agentdtest.Options{Dir: dir, Config: withTPM(dir, tpmtest.Start(t).TCTI().String(), empty)})
	a.Stop()
	a.Start()
	a.Stop()
	b := agentdtest.New(t, agentdtest.Options{Dir: dir, Config: withTPM(dir, tpmtest.Start(t).TCTI().String(), empty)})
	if err := b.Try(); err == nil || !strings.Contains(err.Error(), "the keys belong to another TPM, or its owner hierarchy was cleared") {
		t.Errorf("%v", err)
	}
}

// TestReloadWithTPM reloads while callers sign: the TPM has room for one connection only,
// and no request is lost.
func TestReloadWithTPM(t *testing.T) {
	dir := agentdtest.Dir(t)
	v := tpmtest.Start(t)
	a := agentdtest.Start(t, agentdtest.Options{Dir: dir, Config: withTPM(dir, v.TCTI().String(), `owner_hierarchy_auth = ""`)})
	s := socket.Session{Path: a.Socket, UID: uint32(os.Getuid()), Provider: wire.ProviderTPM}
	attrs, err := psa.EncodeAttributes(psa.Attributes{
		Type: psa.KeyECCPair, Curve: psa.CurveSECPR1, Bits: 256, Usage: psa.UsageSignHash, Alg: psa.Algorithm{Kind: psa.AlgECDSA, Hash: psa.HashSHA256},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Do(t.Context(), wire.OpGenerateKey, &psapb.GenerateKey{KeyName: "key", Attributes: attrs}, nil); err != nil {
		t.Fatal(err)
	}
	request := &psapb.Sign{KeyName: "key", Alg: attrs.GetKeyPolicy().GetKeyAlgorithm().GetAsymmetricSignature(), Input: make([]byte, 32)}
	var callers sync.WaitGroup
	done := make(chan struct{})
	for range 4 {
		callers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if err := s.Do(t.Context(), wire.OpSignHash, request, &psapb.Output{}); err != nil {
					t.Errorf("sign: %v", err)
					return
				}
			}
		})
	}
	for reload := range 5 {
		if err := a.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		for end := time.Now().Add(20 * time.Second); strings.Count(a.Log(), "tpm_opened") < reload+2; {
			if time.Now().After(end) {
				t.Fatalf("no reload:\n%s", a.Log())
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
	close(done)
	callers.Wait()
}

// TestTPMComes: an agent that started without its TPM uses it when it comes.
func TestTPMComes(t *testing.T) {
	v := tpmtest.Start(t)
	dir := agentdtest.Dir(t)
	path := v.TCTI().Path
	away := path + ".away"
	if err := os.Rename(path, away); err != nil {
		t.Fatal(err)
	}
	a := agentdtest.Start(t, agentdtest.Options{Dir: dir, Config: agentdtest.Config(dir) + tpmTable(v.TCTI().String(), `owner_hierarchy_auth = ""`)})
	c := dialled(t, a)
	becomes(t, c, "tpm", "absent")
	if err := create(t.Context(), c, "tpm", "key"); wire.StatusOf(err) != wire.StatusHardwareFailure || !strings.Contains(err.Error(), "there is no TPM") {
		t.Errorf("%v", err)
	}
	if err := os.Rename(away, path); err != nil {
		t.Fatal(err)
	}
	becomes(t, c, "tpm", "ready") // nobody asked for it
	if err := create(t.Context(), c, "tpm", "key"); err != nil {
		t.Fatal(err)
	}
	a.Stop()
}

// TestStartWithAnotherTPM: the agent starts with the TPM of other keys where that is allowed,
// and its other keys work.
func TestStartWithAnotherTPM(t *testing.T) {
	dir := agentdtest.Dir(t)
	config := func(v *tpmtest.TPM) string {
		return agentdtest.Config(dir) + tpmTable(v.TCTI().String(), "owner_hierarchy_auth = \"\"\nrequired = false")
	}
	a := agentdtest.Start(t, agentdtest.Options{Dir: dir, Config: config(tpmtest.Start(t))})
	a.Stop()
	b := agentdtest.Start(t, agentdtest.Options{Dir: dir, Config: config(tpmtest.Start(t))})
	c := dialled(t, b)
	becomes(t, c, "tpm", "refused")
	for range 3 {
		err := create(t.Context(), c, "tpm", "key")
		if wire.StatusOf(err) != wire.StatusBadState || !strings.Contains(err.Error(), "the keys belong to another TPM") {
			t.Errorf("%v", err)
		}
	}
	if err := create(t.Context(), c, "mbed-crypto-provider", "soft"); err != nil {
		t.Error(err)
	}
}
