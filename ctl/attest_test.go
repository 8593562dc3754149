package ctl_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/agentd/agentdtest"
	"github.com/seed-73b3884f/parsec-agent/providers/tpm/tpmtest"
)

// caller runs parsecctl with one agent.
type caller struct {
	t           *testing.T
	dir, socket string
}

// run returns the exit status and what was written.
func (c caller) run(args ...string) (status int, stdout, stderr string) {
	c.t.Helper()
	return c.runWith(nil, args...)
}

// runWith is run with something on standard input.
func (c caller) runWith(stdin io.Reader, args ...string) (status int, stdout, stderr string) {
	c.t.Helper()
	cmd := exec.CommandContext(c.t.Context(), "parsecctl", append([]string{"--socket", c.socket}, args...)...)
	cmd.Dir = c.dir
	cmd.Env = append(os.Environ(), "GORACE="+noLinger, "LC_ALL=C")
	var out, diag bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, &out, &diag
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode(), out.String(), diag.String()
	}
	if err != nil {
		c.t.Fatal(err)
	}
	return 0, out.String(), diag.String()
}

// must runs a command that has to end with a status, and returns all that was written.
func (c caller) must(want int, args ...string) string {
	c.t.Helper()
	got, stdout, stderr := c.run(args...)
	if got != want {
		c.t.Fatalf("parsecctl %s: exit status %d, want %d\n%s%s", strings.Join(args, " "), got, want, stdout, stderr)
	}
	return stdout + stderr
}

// withTPM is a configuration with a TPM provider beside the software provider, which has
// these settings.
func withTPM(dir string, v *tpmtest.TPM, software string) string {
	return agentdtest.Config(dir) + software + fmt.Sprintf(`
[[provider]]
provider_type = "Tpm"
key_info_manager = "sqlite"
tcti = %q
owner_hierarchy_auth = ""
`, v.TCTI().String())
}

func needTool(t *testing.T, tool, debian string) {
	t.Helper()
	if _, err := exec.LookPath(tool); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("%s is missing: install the Debian package %s", tool, debian)
		}
		t.Skipf("install the Debian package %s", debian)
	}
}

