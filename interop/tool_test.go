//go:build interop

package interop

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/agentd/agentdtest"
	"github.com/seed-73b3884f/parsec-agent/interop/original"
)

// tool runs the real parsec-tool against an agent, and openssl on what it prints.
type tool struct {
	t    *testing.T
	tree *original.Tree
	dir  string
	used map[string]bool
}

// run runs parsec-tool and returns its standard output.
func (p *tool) run(args ...string) (string, error) {
	p.used[args[0]] = true
	cmd := p.tree.Command(p.t.Context(), append([]string{"/usr/bin/parsec-tool"}, args...)...)
	cmd.Env = append(cmd.Env, "PARSEC_SERVICE_ENDPOINT=unix:"+p.dir+"/parsec.sock")
	var out, msg bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &msg
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("parsec-tool %s: %w\n%s", strings.Join(args, " "), err, msg.String())
	}
	return out.String(), nil
}

// must is run for what has to succeed.
func (p *tool) must(args ...string) string {
	p.t.Helper()
	out, err := p.run(args...)
	if err != nil {
		p.t.Fatal(err)
	}
	return out
}

// file writes a file for openssl.
func (p *tool) file(name string, data []byte) string {
	p.t.Helper()
	path := filepath.Join(p.dir, name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		p.t.Fatal(err)
	}
	return path
}

