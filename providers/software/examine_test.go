package software_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/providertest"
	"github.com/seed-73b3884f/parsec-agent/providers/software"
)

func examine(t *testing.T, p *software.Provider, known ...providers.Key) []providers.Finding {
	t.Helper()
	findings, err := p.Examine(t.Context(), ids(known))
	if err != nil {
		t.Fatal(err)
	}
	return findings
}

// find returns the finding that mentions both texts.
func find(t *testing.T, findings []providers.Finding, object, problem string) providers.Finding {
	t.Helper()
	for _, f := range findings {
		if strings.HasSuffix(f.Object, object) && strings.Contains(f.Problem, problem) {
			if f.Remedy == "" || f.Severity == "" {
				t.Errorf("incomplete: %+v", f)
			}
			return f
		}
	}
	t.Errorf("nothing says that %q %q; findings: %+v", object, problem, findings)
	return providers.Finding{}
}

func TestExamineNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	p := open(t, software.Options{KeyStorePath: dir})
	a, b := providertest.Generate(t, p, p256), providertest.Generate(t, p, p256)
	for _, f := range examine(t, p, a, b) {
		if f.Object != "root key" { // the limit of locked memory is the machine's
			t.Errorf("%+v", f)
		}
	}
}

func TestExamineFindsEverything(t *testing.T) {
	dir := t.TempDir()
	old := time.Now().Add(-time.Hour)
	o := software.Options{KeyStorePath: dir}
	p := open(t, o)
	plain, orphan, wide, damaged, whole := providertest.Generate(t, p, p256), providertest.Generate(t, p, p256), providertest.Generate(t, p, p256), providertest.Generate(t, p, p256), providertest.Generate(t, p, p256)
	missing := keyWith(500)
	if err := p.Protect(t.Context(), plain, providers.ProtectionCompatible); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(fileOf(dir, wide), 0o644); err != nil {
		t.Fatal(err)
	}
	write(t, fileOf(dir, damaged), []byte("rubbish"), 0o600)
	leftover := ".0000000000000002.psa_its.0123456789abcdef.tmp"
	for _, name := range []string{leftover, "tempfile.psa_its"} {
		write(t, filepath.Join(dir, name), nil, 0o600)
	}
	for _, path := range []string{fileOf(dir, orphan), filepath.Join(dir, leftover)} {
		if err := os.Chtimes(path, old, old); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(filepath.Join(dir, "root.key"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o775); err != nil {
		t.Fatal(err)
	}
	before := list(t, dir)
	findings := examine(t, p, plain, wide, damaged, missing, whole, providers.Key{ID: []byte{1}})
	for _, want := range []struct{ severity, object, problem string }{
		{"error", filepath.Base(fileOf(dir, missing)), "missing"},
		{"error", filepath.Base(fileOf(dir, damaged)), "damaged"},
		{"error", "root.key", "mode 0640"},
		{"error", "key id 01", "not an id"},
		{"warning", filepath.Base(fileOf(dir, orphan)), "no key maps to this ecc:secp-r1 key of 256 bits"},
		{"warning", filepath.Base(fileOf(dir, wide)), "mode 0644"},
		{"warning", dir, "1 keys are stored unencrypted"},
		{"warning", dir, "others can write to the key store: mode 0775"},
		{"note", leftover, "temporary file"},
		{"note", "tempfile.psa_its", "temporary file"},
	} {
		if got := find(t, findings, want.object, want.problem); got.Severity != want.severity {
			t.Errorf("%s: %s is %s", want.object, want.problem, got.Severity)
		}
	}
	if slices.ContainsFunc(findings, func(f providers.Finding) bool { return f.Object == fileOf(dir, whole) }) {
		t.Errorf("a whole key is reported: %+v", findings)
	}
	if after := list(t, dir); !slices.Equal(before, after) {
		t.Errorf("examining changed the store from %q to %q", before, after)
	}
	order := []string{"error", "warning", "note"}
	if !slices.IsSortedFunc(findings, func(a, b providers.Finding) int {
		return slices.Index(order, a.Severity) - slices.Index(order, b.Severity)
	}) {
		t.Errorf("the findings are not sorted by severity: %+v", findings)
	}
}

// TestExamineOrphans: what a crash left between the file and its mapping is found at
// once after a restart; while the agent may just be making it, it is not reported.
func TestExamineOrphans(t *testing.T) {
	dir := t.TempDir()
	o := software.Options{KeyStorePath: dir}
	p := open(t, o)
	orphan := providertest.Generate(t, p, p256)
	for _, f := range examine(t, p) {
		if strings.Contains(f.Problem, "no key maps") {
			t.Errorf("a key that is being made is reported: %+v", f)
		}
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	p = open(t, o)
	find(t, examine(t, p), filepath.Base(fileOf(dir, orphan)), "no key maps")
}

func TestExamineCompatible(t *testing.T) {
	dir := t.TempDir()
	p := open(t, software.Options{KeyStorePath: dir, Storage: providers.ProtectionCompatible})
	a := providertest.Generate(t, p, p256)
	cipher := psa.Attributes{Type: psa.KeyAES, Bits: 128, Usage: psa.UsageEncrypt, Alg: psa.Algorithm{Kind: psa.AlgCTR}}
	b := providertest.Generate(t, p, cipher)
	findings := examine(t, p, a, b)
	find(t, findings, dir, "1 keys are for unauthenticated ciphers")
	for _, f := range findings {
		if strings.Contains(f.Problem, "unencrypted") {
			t.Errorf("%+v", f)
		}
	}
	if err := p.Protect(t.Context(), a, providers.ProtectionEncrypted); err != nil {
		t.Fatal(err)
	}
	find(t, examine(t, p, a, b), dir, "1 keys are encrypted, the original service would not start")
}

// TestTighten: a file that others could read is made private when it is used, and said so.
func TestTighten(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	keys := original(t, dir)
	var l providertest.Logs
	p := open(t, software.Options{KeyStorePath: dir, Logger: l.Logger()})
	_, err := p.ExportPublicKey(t.Context(), keys[0])
	providertest.Status(t, "use", err, wire.StatusSuccess)
	for i, want := range []os.FileMode{0o600, 0o644} {
		st, err := os.Stat(fileOf(dir, keys[i]))
		if err != nil || st.Mode() != want {
			t.Errorf("key %d: mode %v, %v, want %v", i, st.Mode(), err, want)
		}
	}
	if !strings.Contains(l.String(), "took the rights of others") {
		t.Errorf("the log says %s", l.String())
	}
	findings := examine(t, p, keys...)
	find(t, findings, filepath.Base(fileOf(dir, keys[0])), "until the agent took them")
	find(t, findings, filepath.Base(fileOf(dir, keys[1])), "mode 0644")
	find(t, findings, dir, "27 keys are stored unencrypted")
}

func TestForeignOwnerIsNotChanged(t *testing.T) {
	dir := t.TempDir()
	key := original(t, dir)[0]
	if err := os.Chown(fileOf(dir, key), 12345, -1); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip("needs the right to give files away (run as root)")
	}
	p := open(t, software.Options{KeyStorePath: dir})
	_, err := p.ExportPublicKey(t.Context(), key)
	providertest.Status(t, "use", err, wire.StatusSuccess)
	if st, err := os.Stat(fileOf(dir, key)); err != nil || st.Mode() != 0o644 {
		t.Errorf("mode %v, %v", st.Mode(), err)
	}
	find(t, examine(t, p, key), filepath.Base(fileOf(dir, key)), "it belongs to uid 12345")
}
