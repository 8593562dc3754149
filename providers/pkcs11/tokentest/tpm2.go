package tokentest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/providers/tpm/tpmtest"
)

// TPM2 is a tpm2-pkcs11 with its own store, over a TPM of its own. It needs a resource
// manager, for its tools and each of its slots have a connection of their own and leave
// objects loaded: the access broker.
type TPM2 struct {
	tb    testing.TB
	store string
	env   []string
	// Broker is what stands between the library and the TPM.
	Broker *tpmtest.Broker
	// Library is the path to configure.
	Library string
}

// TPM2Name is the file that a profile knows the library by.
const TPM2Name = "libtpm2_pkcs11.so"

// NewTPM2 makes a tpm2-pkcs11 without tokens and points the library at it, in this process
// and those that it starts. Tests that use it cannot run in parallel.
func NewTPM2(tb testing.TB) *TPM2 {
	tb.Helper()
	libraries, err := filepath.Glob("/usr/lib/*/pkcs11/" + TPM2Name)
	if err != nil {
		tb.Fatal(err)
	}
	Need(tb, "libtpm2-pkcs11-1", append(libraries, TPM2Name)[0])
	Need(tb, "libtpm2-pkcs11-tools", "tpm2_ptool")
	Need(tb, "tpm2-tools", "tpm2_createprimary")
	brokers, err := filepath.Glob("/usr/lib/*/libtss2-tcti-tabrmd.so.0")
	if err != nil {
		tb.Fatal(err)
	}
	Need(tb, "libtss2-tcti-tabrmd0", append(brokers, "libtss2-tcti-tabrmd.so.0")[0])
	l := &TPM2{tb: tb, store: tb.TempDir(), Broker: tpmtest.StartBroker(tb), Library: libraries[0]}
	const way = "tabrmd:bus_type=session"
	for name, value := range map[string]string{
		"TPM2_PKCS11_STORE": l.store, "TPM2_PKCS11_TCTI": way, "TPM2TOOLS_TCTI": way,
		"TPM2_PKCS11_BACKEND": "esysdb", "TPM2_PKCS11_LOG_LEVEL": "0", "DBUS_SESSION_BUS_ADDRESS": l.Broker.Bus.Address,
	} {
		l.env = append(l.env, name+"="+value)
		if t, ok := tb.(interface{ Setenv(key, value string) }); ok {
			t.Setenv(name, value)
		}
	}
	l.ptool("init", "--path", l.store)
	return l
}

// Token makes a token.
func (l *TPM2) Token(label string) {
	l.tb.Helper()
	l.ptool("addtoken", "--path", l.store, "--pid", "1", "--label", label, "--userpin", PIN, "--sopin", SOPIN)
}

// Tool runs OpenSC's pkcs11-tool on the library.
func (l *TPM2) Tool(args ...string) string {
	l.tb.Helper()
	Need(l.tb, "opensc", "pkcs11-tool")
	return l.run("pkcs11-tool", append([]string{"--module", l.Library}, args...)...)
}

func (l *TPM2) ptool(args ...string) { l.tb.Helper(); l.run("tpm2_ptool", args...) }

func (l *TPM2) run(name string, args ...string) string {
	l.tb.Helper()
	cmd := exec.CommandContext(l.tb.Context(), name, args...)
	cmd.Env = append(os.Environ(), l.env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		l.tb.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return string(out)
}
