package ctl_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/agentd/agentdtest"
	"github.com/seed-73b3884f/parsec-agent/ctl"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/tokentest"
	"github.com/seed-73b3884f/parsec-agent/providers/tpm/tpmtest"
)

// shell runs commands against one agent.
type shell struct {
	t      *testing.T
	socket string
}

// run runs a command and returns its exit status and what it printed.
func (s shell) run(args ...string) (exit int, stdout, stderr string) {
	s.t.Helper()
	var out, msg bytes.Buffer
	p := &ctl.Program{In: strings.NewReader(""), Out: &out, Err: &msg, Version: "test", Endpoint: s.socket}
	exit = p.Run(s.t.Context(), args)
	return exit, out.String(), msg.String()
}

// must runs a command that succeeds, and returns what it printed.
func (s shell) must(args ...string) (stdout, stderr string) {
	s.t.Helper()
	exit, stdout, stderr := s.run(args...)
	if exit != ctl.ExitDone {
		s.t.Fatalf("parsecctl %s: exit status %d\n%s%s", strings.Join(args, " "), exit, stdout, stderr)
	}
	return stdout, stderr
}

// fails runs a command that ends with a status, and says words.
func (s shell) fails(exit int, word string, args ...string) {
	s.t.Helper()
	if got, _, stderr := s.run(args...); got != exit || !strings.Contains(stderr, word) {
		s.t.Errorf("parsecctl %s: exit status %d, want %d and %q:\n%s", strings.Join(args, " "), got, exit, word, stderr)
	}
}

// says fails if a text lacks a part.
func (s shell) says(text string, parts ...string) {
	s.t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			s.t.Errorf("no %q in:\n%s", part, text)
		}
	}
}

// tokenAgent starts an agent with a token on which pkcs11-tool made keys.
func tokenAgent(t *testing.T, more string, prepare func(h *tokentest.SoftHSM)) shell {
	t.Helper()
	t.Setenv(agentdtest.ProgramVariable, program)
	h := tokentest.New(t)
	h.Token("cli")
	prepare(h)
	dir := agentdtest.Dir(t)
	a := agentdtest.Start(t, agentdtest.Options{
		Dir: dir, Config: agentdtest.Config(dir) + more,
		Env: []string{"SOFTHSM2_CONF=" + h.Config, pkcs11.HelperVariable + "=" + tokentest.Helper(t)},
	})
	return shell{t, a.Socket}
}

func tokenTable(name string) string {
	return fmt.Sprintf("\n[[provider]]\nprovider_type = \"Pkcs11\"\nname = %q\nkey_info_manager = \"sqlite\"\nlibrary_path = %q\nuser_pin = \"str:%s\"\n",
		name, tokentest.Library, tokentest.PIN)
}

