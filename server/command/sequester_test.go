package command

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/trust"
)

// keys writes the two halves of a key in both forms that programs write, and returns the names of the files.
func keys(t *testing.T, dir string) (private, public []string, verify trust.SequesterVerifyKey) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	spki, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	if verify, err = trust.ParseSequesterVerifyKey(spki); err != nil {
		t.Fatal(err)
	}
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	private = []string{write("8.key", "PRIVATE KEY", pkcs8), write("1.key", "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key))}
	public = []string{write("8.pub", "PUBLIC KEY", spki), write("1.pub", "RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&key.PublicKey))}
	return private, public, verify
}

func program(t *testing.T, args ...string) (int, string) {
	t.Helper()
	out := &output{}
	p := &Program{Out: out, Err: out, Getenv: func(string) string { return "" }}
	return p.Run(t.Context(), args), out.String()
}

// TestGenerate: certificates are those that the authority's key verifies, in files of the original's form, which are not written over.
func TestGenerate(t *testing.T) {
	dir := t.TempDir()
	private, public, verify := keys(t, dir)
	for i, authority := range private {
		output := filepath.Join(dir, "service"+string(rune('0'+i))+".pem")
		args := []string{"sequester", "generate-certificate", "--service-label=Backup", "--service-public-key=" + public[i], "--authority-private-key=" + authority, output}
		if status, said := program(t, args...); status != exitDone {
			t.Fatalf("exit status %d: %s", status, said)
		}
		c, ok := read(t, output, "-----BEGIN PARSEC SEQUESTER SERVICE CERTIFICATE-----\n", verify).(*trust.SequesterServiceCertificate)
		if !ok || c.ServiceLabel != "Backup" {
			t.Fatalf("%+v", c)
		}
		if status, said := program(t, args...); status != exitFailed || !strings.Contains(said, "exists") {
			t.Errorf("exit status %d: %s", status, said)
		}
		into := filepath.Join(dir, "into"+string(rune('0'+i)))
		if err := os.Mkdir(into, 0o700); err != nil {
			t.Fatal(err)
		}
		if status, said := program(t, "sequester", "generate-revocation-certificate", "--service-id="+c.ServiceID.String(), "--authority-private-key="+authority, into); status != exitDone {
			t.Fatalf("exit status %d: %s", status, said)
		}
		names, err := filepath.Glob(filepath.Join(into, "sequester_service_revocation_certificate-"+c.ServiceID.String()+"-*.pem"))
		if err != nil || len(names) != 1 {
			t.Fatalf("%v, %v", names, err)
		}
		r, ok := read(t, names[0], "-----BEGIN PARSEC SEQUESTER SERVICE REVOCATION CERTIFICATE-----\n", verify).(*trust.SequesterRevokedServiceCertificate)
		if !ok || r.ServiceID != c.ServiceID {
			t.Errorf("%+v", r)
		}
	}
}

func read(t *testing.T, path, head string, verify trust.SequesterVerifyKey) trust.ServiceCertificate {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil || !strings.HasPrefix(string(text), head) {
		t.Fatalf("%s, %v", text, err)
	}
	for line := range strings.Lines(string(text)) {
		if len(line) > 65 && !strings.HasPrefix(line, "-----") {
			t.Errorf("a line has %d characters", len(line))
		}
	}
	block, _ := pem.Decode(text)
	c, err := trust.VerifyServiceCertificate(block.Bytes, verify)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestGenerateRefusals: what is no key, or no id, is refused, and nothing is written.
func TestGenerateRefusals(t *testing.T) {
	dir := t.TempDir()
	private, public, _ := keys(t, dir)
	output := filepath.Join(dir, "out.pem")
	garbage := filepath.Join(dir, "garbage")
	if err := os.WriteFile(garbage, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("canary")}), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, args := range map[string][]string{
		"needs a command":            {},
		"--service-label":            {"generate-certificate", output},
		`no PEM block "PUBLIC KEY"`:  {"generate-certificate", "--service-label=x", "--service-public-key=" + private[0], "--authority-private-key=" + private[0], output},
		`no PEM block "PRIVATE KEY"`: {"generate-certificate", "--service-label=x", "--service-public-key=" + public[0], "--authority-private-key=" + public[0], output},
		"no such file":               {"generate-certificate", "--service-label=x", "--service-public-key=" + public[0] + "x", "--authority-private-key=" + private[0], output},
		"RSA":                        {"generate-certificate", "--service-label=x", "--service-public-key=" + public[0], "--authority-private-key=" + garbage, output},
		"--service-id with the id":   {"generate-revocation-certificate", "--service-id=12", "--authority-private-key=" + private[0], output},
	} {
		if status, said := program(t, append([]string{"sequester"}, args...)...); status == exitDone || !strings.Contains(said, want) || strings.Contains(said, "canary") {
			t.Errorf("%q: exit status %d, %s, want %s", args, status, said, want)
		}
	}
	if _, err := os.Stat(output); !os.IsNotExist(err) {
		t.Errorf("something was written: %v", err)
	}
}
