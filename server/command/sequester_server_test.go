package command_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	. "github.com/seed-73b3884f/parsec-agent/server/servertest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// prints runs parsec-server with arguments with which it ends by itself, and returns what it prints.
func prints(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), asProgram+"="+strings.Join(args, "\n"))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("parsec-server %q: %v\n%s", args, err, out)
	}
	return string(out)
}

// TestSequesterCommands: services are made, shown, given a webhook and ended, while the server runs; and who may do what is said.
func TestSequesterCommands(t *testing.T) {
	dir := t.TempDir()
	key := Must(rsa.GenerateKey(rand.Reader, 2048))
	spki := Must(x509.MarshalPKIXPublicKey(&key.PublicKey))
	private, public := filepath.Join(dir, "key"), filepath.Join(dir, "pub")
	for path, block := range map[string]*pem.Block{
		private: {Type: "PRIVATE KEY", Bytes: Must(x509.MarshalPKCS8PrivateKey(key))}, public: {Type: "PUBLIC KEY", Bytes: spki},
	} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	state := "--data-dir=" + filepath.Join(dir, "state")
	p := start(t, "run", "--port=0", state, "--spontaneous-organization-bootstrap")
	o := Remote(t, p.URL()).Unborn()
	req := o.BootstrapReq()
	req.SequesterAuthorityCertificate = o.SignRoot(&trust.SequesterAuthorityCertificate{Timestamp: Must(trust.DateTimeOf(o.Clock.Now())), VerifyKeyDER: spki})
	OK(t, o.Anonymous(req))
	org, authority := o.ID.String(), "--authority-private-key="+private
	certificate, end := filepath.Join(dir, "service.pem"), filepath.Join(dir, "end.pem")
	prints(t, "sequester", "generate-certificate", "--service-label=Backup", "--service-public-key="+public, authority, certificate)
	prints(t, "sequester", "create", org, state, "--service-certificate="+certificate)
	list := prints(t, "sequester", "list", org, state, "--json")
	m := regexp.MustCompile(`"service_id": ?"([0-9a-f]{32})"`).FindStringSubmatch(list)
	if m == nil || !strings.Contains(list, `"Backup"`) || !strings.Contains(list, `"storage"`) {
		t.Fatal(list)
	}
	prints(t, "sequester", "configure", org, m[1], state, "--webhook-url=https://sequester.example.com/")
	if list := prints(t, "sequester", "list", org, state); !strings.Contains(list, "https://sequester.example.com/") {
		t.Error(list)
	}
	prints(t, "sequester", "generate-revocation-certificate", "--service-id="+m[1], authority, end)
	prints(t, "sequester", "revoke", org, state, "--service-revocation-certificate="+end)
	for want, args := range map[string][]string{
		"Require greater timestamp": {"revoke", org, state, "--service-revocation-certificate=" + end},
		"no PEM block":              {"create", org, state, "--service-certificate=" + end},
		"--service-certificate":     {"create", org, state},
		"--webhook-url":             {"create", org, state, "--service-certificate=" + certificate, "--webhook-url=ftp://x"},
		"is no id of a service":     {"configure", org, "12", state},
		"service not found":         {"configure", org, strings.Repeat("0", 32), state},
		"Organization not found":    {"list", "None", state},
	} {
		if out := fails(t, append([]string{"sequester"}, args...)...); !strings.Contains(out, want) {
			t.Errorf("%q: %s, want %s", args, out, want)
		}
	}
	realm := o.First.CreateRealm()
	for words, want := range map[string]string{"alice": "role OWNER in realm " + realm.String(), "example.com " + o.First.User.String(): "profile ADMIN"} {
		if out := prints(t, "user", "accesses", org, state, "--filter="+words); !strings.Contains(out, want) {
			t.Error(out)
		}
	}
	if out := prints(t, "user", "accesses", org, state, "--filter=bob"); strings.Contains(out, "alice") {
		t.Error(out)
	}
}