// openssl runs openssl and returns what it prints, with names written as its newer
// versions do.
func (p *tool) openssl(args ...string) string {
	p.t.Helper()
	out, err := exec.CommandContext(p.t.Context(), "openssl", args...).CombinedOutput()
	if err != nil {
		p.t.Fatalf("openssl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.ReplaceAll(string(out), " = ", "=")
}

func (p *tool) decode(text string) []byte {
	p.t.Helper()
	b, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil {
		p.t.Fatalf("%q: %v", text, err)
	}
	return b
}

// subcommands are those that the help of parsec-tool 0.7.0 names.
func (p *tool) subcommands() []string {
	p.t.Helper()
	help := p.must("--help")
	delete(p.used, "--help")
	_, list, ok := strings.Cut(help, "SUBCOMMANDS:")
	if !ok {
		_, list, _ = strings.Cut(help, "Commands:")
	}
	var names []string
	for _, m := range regexp.MustCompile(`(?m)^\s+([a-z-]+)\s`).FindAllStringSubmatch(list, -1) {
		if m[1] != "help" {
			names = append(names, m[1])
		}
	}
	if len(names) < 16 {
		p.t.Fatalf("the help names %v:\n%s", names, help)
	}
	return names
}

// TestParsecTool runs every subcommand of the real parsec-tool against our agent, and
// checks the results with openssl.
func TestParsecTool(t *testing.T) {
	if _, err := exec.LookPath("openssl"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip("needs the Debian package openssl")
	}
	tree := openTree(t)
	dir := sharedDir(t, tree, 0)
	s := original.Settings{Dir: dir, Storage: "encrypted"}
	agentdtest.Start(t, agentdtest.Options{Dir: dir, Config: s.Config()})
	p := &tool{t: t, tree: tree, dir: dir, used: map[string]bool{}}
	all := p.subcommands()
	p.lists()
	p.ecc()
	p.rsa()
	p.clients()
	for _, name := range all {
		if !p.used[name] {
			t.Errorf("subcommand %s was not run", name)
		}
	}
}

// wants fails if a text lacks a part.
func (p *tool) wants(out string, parts ...string) {
	p.t.Helper()
	for _, part := range parts {
		if !strings.Contains(out, part) {
			p.t.Errorf("no %q in:\n%s", part, out)
		}
	}
}

func (p *tool) lists() {
	p.t.Helper()
	p.wants(p.must("ping"), "1.0")
	p.wants(p.must("list-providers"), "ID: 0x01 (Mbed Crypto provider)", "ID: 0x00 (Core provider)", "Version: 1.4.1",
		"UUID: 1c1139dc-ad7c-47dc-ad6b-db6fdb466552")
	p.wants(p.must("list-authenticators"), "ID: 0x03")
	p.wants(p.must("list-opcodes"), "0x01 (Ping)", "0x1a (ListKeys)")
	p.wants(p.must("list-opcodes", "-p", "1"), "0x04 (PsaSignHash)", "0x20 (CanDoCrypto)")
	if out := p.must("list-keys"); strings.TrimSpace(out) != "" {
		p.t.Errorf("keys of a new agent: %s", out)
	}
	if out := p.must("generate-random", "-n", "12"); len(strings.Fields(out)) != 12 {
		p.t.Errorf("12 random bytes are %q", out)
	}
}

func (p *tool) ecc() {
	p.t.Helper()
	p.must("create-ecc-key", "-k", "ecc/key")
	p.wants(p.must("list-keys"), "* ecc/key (Mbed Crypto provider, EccKeyPair { curve_family: SecpR1 }, 256 bits")
	public := p.file("ecc.pem", []byte(p.must("export-public-key", "-k", "ecc/key")))
	p.wants(p.openssl("pkey", "-pubin", "-in", public, "-noout", "-text"), "NIST CURVE: P-256")
	p.verify(public, "ecc/key")
	csr := p.file("ecc.csr", []byte(p.must("create-csr", "-k", "ecc/key", "--cn", "example.org", "--o", "An Organisation", "--c", "DE",
		"--san", "www.example.org", "--san", "example.net")))
	p.wants(p.openssl("req", "-in", csr, "-verify", "-noout", "-text"), "verify OK", "CN=example.org", "O=An Organisation",
		"DNS:www.example.org", "DNS:example.net", "ecdsa-with-SHA256")
	p.must("delete-key", "-k", "ecc/key")
	if _, err := p.run("sign", "-k", "ecc/key", "text"); err == nil {
		p.t.Error("a deleted key signs")
	}
	if _, err := p.run("delete-key", "-k", "ecc/key"); err == nil {
		p.t.Error("a deleted key is deleted again")
	}
}

// verify signs with the tool and verifies with openssl.
func (p *tool) verify(public, key string) {
	p.t.Helper()
	const text = "what is signed"
	sig := p.file("sig", p.decode(p.must("sign", "-k", key, text)))
	message := p.file("message", []byte(text))
	p.wants(p.openssl("dgst", "-sha256", "-verify", public, "-signature", sig, message), "Verified OK")
}

func (p *tool) rsa() {
	p.t.Helper()
	p.must("create-rsa-key", "-s", "-k", "rsa-sign", "-b", "3072")
	signPublic := p.file("sign.pem", []byte(p.must("export-public-key", "-k", "rsa-sign")))
	p.verify(signPublic, "rsa-sign")
	pkcs1 := p.file("sign1.pem", []byte(p.must("export-public-key", "-k", "rsa-sign", "--pkcs1")))
	p.wants(p.openssl("rsa", "-RSAPublicKey_in", "-in", pkcs1, "-noout", "-text"), "3072 bit")
	csr := p.file("rsa.csr", []byte(p.must("create-csr", "-k", "rsa-sign", "--cn", "rsa", "--l", "Place", "--ou", "Unit", "--st", "State",
		"--serialNumber", "42")))
	p.wants(p.openssl("req", "-in", csr, "-verify", "-noout", "-text"), "verify OK", "CN=rsa", "OU=Unit", "sha256WithRSAEncryption")
	for name, c := range map[string]struct{ options, padding []string }{
		"v15":  {nil, []string{"-pkeyopt", "rsa_padding_mode:pkcs1"}},
		"oaep": {[]string{"-o"}, []string{"-pkeyopt", "rsa_padding_mode:oaep", "-pkeyopt", "rsa_oaep_md:sha256", "-pkeyopt", "rsa_mgf1_md:sha256"}},
	} {
		p.must(append([]string{"create-rsa-key", "-k", name}, c.options...)...)
		const text = "a secret"
		if back := p.must("decrypt", "-k", name, strings.TrimSpace(p.must("encrypt", "-k", name, text))); strings.TrimSpace(back) != text {
			p.t.Errorf("%s: what the tool encrypted is %q", name, back)
		}
		public := p.file(name+".pem", []byte(p.must("export-public-key", "-k", name)))
		made := filepath.Join(p.dir, "made")
		p.openssl(slices.Concat([]string{
			"pkeyutl", "-encrypt", "-pubin", "-inkey", public, "-in", p.file("plain", []byte(text)), "-out", made,
		}, c.padding)...)
		b, err := os.ReadFile(made)
		if err != nil {
			p.t.Fatal(err)
		}
		if back := p.must("decrypt", "-k", name, base64.StdEncoding.EncodeToString(b)); strings.TrimSpace(back) != text {
			p.t.Errorf("%s: what openssl encrypted is %q", name, back)
		}
	}
}

func (p *tool) clients() {
	p.t.Helper()
	if out := p.must("list-clients"); strings.TrimSpace(out) != "0" {
		p.t.Errorf("clients: %q", out)
	}
	p.must("delete-client", "-c", "0")
	if out := p.must("list-keys") + p.must("list-clients"); strings.TrimSpace(out) != "" {
		p.t.Errorf("a deleted client still has %q", out)
	}
	if _, err := p.run("-p", "2", "create-ecc-key", "-k", "x"); err == nil {
		p.t.Error("a provider that is not configured makes a key")
	} else if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 1 {
		p.t.Errorf("a provider that is not configured: %v", err)
	}
}