// TestAdoptCommands lists, adopts, uses and deletes keys of a token from the command line.
func TestAdoptCommands(t *testing.T) {
	cert := filepath.Join(t.TempDir(), "cert.der")
	s := tokenAgent(t, tokenTable("token"), func(h *tokentest.SoftHSM) {
		login := func(args ...string) { h.Tool(append([]string{"--login", "--pin", tokentest.PIN}, args...)...) }
		login("--keypairgen", "--key-type", "EC:prime256v1", "--id", "01", "--label", "web server")
		login("--keypairgen", "--key-type", "rsa:2048", "--id", "02", "--label", "legacy")
		makeCertificate(t, h, "01", cert)
		login("--write-object", cert, "--type", "cert", "--id", "01")
		login("--write-object", cert, "--type", "cert", "--id", "99", "--label", "alone")
	})

	out, _ := s.must("key", "list", "--unnamed")
	s.says(out, "LOCATOR", "id:01  ", "private key", "ecc-p256", "ecdsa:sha256", "CN=somewhere else", `"web server"`,
		"id:02  ", "rsa-2048", "id:99/label:alone/type:cert", "its key is not on the token")
	out, _ = s.must("key", "list", "--unnamed", "--provider", "token", "--json")
	var list struct {
		Objects []struct {
			Locator, Object, Type, Problem, CertificatePEM string
			Usage                                          []string
		}
		Failures []any
	}
	if err := json.Unmarshal([]byte(out), &list); err != nil || len(list.Objects) != 3 || len(list.Failures) != 0 {
		t.Errorf("%v in\n%s", err, out)
	}

	pem := filepath.Join(t.TempDir(), "web.pem")
	_, msg := s.must("key", "adopt", "web/tls", "id:01", "--certificate", pem)
	s.says(msg, `key "web/tls" adopted from provider token at id:01/type:private: ecc-p256 for ecdsa:sha256, sign,verify`)
	out, _ = s.must("inspect", pem)
	s.says(out, "CN=somewhere else")
	out, _ = s.must("--json", "key", "adopt", "mail", "id:02", "--alg", "rsa-oaep", "--hash", "sha384", "--use", "decrypt")
	s.says(out, `"algorithm": "rsa-oaep:sha384"`, `"adopted": "id:02/type:private"`, "\"usage\": [\n    \"decrypt\"\n  ]")
	out, _ = s.must("key", "list")
	s.says(out, "adopted id:01/type:private", "adopted id:02/type:private")
	out, _ = s.must("key", "inspect", "web/tls")
	s.says(out, "adopted", "id:01/type:private", "certificate", "CN=somewhere else", "BEGIN PUBLIC KEY", "BEGIN CERTIFICATE")
	out, _ = s.must("key", "csr", "web/tls", "--subject", "CN=adopted")
	csr := filepath.Join(t.TempDir(), "csr.pem")
	if err := os.WriteFile(csr, []byte(out), 0o600); err != nil {
		t.Fatal(err)
	}
	if b, err := exec.CommandContext(t.Context(), "openssl", "req", "-in", csr, "-verify", "-noout").CombinedOutput(); err != nil {
		t.Errorf("openssl: %v\n%s", err, b)
	}

	s.fails(ctl.ExitFailed, "it has a name already", "key", "adopt", "again", "id:01")
	s.fails(ctl.ExitNotFound, "has no such key", "key", "adopt", "x", "id:77")
	s.fails(ctl.ExitFailed, "is no part of a locator", "key", "adopt", "x", "nonsense")
	s.fails(ctl.ExitFailed, "exists already", "key", "adopt", "web/tls", "id:02")
	s.fails(ctl.ExitFailed, "has no operation AgentAdopt", "key", "adopt", "x", "id:01", "--provider", "mbed-crypto-provider")
	s.fails(ctl.ExitUsage, "no algorithm is called", "key", "adopt", "x", "id:01", "--alg", "rot13")
	s.fails(ctl.ExitUsage, "exclude each other", "key", "list", "--all", "--unnamed")

	archive := filepath.Join(t.TempDir(), "archive")
	s.must("backup", archive, "--passphrase-fd", secretFile(t, "a long enough passphrase"))
	_, msg = s.must("key", "delete", "-y", "web/tls")
	s.says(msg, `the name "web/tls" is removed; the key stays in provider token at id:01/type:private`)
	s.must("key", "adopt", "web", "id:01", "--hash", "sha512", "--alg", "ecdsa")
	out, _ = s.must("--json", "key", "delete", "-y", "web", "mail", "--destroy")
	s.says(out, `"done": true`, "private key id:01", "public key id:02/label:legacy")
	_, out, msg = s.run("restore", archive, "--dry-run", "--passphrase-fd", secretFile(t, "a long enough passphrase"))
	s.says(out+msg, "web/tls", "the key was adopted and stays in its device")
	out, _ = s.must("key", "list", "--unnamed")
	if strings.Contains(out, "private key") || !strings.Contains(out, "certificate") {
		t.Errorf("after destroying both:\n%s", out)
	}
}

