package interop

import (
	"fmt"
	"strings"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/agentd/agentdtest"
	"github.com/seed-73b3884f/parsec-agent/providers/tpm/tpmtest"
)

func withTPM(dir, tcti, more string) string {
	return agentdtest.Config(dir) + fmt.Sprintf("\n[[provider]]\nprovider_type = \"Tpm\"\nkey_info_manager = \"sqlite\"\ntcti = %q\n%s", tcti, more)
}

// TestStartWithoutTPM: each reason not to start has its own message, and the provider is
// left out only where the configuration says so.
func TestStartWithoutTPM(t *testing.T) {
	v := tpmtest.Start(t)
	for name, c := range map[string]struct{ tcti, more, want string }{
		"no device":     {"device:/dev/nothing", `owner_hierarchy_auth = ""`, `failed to create provider "tpm-provider": cannot use the TPM at device:/dev/nothing: there is no TPM: no such file or directory`},
		"no swtpm":      {"swtpm:path=/nothing", `owner_hierarchy_auth = ""`, "see whether swtpm runs"},
		"broker":        {"tabrmd", `owner_hierarchy_auth = ""`, "use the kernel's resource manager"},
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
	if !strings.Contains(a.Log(), "provider_left_out") {
		t.Errorf("nothing was said:\n%s", a.Log())
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
