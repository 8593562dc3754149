package host

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestStartAndStop(t *testing.T) {
	t.Parallel()
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(s.String(), func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, nil)
			c := serve(t, p)
			ping(t, p.socket)
			if m := mode(t, p.socket); m != os.ModeSocket|0o666 {
				t.Errorf("mode of the socket: %v", m)
			}
			limits := read(t, fmt.Sprintf("/proc/%d/limits", c.Process.Pid))
			if !regexp.MustCompile(`Max core file size +0 +0 `).MatchString(limits) {
				t.Errorf("core dumps are possible\n%s", limits)
			}
			c.signal(s)
			c.expect("STOPPING=1")
			if code := c.end(); code != 0 {
				t.Errorf("exit status %d", code)
			}
			if _, err := os.Lstat(p.socket); !os.IsNotExist(err) {
				t.Errorf("the socket is left: %v", err)
			}
			for _, line := range []string{"[INFO  parsec] ready version=1.2.3-test socket=" + p.socket, "[INFO  parsec] stopping\n"} {
				if !strings.Contains(c.out.String(), line) {
					t.Errorf("no %q in the log\n%s", line, c.out.String())
				}
			}
			serve(t, p).stop() // what is left does not hinder the next one
		})
	}
}

// TestNotDumpable: other processes of the agent's user may not look into it.
func TestNotDumpable(t *testing.T) {
	t.Parallel()
	needRoot(t)
	p := newPlace(t, nil)
	chown(t, p.dir, somebody)
	c := newChild(t, "-c", p.config).unprivileged().start()
	c.expect("READY=1")
	info, err := os.Stat(fmt.Sprintf("/proc/%d/mem", c.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	if _, owner := identify(info); owner != 0 {
		t.Errorf("/proc/PID/mem belongs to uid %d", owner)
	}
	c.stop()
}

func chown(t *testing.T, path string, uid int) {
	t.Helper()
	if err := os.Lchown(path, uid, uid); err != nil {
		t.Fatal(err)
	}
}

func TestUserMode(t *testing.T) {
	t.Parallel()
	dir := newPlace(t, nil).dir
	state, runtime := filepath.Join(dir, "state/parsec"), filepath.Join(dir, "run/parsec")
	if err := os.MkdirAll(runtime, 0o755); err != nil { // too open: it is closed
		t.Fatal(err)
	}
	c := newChild(t, "--user", "--allow-root")
	c.Env = append(c.Env, "HOME="+dir, "XDG_STATE_HOME="+dir+"/state", "XDG_RUNTIME_DIR="+dir+"/run", "XDG_CONFIG_HOME="+dir+"/conf")
	c.start().expect("READY=1")
	socket := filepath.Join(runtime, "parsec.sock")
	ping(t, socket)
	for path, want := range map[string]os.FileMode{
		state: os.ModeDir | 0o700, runtime: os.ModeDir | 0o700, socket: os.ModeSocket | 0o600,
		filepath.Join(state, "kim-mappings/sqlite/sqlite-key-info-manager.sqlite3"): 0o600,
	} {
		if got := mode(t, path); got != want {
			t.Errorf("%s: %v, want %v", path, got, want)
		}
	}
	c.logged(`config="embedded defaults, for there is no ` + dir + `/conf/parsec/config.toml"`)
	c.stop()

	// Without a runtime directory the socket is in the state directory.
	c = newChild(t, "--user", "--allow-root")
	c.Env = append(c.Env, "HOME="+dir)
	c.start().expect("READY=1", dir+"/.local/state/parsec/parsec.sock")
	c.stop()
}

func TestRoot(t *testing.T) {
	t.Parallel()
	needRoot(t)
	p := newPlace(t, nil)
	p.write(t, strings.Replace(p.text(nil), "allow_root = true", "", 1))
	c := newChild(t, "-c", p.config).start()
	if code := c.end(); code != 1 {
		t.Errorf("exit status %d", code)
	}
	want := "Error: insecure configuration; the agent should not run as root: give it an account of its own, " +
		"or set core_settings.allow_root = true (or give --allow-root) if you know why\n"
	if got := c.out.String(); got != want {
		t.Errorf("got %q", got)
	}
	c.left("STATUS=start failed: insecure configuration")
	if _, err := os.Lstat(p.socket); err == nil {
		t.Error("the refused agent made a socket")
	}
	serve(t, p, "--allow-root").stop()
	chown(t, p.dir, somebody)
	for _, name := range []string{"parsec.sock.lock", "kim"} {
		if err := os.RemoveAll(filepath.Join(p.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	c = newChild(t, "-c", p.config).unprivileged().start()
	c.expect("READY=1")
	c.stop()
}

// left waits for a message that the child sent before it ended: it may still be on its way.
func (c *child) left(text string) {
	c.t.Helper()
	timeout := time.After(testPatience)
	for {
		select {
		case m := <-c.notify:
			if strings.Contains(m, text) {
				return
			}
		case <-timeout:
			c.t.Fatalf("%q was not sent", text)
		}
	}
}

// TestStartFailures: every condition of section 4.5 ends the start with its message.
func TestStartFailures(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		// prepare changes the place and returns the arguments, by default -c and the file.
		prepare func(t *testing.T, p *place) []string
		want    string // DIR stands for the directory
		code    int
	}{
		{"missing table", text("[listener]", "[listen]"), `Error: DIR/config.toml: listener: missing field "listener"; add the table [listener]`, 1},
		{"not TOML", text("[listener]", "[listener"), `Error: DIR/config.toml:4: expected '.' or ']' to end table name`, 1},
		{
			"unknown manager", text(`key_info_manager = "kim"`, `key_info_manager = "kym"`),
			`Error: DIR/config.toml:16: provider[1].key_info_manager: key info manager builder not found: no [[key_manager]] is named "kym"; did you mean "kim"?`, 1,
		},
		{"no provider", text("[[provider]]", "[provider_]"), "Error: DIR/config.toml: provider: need one provider; add a table [[provider]]", 1},
		{
			"provider twice", text("[agent]", "[[provider]]\nprovider_type = \"MbedCrypto\"\nkey_info_manager = \"kim\"\n[agent]"),
			`Error: DIR/config.toml:18: provider[2].name: duplicate provider names found: "mbed-crypto-provider"; give each provider a name of its own`, 1,
		},
		{
			"provider of another build", text(`"MbedCrypto"`, `"TrustedService"`),
			"Error: DIR/config.toml:15: provider[1].provider_type: provider not compiled: this agent does not support TrustedService; remove the provider", 1,
		},
		{
			"no threads", text("allow_root = true", "allow_root = true\nthread_pool_size = 0"),
			"Error: DIR/config.toml:3: core_settings.thread_pool_size: a pool of 0 threads serves nobody; leave the key out for one thread for each CPU", 1,
		},
		{"database directory", text("/kim/kim.sqlite3", "/config.toml/kim.sqlite3"), `Error: cannot open key manager "kim" at DIR/config.toml/kim.sqlite3: `, 1},
		{"database", text("/kim/kim.sqlite3", "/config.toml"), `Error: cannot open key manager "kim" at DIR/config.toml: `, 1},
		{"provider", text("admin_groups = []", "admin_groups = []\n").and(`key_info_manager = "kim"`, "key_info_manager = \"kim\"\nkey_store_path = \"/proc/none\""), `Error: failed to create provider "mbed-crypto-provider": `, 1},
		{
			"socket path taken", func(t *testing.T, p *place) []string {
				t.Helper()
				if err := os.WriteFile(p.socket, nil, 0o600); err != nil {
					t.Fatal(err)
				}
				return nil
			},
			"Error: failed to bind to Unix socket DIR/parsec.sock: address in use: what is there is no socket but a regular file, and is not touched; remove it or set listener.socket_path", 1,
		},
		{
			"no socket directory", text("/parsec.sock", "/none/parsec.sock"),
			"Error: failed to bind to Unix socket DIR/none/parsec.sock: no such file or directory: DIR/none; " +
				"create it for the agent's account, as with: install -d -m 0755 -o parsec -g parsec DIR/none", 1,
		},
		{"socket directory is a file", text("/parsec.sock", "/config.toml/parsec.sock"), "Error: failed to bind to Unix socket DIR/config.toml/parsec.sock: DIR/config.toml is not a directory", 1},
		{"audit file", text("admin_groups = []", "admin_groups = []\naudit = \"/proc/none/audit\""), "Error: cannot open the audit file: open /proc/none/audit: no such file or directory", 1},
		{"metrics", text("admin_groups = []", "admin_groups = []\nmetrics = \"unix:/proc/none/m\""), "Error: cannot serve metrics: failed to bind to Unix socket /proc/none/m: no such file or directory: /proc/none; ", 1},
		{"no file", args("-c", "/none.toml"), "Error: cannot read the configuration: open /none.toml: no such file or directory", 1},
		{"unknown option", args("--frobnicate"), "parsec-agentd: flag provided but not defined: -frobnicate; see parsec-agentd --help", 2},
		{"argument", args("start"), `parsec-agentd: unexpected argument "start"; see parsec-agentd --help`, 2},
		{"no home", args("--user", "--allow-root"), "Error: cannot use the directory /nonexistent/.local/state/parsec: ", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, nil)
			argv := c.prepare(t, p)
			if argv == nil {
				argv = []string{"-c", p.config}
			}
			if c.name == "no home" && os.Getuid() == 0 {
				return // root may create it; the case is for others
			}
			child := newChild(t, argv...).start()
			if code := child.end(); code != c.code {
				t.Errorf("exit status %d, want %d", code, c.code)
			}
			want := strings.ReplaceAll(c.want, "DIR", p.dir)
			lines := strings.Split(strings.TrimSuffix(child.out.String(), "\n"), "\n")
			if last := lines[len(lines)-1]; !strings.HasPrefix(last, want) {
				t.Errorf("\n got %s\nwant %s", last, want)
			}
			left, err := filepath.Glob(filepath.Join(p.dir, "*.sock*"))
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range left {
				if m := mode(t, name); m.Type() == os.ModeSocket {
					t.Errorf("%s is left", name)
				}
			}
		})
	}
}

type prepare func(t *testing.T, p *place) []string

// text replaces a part of the configuration.
func text(old, replacement string) prepare {
	return func(t *testing.T, p *place) []string {
		t.Helper()
		before := read(t, p.config)
		after := strings.Replace(before, old, replacement, 1)
		if before == after {
			t.Fatalf("%q is not in the configuration", old)
		}
		p.write(t, after)
		return nil
	}
}

func (f prepare) and(old, replacement string) prepare {
	return func(t *testing.T, p *place) []string {
		t.Helper()
		f(t, p)
		return text(old, replacement)(t, p)
	}
}

func args(argv ...string) prepare { return func(*testing.T, *place) []string { return argv } }

func TestHelpVersionCheck(t *testing.T) {
	t.Parallel()
	p := newPlace(t, nil)
	odd := filepath.Join(p.dir, "odd.toml")
	if err := os.WriteFile(odd, []byte(p.text(settings{"core": "log_lvel = 1"})), 0o600); err != nil {
		t.Fatal(err)
	}
	bad := filepath.Join(p.dir, "bad.toml")
	if err := os.WriteFile(bad, []byte(p.text(settings{"core": "log_level = 1", "agent": "audit = \"x\""})), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want string
		code int
	}{
		{[]string{"--help"}, usage, 0},
		{[]string{"-h"}, usage, 0},
		{[]string{"--version"}, "parsec-agentd 1.2.3-test\n", 0},
		{[]string{"--check-config", "-c", p.config}, p.config + ": valid, 0 warnings\n", 0},
		{[]string{"--check-config", "--config=" + odd}, "warning: " + odd + ":3: core_settings.log_lvel: unknown key, ignored; did you mean \"log_level\"?\n" + odd + ": valid, 1 warnings\n", 0},
		{
			[]string{"--check-config", "-c", bad}, "Error: " + bad + ":3: core_settings.log_level: expected a string, found an integer\n" +
				"Error: " + bad + ":20: agent.audit: \"x\" is neither \"log\" nor \"off\" nor an absolute path\n", 1,
		},
	} {
		child := newChild(t, c.args...).start()
		if code := child.end(); code != c.code || child.out.String() != c.want {
			t.Errorf("%q: status %d, %s\nwant %s", c.args, code, child.out.String(), c.want)
		}
	}
}

// TestJournal: when standard error is the journal, lines carry their priority.
func TestJournal(t *testing.T) {
	t.Parallel()
	p := newPlace(t, nil)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	var st unix.Stat_t
	if err := unix.Fstat(int(w.Fd()), &st); err != nil {
		t.Fatal(err)
	}
	c := newChild(t, "-c", p.config)
	c.Stderr = w
	c.Env = append(c.Env, fmt.Sprintf("JOURNAL_STREAM=%d:%d", st.Dev, st.Ino))
	c.start()
	_ = w.Close()
	c.expect("READY=1")
	ping(t, p.socket)
	p.write(t, "=")
	c.signal(syscall.SIGHUP)
	c.expect("READY=1", "old configuration stays")
	c.stop()
	log, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(log)) {
		if !regexp.MustCompile(`^<[3-7]>`).MatchString(line) {
			t.Errorf("no priority: %s", line)
		}
	}
	for _, want := range []string{"<6>ready ", `<5>{"time":`, "<3>reload_failed "} {
		if !strings.Contains(string(log), want) {
			t.Errorf("no %s in\n%s", want, log)
		}
	}
	// The error that ends a start is marked too.
	r, w, err = os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Fstat(int(w.Fd()), &st); err != nil {
		t.Fatal(err)
	}
	c = newChild(t, "-c", "/none")
	c.Stderr = w
	c.Env = append(c.Env, fmt.Sprintf("JOURNAL_STREAM=%d:%d", st.Dev, st.Ino))
	c.start()
	_ = w.Close()
	c.end()
	if log, err := io.ReadAll(r); err != nil || string(log) != "<3>Error: cannot read the configuration: open /none: no such file or directory\n" {
		t.Errorf("%s %v", log, err)
	}
}

// TestClosedStderr: a reader of the log that goes away does not end the agent.
func TestClosedStderr(t *testing.T) {
	t.Parallel()
	p := newPlace(t, nil)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	c := newChild(t, "-c", p.config)
	c.Stderr = w
	c.start()
	_ = w.Close()
	c.expect("READY=1")
	_ = r.Close()
	for range 3 {
		c.signal(syscall.SIGHUP)
		c.expect("READY=1")
		ping(t, p.socket)
	}
	c.signal(syscall.SIGTERM)
	c.expect("STOPPING=1")
	c.end()
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	p := newPlace(t, nil)
	path := filepath.Join(p.dir, "metrics.sock")
	p.write(t, p.text(settings{"agent": `metrics = "unix:` + path + `"`}))
	c := serve(t, p)
	ping(t, p.socket)
	if m := mode(t, path); m != os.ModeSocket|0o660 {
		t.Errorf("mode %v", m)
	}
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", path)
	}}
	defer transport.CloseIdleConnections()
	scrape := func() string {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://agent/metrics", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		res, err := (&http.Client{Transport: transport}).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(body)
	}
	want := []string{
		`parsec_requests_total{operation="Ping",status="Success"} 1`, `parsec_build_info{version="1.2.3-test"`,
		`parsec_provider_up{provider="mbed-crypto-provider",kind="MbedCrypto"} 1`, "parsec_connections ",
	}
	// A request is counted after it was answered.
	for deadline := time.Now().Add(testPatience); !containsAll(scrape(), want); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not all of %q in\n%s", want, scrape())
		}
	}
	c.stop()
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Errorf("the metrics socket is left: %v", err)
	}
}

// TestAuditFile: one record a request, flushed at the stop.
func TestAuditFile(t *testing.T) {
	t.Parallel()
	p := newPlace(t, nil)
	path := filepath.Join(p.dir, "audit.log")
	p.write(t, p.text(settings{"agent": `audit = "` + path + `"`}))
	c := serve(t, p)
	for range 3 {
		ping(t, p.socket)
	}
	c.stop()
	if m := mode(t, path); m != 0o600 {
		t.Errorf("mode %v", m)
	}
	lines := bytes.Split(bytes.TrimSuffix([]byte(read(t, path)), []byte("\n")), []byte("\n"))
	if len(lines) != 3 {
		t.Fatalf("%d records", len(lines))
	}
	for _, line := range lines {
		var rec struct {
			Operation, Result string
			UID, PID          int
		}
		if err := json.Unmarshal(line, &rec); err != nil || rec.Operation != "Ping" || rec.Result != "Success" || rec.UID != os.Getuid() || rec.PID != os.Getpid() {
			t.Errorf("%s: %v", line, err)
		}
	}
}
