package ctl_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/agentd/agentdtest"
	"github.com/seed-73b3884f/parsec-agent/providers/tpm/tpmtest"
)

// machine is an agent with software keys and perhaps a TPM.
type machine struct {
	caller
	agent *agentdtest.Agent
	keys  string // the key store
}

// boot starts an agent on a directory; its TPM provider has a key manager of its own, for
// the root entry of another TPM in the first would be refused.
func boot(t *testing.T, dir string, v *tpmtest.TPM, settings string) machine {
	t.Helper()
	config := agentdtest.Config(dir) + settings
	if v != nil {
		config += fmt.Sprintf(`
[[key_manager]]
name = "tpm"
manager_type = "SQLite"
sqlite_db_path = "%s/tpm.sqlite3"

[[provider]]
provider_type = "Tpm"
key_info_manager = "tpm"
tcti = %q
owner_hierarchy_auth = ""
`, dir, v.TCTI().String())
	}
	a := agentdtest.Start(t, agentdtest.Options{Dir: dir, Config: config})
	return machine{caller{t, dir, a.Socket}, a, filepath.Join(dir, "keys")}
}

// move copies the software keys and their names to another machine.
func (m machine) move(t *testing.T) string {
	t.Helper()
	dir := agentdtest.Dir(t)
	if err := os.CopyFS(filepath.Join(dir, "keys"), os.DirFS(m.keys)); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(m.dir, "kim.sqlite3"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "kim.sqlite3"), b, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"keys", "kim.sqlite3"} {
		if err := os.Chmod(filepath.Join(dir, path), map[string]os.FileMode{"keys": 0o700, "kim.sqlite3": 0o600}[path]); err != nil {
			t.Fatal(err)
		}
	}
	names, err := filepath.Glob(filepath.Join(dir, "keys", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if err := os.Chmod(name, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// roots lists the files about the root key.
func (m machine) roots() []string {
	m.t.Helper()
	names, err := filepath.Glob(filepath.Join(m.keys, "root*"))
	if err != nil {
		m.t.Fatal(err)
	}
	for i := range names {
		names[i] = filepath.Base(names[i])
	}
	return names
}

// signs shows that the key works.
func (m machine) signs() {
	m.t.Helper()
	m.must(0, "key", "sign", "k", "config.toml", "-o", "signature", "--force")
	m.must(0, "key", "verify", "k", "config.toml", "signature")
}

// locked shows that the agent runs and says what is wrong with the key.
func (m machine) locked(reason string) {
	m.t.Helper()
	if out := m.must(6, "key", "sign", "k", "config.toml", "-o", "signature", "--force"); !strings.Contains(out, reason) || !strings.Contains(out, "parsecctl key recover") {
		m.t.Errorf("no %q in %s", reason, out)
	}
	if out := m.must(0, "info", "--json"); !strings.Contains(out, `"state": "locked"`) {
		m.t.Error(out)
	}
	if out := m.must(6, "key", "create", "other"); !strings.Contains(out, reason) {
		m.t.Errorf("no %q in %s", reason, out)
	}
}

// recover runs key recover with what is in a file.
func (m machine) recover(want int, file string) string {
	m.t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		m.t.Fatal(err)
	}
	return m.recoverWith(want, b)
}

const sealed = "root_key = \"tpm\"\nroot_key_pcrs = [16]\n"

// TestSealRoot takes software keys through the life of a root key in a TPM: sealed, started
// again, carried to another machine, met by other PCR, recovered.
func TestSealRoot(t *testing.T) {
	v := tpmtest.Start(t)
	m := boot(t, agentdtest.Dir(t), v, sealed)
	m.must(0, "--provider", "software", "key", "create", "k")
	if got := m.roots(); !slices.Equal(got, []string{"root.key"}) {
		t.Errorf("before sealing: %q", got)
	}
	m.must(2, "key", "seal", "--yes")
	m.must(0, "key", "seal", "--yes", "--recovery-out", "recovery")
	if got := m.roots(); !slices.Equal(got, []string{"root.recovery", "root.sealed"}) {
		t.Errorf("after sealing: %q", got)
	}
	if st, err := os.Stat(filepath.Join(m.dir, "recovery")); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", st, err)
	}
	m.signs()
	m.agent.Stop()
	m.agent.Start()
	m.signs()
	m.agent.Stop()
	recovery := filepath.Join(m.dir, "recovery")

	t.Run("another machine", func(t *testing.T) {
		other := tpmtest.Start(t)
		n := boot(t, m.move(t), other, sealed)
		n.t = t
		n.locked("the root key is sealed to a TPM, which does not open it")
		before := n.content()
		if out := n.recoverWith(1, []byte("000GD-40R4X-0M300-E209K-185G3-R38ED-1W811-24GKZ-2GAH1-C5RR2-34D1B-P70XX-3RFPG\n")); !strings.Contains(out, "not the recovery key of this store") {
			t.Error(out)
		}
		if out := n.recoverWith(1, []byte("000GD-40R4X-0M300-E2091-185G3-R38ED-1W811-24GKZ-2GAH1-C5RR2-34D1B-P70XX-3RFPG\n")); !strings.Contains(out, "group 4 of the recovery key is mistyped") {
			t.Error(out)
		}
		if !slices.Equal(n.content(), before) {
			t.Error("a wrong recovery key changed the key store")
		}
		n.locked("the root key is sealed")
		n.recover(0, recovery)
		n.signs()
		n.agent.Stop()
		n.agent.Start()
		n.signs()
	})
	t.Run("back to a file", func(t *testing.T) {
		n := boot(t, m.move(t), nil, "root_key = \"file\"\n")
		n.t = t
		n.locked("the key store has a copy for the recovery key")
		n.recover(0, recovery)
		if got := n.roots(); !slices.Contains(got, "root.key") {
			t.Errorf("%q", got)
		}
		n.signs()
		n.agent.Stop()
		n.agent.Start()
		n.signs()
		if out := n.must(1, "key", "seal", "--yes", "--recovery-out", "x"); !strings.Contains(out, "names no TPM") {
			t.Error(out)
		}
	})
	t.Run("other PCR", func(t *testing.T) {
		v.Extend(16)
		m.agent.Start()
		m.locked("the PCR do not have the values under which the secret was sealed")
		m.must(0, "ping")
		m.recover(0, recovery)
		m.signs()
		m.agent.Stop()
		m.agent.Start()
		m.signs()
	})
	t.Run("a new recovery key", func(t *testing.T) {
		m.must(0, "key", "seal", "--yes", "--recovery-out", "second")
		if out := m.recover(1, recovery); !strings.Contains(out, "not the recovery key of this store") {
			t.Error(out)
		}
		m.recover(0, filepath.Join(m.dir, "second"))
		m.signs()
	})
}

// content returns names and contents of the key store.
func (m machine) content() []string {
	m.t.Helper()
	entries, err := os.ReadDir(m.keys)
	if err != nil {
		m.t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(m.keys, e.Name()))
		if err != nil {
			m.t.Fatal(err)
		}
		all = append(all, fmt.Sprintf("%s %x", e.Name(), b))
	}
	return all
}