// makeCertificate writes a certificate for a key of a token, signed by nobody in particular.
func makeCertificate(t *testing.T, h *tokentest.SoftHSM, id, path string) {
	t.Helper()
	dir := t.TempDir()
	public, key := filepath.Join(dir, "public"), filepath.Join(dir, "key")
	h.Tool("--login", "--pin", tokentest.PIN, "--read-object", "--type", "pubkey", "--id", id, "--output-file", public)
	for _, args := range [][]string{
		{"ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key},
		{"x509", "-new", "-subj", "/CN=somewhere else", "-force_pubkey", public, "-key", key, "-days", "3", "-outform", "der", "-out", path},
	} {
		if b, err := exec.CommandContext(t.Context(), "openssl", args...).CombinedOutput(); err != nil {
			t.Fatalf("openssl %v: %v\n%s", args, err, b)
		}
	}
}

// TestAdoptFromTPM adopts what tpm2-tools made: a persistent key, and a key file with an
// authorisation value.
func TestAdoptFromTPM(t *testing.T) {
	if _, err := exec.LookPath("tpm2_encodeobject"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("tpm2_encodeobject is missing: install the Debian package tpm2-tools")
		}
		t.Skip("install the Debian package tpm2-tools")
	}
	t.Setenv(agentdtest.ProgramVariable, program)
	v := tpmtest.StartTCP(t)
	work := t.TempDir()
	for _, line := range []string{
		"tpm2_createprimary -C o -G ecc -c prim.ctx", "tpm2_flushcontext -t",
		"tpm2_create -C prim.ctx -G rsa2048 -u rsa.pub -r rsa.priv", "tpm2_flushcontext -t",
		"tpm2_load -C prim.ctx -u rsa.pub -r rsa.priv -c rsa.ctx", "tpm2_evictcontrol -C o -c rsa.ctx 0x81000020", "tpm2_flushcontext -t",
		"tpm2_create -C prim.ctx -G ecc -p word -u vpn.pub -r vpn.priv -a fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign|noda",
		"tpm2_flushcontext -t", "tpm2_encodeobject -C prim.ctx -u vpn.pub -r vpn.priv -o vpn.pem -p",
	} {
		args := strings.Fields(line)
		cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
		cmd.Dir = work
		cmd.Env = append(os.Environ(), fmt.Sprintf("TPM2TOOLS_TCTI=swtpm:host=%s,port=%d", v.TCTI().Host, v.TCTI().Port))
		if b, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", line, err, b)
		}
	}
	dir := agentdtest.Dir(t)
	table := fmt.Sprintf("\n[[provider]]\nprovider_type = \"Tpm\"\nkey_info_manager = \"sqlite\"\ntcti = %q\nowner_hierarchy_auth = \"\"\n", v.TCTI())
	a := agentdtest.Start(t, agentdtest.Options{Dir: dir, Config: agentdtest.Config(dir) + table})
	s := shell{t, a.Socket}
	out, _ := s.must("key", "list", "--unnamed")
	s.says(out, "handle:81000020", "persistent key", "rsa-2048", "rsa-pkcs1:sha256")
	_, msg := s.must("key", "adopt", "mail", "handle:81000020", "--alg", "rsa-oaep")
	s.says(msg, `key "mail" adopted from provider tpm-provider at handle:81000020: rsa-2048 for rsa-oaep:sha256, encrypt,decrypt`)

	secret := writeFile(t, "word")
	key := filepath.Join(work, "vpn.pem")
	s.fails(ctl.ExitRefused, "none was given", "key", "adopt", "vpn", "file", "--key-file", key)
	s.must("key", "adopt", "vpn", "file", "--key-file", key, "--passphrase-fd", secretFile(t, "word"))
	s.fails(ctl.ExitFailed, "no PEM", "key", "adopt", "x", "file", "--key-file", writeFile(t, "-x"))
	a.Stop()
	a.Start()
	out, _ = s.must("key", "list")
	s.says(out, "adopted handle:81000020", "adopted file")
	s.must("key", "sign", "vpn", key)
	s.must("key", "csr", "vpn", "--subject", "CN=vpn", "-o", filepath.Join(work, "csr"))
	sealed := filepath.Join(work, "sealed")
	s.must("key", "encrypt", "mail", secret, "-o", sealed)
	out, _ = s.must("key", "decrypt", "mail", sealed)
	s.says(out, "word")
	_, msg = s.must("key", "delete", "-y", "mail")
	s.says(msg, "the key stays in provider tpm-provider at handle:81000020")
	s.must("key", "adopt", "again", "handle:81000020")
	_, msg = s.must("key", "delete", "-y", "--destroy", "again", "vpn")
	s.says(msg, "removed from provider tpm-provider: persistent key handle:81000020", "the agent's copy of the key file")
	if _, msg := s.must("key", "list", "--unnamed"); !strings.Contains(msg, "nothing without a name") {
		t.Errorf("after removing: %s", msg)
	}
}

// secretFile is the number of a descriptor from which a secret can be read.
func secretFile(t *testing.T, secret string) string {
	t.Helper()
	f, err := os.Open(writeFile(t, secret+"\n"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return fmt.Sprint(f.Fd())
}

func writeFile(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestTwoTokensAreToBeTold: with two providers it must be said which one is meant, and an object
// that both reach has one name.
func TestTwoTokensAreToBeTold(t *testing.T) {
	s := tokenAgent(t, tokenTable("first")+tokenTable("second"), func(h *tokentest.SoftHSM) {
		h.Tool("--login", "--pin", tokentest.PIN, "--keypairgen", "--key-type", "EC:prime256v1", "--id", "01", "--label", "one")
	})
	out, _ := s.must("key", "list", "--unnamed")
	if strings.Count(out, "id:01") != 2 {
		t.Errorf("both reach the token:\n%s", out)
	}
	s.fails(ctl.ExitFailed, "2 providers could have the key", "key", "adopt", "web", "id:01")
	s.must("key", "adopt", "web", "id:01", "--provider", "first")
	s.fails(ctl.ExitFailed, "it has a name already", "key", "adopt", "other", "id:01", "--provider", "second")
	s.must("key", "create", "ours", "--provider", "first")
	if out, msg := s.must("key", "list", "--unnamed"); !strings.Contains(msg, "nothing without a name") {
		t.Errorf("an object with a name is listed:\n%s", out)
	}
	s.must("key", "sign", "web", os.Args[0])
}
