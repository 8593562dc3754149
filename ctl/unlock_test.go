package ctl_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/agentd/agentdtest"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/tokentest"
)

// startWithToken starts an agent with a token whose PIN a person gives, and returns its
// directory, which is to be XDG_RUNTIME_DIR.
func startWithToken(t *testing.T) string {
	t.Helper()
	h := tokentest.New(t)
	h.Token("card")
	dir := agentdtest.Dir(t)
	if err := os.Mkdir(filepath.Join(dir, "parsec"), 0o700); err != nil {
		t.Fatal(err)
	}
	config := strings.ReplaceAll(agentdtest.Config(dir), dir+"/parsec.sock", dir+"/parsec/parsec.sock") + fmt.Sprintf(
		"[[provider]]\nprovider_type = \"Pkcs11\"\nname = \"card\"\nkey_info_manager = \"sqlite\"\nlibrary_path = %q\nuser_pin_prompt = true\n", tokentest.Library)
	file := filepath.Join(dir, "config.toml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := agentdtest.StartProcess(t.Context(), agentdtest.Command{
		Argv: []string{program, "-c", file}, Dir: dir, UID: uint32(os.Getuid()), Socket: filepath.Join(dir, "parsec", "parsec.sock"),
		Env: []string{"PATH=/usr/bin:/bin", "HOME=" + dir, "SOFTHSM2_CONF=" + h.Config, pkcs11.HelperVariable + "=" + tokentest.Helper(t)},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// TestUnlock: the PIN comes from the terminal, unseen, from a file, standard input or a
// descriptor; a locked token is exit status 6 with the command to unlock it.
func TestUnlock(t *testing.T) {
	dir := startWithToken(t)
	run := func(input string, args ...string) (int, string) {
		ctx := context.WithoutCancel(t.Context())
		cmd := exec.CommandContext(ctx, args[0], args[1:]...)
		cmd.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+dir, "GORACE="+noLinger)
		cmd.Stdin = strings.NewReader(input)
		out, _ := cmd.CombinedOutput() // the status tells
		return cmd.ProcessState.ExitCode(), string(out)
	}
	expect := func(want int, text, input string, args ...string) {
		t.Helper()
		if got, out := run(input, append([]string{"parsecctl"}, args...)...); got != want || !strings.Contains(out, text) {
			t.Errorf("%q: exit status %d, want %d and %q\n%s", args, got, want, text, out)
		}
	}
	const command = "try: parsecctl provider unlock card"
	expect(6, command, "", "--provider", "card", "key", "create", "k")
	expect(0, "locked", "", "provider", "list")
	expect(0, command, "", "provider", "list")
	expect(0, `"state": "locked"`, "", "info", "--json")
	expect(0, command, "", "doctor")
	expect(6, `"exit":6,"status":"PsaErrorBadState"`, "", "--json", "--provider", "card", "key", "create", "k")

	p := sit(t, dir, "parsecctl", "provider", "unlock", "card")
	p.waitFor("PIN of the token of card: ", tokentest.PIN)
	if got := p.leave(); got != 0 || !strings.Contains(p.screen(), "is unlocked") || strings.Contains(p.screen(), tokentest.PIN) {
		t.Errorf("exit status %d:\n%s", got, p.screen())
	}
	expect(0, "", "", "--provider", "card", "key", "create", "k")
	expect(0, "was unlocked before", "1\n", "provider", "unlock", "card", "--pin-file", "-")
	expect(0, "is locked", "", "provider", "lock", "card")
	expect(0, `"token": "token \"card\"`, tokentest.PIN+"\n", "provider", "unlock", "card", "--pin-fd", "0", "--json")
	expect(0, "", "", "provider", "lock", "card")

	file := filepath.Join(dir, "pin")
	if err := os.WriteFile(file, []byte(tokentest.PIN+"\r\nsecond line\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	expect(0, "is unlocked", "", "provider", "unlock", "card", "--pin-file", file)
	expect(0, "", "", "provider", "lock", "card")
	expect(2, "the PIN is empty", "\n", "provider", "unlock", "card", "--pin-file", "-")
	expect(2, "exclude each other", "", "provider", "unlock", "card", "--pin-file", "-", "--pin-pad")
	expect(1, "cannot read /nowhere", "", "provider", "unlock", "card", "--pin-file", "/nowhere")
	expect(6, "it has no PIN pad", "", "provider", "unlock", "card", "--pin-pad")
	expect(5, "no provider has that name", "1", "provider", "unlock", "other", "--pin-file", "-")
	expect(1, "no PIN that a person could give", "1", "provider", "unlock", "mbed-crypto-provider", "--pin-file", "-")
	expect(6, "give the right PIN: parsecctl provider unlock card", "000000", "provider", "unlock", "card", "--pin-file", "-")
	expect(2, "unknown", "", "provider", "unlock", "card", "--pin", tokentest.PIN)

	cmd := exec.CommandContext(t.Context(), "setsid", "parsecctl", "provider", "unlock", "card") // without a terminal
	cmd.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+dir, "GORACE="+noLinger)
	if out, _ := cmd.CombinedOutput(); cmd.ProcessState.ExitCode() != 2 || !bytes.Contains(out, []byte("--pin-file")) {
		t.Errorf("without a terminal: %v\n%s", cmd.ProcessState, out)
	}
}