// recoverWith runs key recover with a recovery key.
func (m machine) recoverWith(want int, recovery []byte) string {
	m.t.Helper()
	got, stdout, stderr := m.runWith(bytes.NewReader(recovery), "key", "recover", "--recovery-key-fd", "0")
	if got != want {
		m.t.Fatalf("exit status %d, want %d\n%s%s", got, want, stdout, stderr)
	}
	return stdout + stderr
}

// TestSealKilled kills the agent at every step of sealing. The keys open after each, and
// sealing again finishes the work.
func TestSealKilled(t *testing.T) {
	v := tpmtest.Start(t)
	has := func(name string, want bool) func(keys string) bool {
		return func(keys string) bool {
			_, err := os.Stat(filepath.Join(keys, name))
			return (err == nil) == want
		}
	}
	for step, reached := range map[string]func(keys string) bool{
		"asked":                 func(string) bool { return true },
		"recovery copy written": has("root.recovery", true),
		"sealed":                has("root.sealed", true),
		"plain key removed":     has("root.key", false),
	} {
		m := boot(t, agentdtest.Dir(t), v, sealed)
		m.must(0, "--provider", "software", "key", "create", "k")
		done := make(chan struct{})
		go func() {
			defer close(done)
			m.run("key", "seal", "--yes", "--recovery-out", "recovery") // which is cut off
		}()
		for deadline := time.Now().Add(20 * time.Second); !reached(m.keys); time.Sleep(20 * time.Microsecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%s: never reached", step)
			}
		}
		m.agent.Kill()
		<-done
		left := m.roots()
		m.agent.Start()
		m.signs()
		if !slices.Contains(left, "root.key") {
			m.recover(0, filepath.Join(m.dir, "recovery"))
		}
		m.must(0, "key", "seal", "--yes", "--recovery-out", "again")
		if got := m.roots(); !slices.Equal(got, []string{"root.recovery", "root.sealed"}) {
			t.Errorf("%s: %q", step, got)
		}
		m.recover(0, filepath.Join(m.dir, "again"))
		m.signs()
		t.Logf("%s: left %q", step, left)
		m.agent.Stop()
	}
}

// TestSealAsksThePerson shows the recovery key at a terminal, and seals nothing before parts
// of it were typed.
func TestSealAsksThePerson(t *testing.T) {
	m := boot(t, agentdtest.Dir(t), tpmtest.Start(t), sealed)
	m.must(0, "--provider", "software", "key", "create", "k")
	p := sit(t, m.dir, "parsecctl", "--socket", m.socket, "key", "seal")
	for n := range 3 {
		p.seeAgain("from what you wrote down: ", n+1)
		p.write("AAAAA")
	}
	if got := p.leave(); got != 1 || !strings.Contains(p.screen(), "nothing was sealed") {
		t.Errorf("%d: %s", got, p.screen())
	}
	if got := m.roots(); !slices.Equal(got, []string{"root.key"}) {
		t.Errorf("%q", got)
	}
	p = sit(t, m.dir, "parsecctl", "--socket", m.socket, "key", "seal")
	p.see("Type group")
	shown := regexp.MustCompile(`(?m)(\d+) ([0-9A-Z]{5})\b`).FindAllStringSubmatch(p.screen(), -1)
	if len(shown) != 13 {
		t.Fatalf("%d groups in %q", len(shown), p.screen())
	}
	for asked := range 2 {
		p.seeAgain("from what you wrote down: ", asked+1)
		n, err := strconv.Atoi(regexp.MustCompile(`Type group (\d+) `).FindAllStringSubmatch(p.screen(), -1)[asked][1])
		if err != nil {
			t.Fatal(err)
		}
		p.write(strings.ToLower(shown[n-1][2]))
	}
	if got := p.leave(); got != 0 {
		t.Errorf("%d: %s", got, p.screen())
	}
	if got := m.roots(); !slices.Equal(got, []string{"root.recovery", "root.sealed"}) {
		t.Errorf("%q", got)
	}
	var text []string
	for _, g := range shown {
		text = append(text, g[2])
	}
	m.recoverWith(0, []byte(strings.Join(text, " ")))
	m.signs()
}