// TestAttestation takes a key's statement from a machine with a TPM to a verifier that has
// none, and back with a challenge.
func TestAttestation(t *testing.T) {
	needTool(t, "swtpm_setup", "swtpm-tools")
	v, authority := tpmtest.StartCertified(t)
	dir := agentdtest.Dir(t)
	a := agentdtest.Start(t, agentdtest.Options{Dir: dir, Config: withTPM(dir, v, "")})
	b := agentdtest.Start(t, agentdtest.Options{})
	work := t.TempDir()
	prover, verifier := caller{t, work, a.Socket}, caller{t, work, b.Socket}
	var ca []byte
	roots, err := filepath.Glob(filepath.Join(authority, "*cert.pem"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range roots {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		ca = append(ca, text...)
	}
	if err := os.WriteFile(filepath.Join(work, "ca.pem"), ca, 0o600); err != nil {
		t.Fatal(err)
	}

	prover.must(0, "--provider", "tpm", "key", "create", "k")
	prover.must(0, "--provider", "tpm", "key", "create", "other")
	prover.must(0, "--provider", "software", "key", "create", "soft")
	prover.must(0, "key", "attest", "k", "--nonce", "c0ffee", "-o", "s")
	prover.must(0, "key", "export-public", "k", "-o", "k.pem")
	prover.must(0, "key", "export-public", "other", "-o", "other.pem")

	verify := []string{"key", "attest-verify", "s", "--ca", "ca.pem", "--nonce", "c0ffee", "--public-key", "k.pem"}
	with := func(more ...string) []string { return append(append([]string{}, verify...), more...) }
	if out := verifier.must(1, verify...); !strings.Contains(out, "incomplete") || !strings.Contains(out, "residence") {
		t.Error(out)
	}
	if out := verifier.must(0, with("--challenge-out", "c")...); !strings.Contains(out, "nothing is verified before") || strings.Contains(out, "verdict          verified") {
		t.Error(out)
	}
	prover.must(0, "key", "attest", "k", "--challenge", "c", "-o", "answer")
	if out := prover.must(5, with("--answer", "answer")...); !strings.Contains(out, "no challenge of yours waits") {
		t.Error("an agent that made no challenge:", out)
	}
	var report struct {
		Verified       bool
		KeyType        string `json:"key_type"`
		AttestationKey string `json:"attestation_key"`
	}
	_, out, _ := verifier.run(with("--answer", "answer", "--json")...)
	if err := json.Unmarshal([]byte(out), &report); err != nil || !report.Verified || report.KeyType != "ecc-p256" {
		t.Fatalf("%v: %s", err, out)
	}
	if status, _, diag := verifier.run(with("--answer", "answer")...); status == 0 || !strings.Contains(diag, "answered once") {
		t.Errorf("a challenge was used twice: %d, %s", status, diag)
	}
	out = verifier.must(0, with("--attestation-key", report.AttestationKey)...)
	for _, text := range []string{"verified", "made in the TPM and cannot leave it", "swtpm-localca", "k (the prover's word)"} {
		if !strings.Contains(out, text) {
			t.Errorf("no %q in\n%s", text, out)
		}
	}
	for reason, args := range map[string][]string{
		"another nonce":      {"key", "attest-verify", "s", "--ca", "ca.pem", "--nonce", "c0ffee00"},
		"another public key": {"key", "attest-verify", "s", "--ca", "ca.pem", "--public-key", "other.pem"},
		"malformed":          {"key", "attest-verify", "answer", "--ca", "ca.pem"},
	} {
		if out := verifier.must(1, args...); !strings.Contains(out, "refused") || !strings.Contains(out, reason) {
			t.Errorf("no %q in\n%s", reason, out)
		}
	}
	if out := prover.must(1, "key", "attest", "soft", "-o", "x"); !strings.Contains(out, "has no operation AgentCertifyKey") {
		t.Error(out)
	}
	if out := verifier.must(1, "key", "attest-verify", "s", "--ca", "s"); !strings.Contains(out, "the authorities' certificates") {
		t.Error(out)
	}
	verifier.must(2, "key", "attest-verify", "s")
	verifier.must(2, with("--answer", "answer", "--challenge-out", "d")...)
}

// TestPIVAttestation judges the certificate of a card's key, which the test plays.
func TestPIVAttestation(t *testing.T) {
	work := t.TempDir()
	c := caller{t, work, agentdtest.Start(t, agentdtest.Options{}).Socket}
	var parent *x509.Certificate
	var signer *ecdsa.PrivateKey
	for i, name := range []string{"root", "f9", "slot"} {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		made := &x509.Certificate{
			SerialNumber: big.NewInt(int64(i + 1)), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
			IsCA: i == 0, BasicConstraintsValid: true,
		}
		if i == 2 {
			for n, value := range map[int][]byte{3: {5, 7, 1}, 8: {2, 3}} {
				made.ExtraExtensions = append(made.ExtraExtensions, pkix.Extension{Id: []int{1, 3, 6, 1, 4, 1, 41482, 3, n}, Value: value})
			}
		}
		if parent == nil {
			parent, signer = made, key
		}
		der, err := x509.CreateCertificate(rand.Reader, made, parent, &key.PublicKey, signer)
		if err != nil {
			t.Fatal(err)
		}
		if parent, err = x509.ParseCertificate(der); err != nil {
			t.Fatal(err)
		}
		signer = key
		text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
		if err := os.WriteFile(filepath.Join(work, name+".pem"), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	good := []string{"key", "attest-verify", "--piv", "slot.pem", "--intermediate", "f9.pem", "--ca", "root.pem"}
	out := c.must(0, good...)
	for _, text := range []string{"verified", "card firmware", "5.7.1", "touch policy", "cached", "ecc-p256"} {
		if !strings.Contains(out, text) {
			t.Errorf("no %q in\n%s", text, out)
		}
	}
	if out := c.must(1, "key", "attest-verify", "--piv", "slot.pem", "--intermediate", "f9.pem", "--ca", "slot.pem"); !strings.Contains(out, "none of the given authorities certified it") {
		t.Error(out)
	}
	if out := c.must(1, "key", "attest-verify", "--piv", "f9.pem", "--intermediate", "root.pem", "--ca", "root.pem"); !strings.Contains(out, "has no extensions of a PIV attestation") {
		t.Error(out)
	}
	c.must(2, "key", "attest-verify", "slot.pem", "--piv", "slot.pem", "--ca", "root.pem")
	c.must(2, "key", "attest-verify", "--piv", "slot.pem", "--ca", "root.pem", "--answer", "slot.pem")
	c.must(2, "key", "attest-verify", "--ca", "root.pem")
}
