package tokentest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// PIN is the user PIN of tokens made here; SOPIN that of their security officer.
const (
	PIN   = "123456"
	SOPIN = "87654321"
)

// Library is where Debian puts SoftHSM2.
const Library = "/usr/lib/softhsm/libsofthsm2.so"

// SoftHSM is a SoftHSM2 with its own tokens.
type SoftHSM struct {
	tb testing.TB
	// Config is the value for SOFTHSM2_CONF, which is set for the test.
	Config string
}

// New makes a SoftHSM2 without tokens and points the library at it, in this process and
// those that it starts. Tests that use it cannot run in parallel.
func New(tb testing.TB) *SoftHSM {
	tb.Helper()
	Need(tb, "softhsm2", "softhsm2-util", Library)
	h := &SoftHSM{tb: tb}
	h.Move(filepath.Join(tb.TempDir(), "softhsm"))
	return h
}

// Move begins anew, without tokens, in a directory that is made.
func (h *SoftHSM) Move(dir string) {
	h.tb.Helper()
	var err error
	if h.Config, err = configure(dir); err != nil {
		h.tb.Fatal(err)
	}
	if t, ok := h.tb.(interface{ Setenv(key, value string) }); ok {
		t.Setenv("SOFTHSM2_CONF", h.Config)
	}
}

// configure makes a SoftHSM2 without tokens in a directory, and returns the file that
// SOFTHSM2_CONF is to name.
func configure(dir string) (string, error) {
	tokens, config := filepath.Join(dir, "tokens"), filepath.Join(dir, "softhsm2.conf")
	if err := os.MkdirAll(tokens, 0o700); err != nil {
		return "", err
	}
	text := fmt.Sprintf("directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\nslots.removable = false\n", tokens)
	return config, os.WriteFile(config, []byte(text), 0o600)
}

// Make makes a SoftHSM2 with one token in a directory, for programs that are no tests. It
// returns the value for SOFTHSM2_CONF.
func Make(ctx context.Context, dir, label string) (config string, err error) {
	if config, err = configure(dir); err != nil {
		return "", err
	}
	return config, build(ctx, []string{"SOFTHSM2_CONF=" + config}, "softhsm2-util", initialise(label)...)
}

func initialise(label string) []string {
	return []string{"--init-token", "--free", "--label", label, "--pin", PIN, "--so-pin", SOPIN}
}

// Token is an initialised token.
type Token struct {
	Label, Serial string
	Slot          uint64
}

// Token makes a token.
func (h *SoftHSM) Token(label string) Token {
	h.tb.Helper()
	h.Util(initialise(label)...)
	for _, t := range h.Tokens() {
		if t.Label == label {
			return t
		}
	}
	h.tb.Fatalf("softhsm2-util shows no token %q", label)
	return Token{}
}

// Tokens lists the initialised tokens.
func (h *SoftHSM) Tokens() []Token {
	h.tb.Helper()
	var all []Token
	var t Token
	for line := range strings.Lines(h.Util("--show-slots")) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		value = strings.TrimSpace(value)
		switch {
		case strings.HasPrefix(name, "Slot ") && name != "Slot info":
			t = Token{}
			if _, err := fmt.Sscan(strings.TrimPrefix(name, "Slot "), &t.Slot); err != nil {
				h.tb.Fatalf("softhsm2-util shows the line %q", line)
			}
		case name == "Serial number":
			t.Serial = value
		case name == "Label" && t.Serial != "":
			t.Label = value
			all = append(all, t)
		}
	}
	return all
}

// Util runs softhsm2-util.
func (h *SoftHSM) Util(args ...string) string {
	h.tb.Helper()
	return h.run("softhsm2-util", args...)
}

// Tool runs OpenSC's pkcs11-tool on the library.
func (h *SoftHSM) Tool(args ...string) string {
	h.tb.Helper()
	Need(h.tb, "opensc", "pkcs11-tool")
	return h.run("pkcs11-tool", append([]string{"--module", Library}, args...)...)
}

func (h *SoftHSM) run(name string, args ...string) string {
	h.tb.Helper()
	cmd := exec.CommandContext(h.tb.Context(), name, args...)
	cmd.Env = append(os.Environ(), "SOFTHSM2_CONF="+h.Config)
	out, err := cmd.CombinedOutput()
	if err != nil {
		h.tb.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return string(out)
}
