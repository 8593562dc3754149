package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/agentd/agentdtest"
)

// childVariable makes the test binary be the program.
const childVariable = "PARSEC_HOST_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		os.Exit(Main(context.Background(), os.Args[1:], "1.2.3-test", os.Stdout, os.Stderr))
	}
	os.Exit(agentdtest.Main(m))
}

// patience bounds every wait for something that must happen.
const testPatience = 20 * time.Second

// place is a directory for one agent, with its configuration.
type place struct{ dir, socket, config string }

// settings are lines to add to tables of the configuration.
type settings map[string]string

func newPlace(t *testing.T, s settings) *place {
	t.Helper()
	dir := agentdtest.Dir(t)
	p := &place{dir: dir, socket: filepath.Join(dir, "parsec.sock"), config: filepath.Join(dir, "config.toml")}
	p.write(t, p.text(s))
	return p
}

func (p *place) text(s settings) string {
	return fmt.Sprintf(`[core_settings]
allow_root = true
%s
[listener]
listener_type = "DomainSocket"
timeout = 5000
socket_path = "%s"
[authenticator]
auth_type = "UnixPeerCredentials"
[[key_manager]]
name = "kim"
manager_type = "SQLite"
sqlite_db_path = "%s/kim/kim.sqlite3"
[[provider]]
provider_type = "MbedCrypto"
key_info_manager = "kim"
%s
[agent]
admin_groups = []
%s
`, s["core"], p.socket, p.dir, s["provider"], s["agent"])
}

func (p *place) write(t *testing.T, text string) {
	t.Helper()
	if err := os.WriteFile(p.config, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// child is the program as a process, or a process that is to become it.
type child struct {
	*exec.Cmd
	t      *testing.T
	out    output
	notify chan string
	done   chan struct{}
	err    error
}

// output is what a process wrote.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// newChild prepares the program with a service manager that listens to it.
func newChild(t *testing.T, args ...string) *child {
	t.Helper()
	c := &child{Cmd: exec.CommandContext(t.Context(), "/proc/self/exe", args...), t: t, notify: make(chan string, 100), done: make(chan struct{})}
	path := filepath.Join(agentdtest.Dir(t), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	go func() {
		defer close(c.notify)
		b := make([]byte, 8192)
		for {
			n, err := conn.Read(b)
			if err != nil {
				return
			}
			c.notify <- string(b[:n])
		}
	}()
	c.Env = []string{childVariable + "=1", "NOTIFY_SOCKET=" + path, "GORACE=halt_on_error=1", "HOME=/nonexistent"}
	c.Stdout, c.Stderr = &c.out, &c.out
	c.WaitDelay = testPatience
	c.SysProcAttr = &syscall.SysProcAttr{}
	return c
}

// somebody is a user that is not root; it need not exist.
const somebody = 1000

// unprivileged makes the child run as somebody.
func (c *child) unprivileged() *child {
	c.SysProcAttr.Credential = &syscall.Credential{Uid: somebody, Gid: somebody}
	return c
}

func (c *child) start() *child {
	c.t.Helper()
	if err := c.Start(); err != nil {
		c.t.Fatal(err)
	}
	go func() {
		c.err = c.Wait()
		close(c.done)
	}()
	c.t.Cleanup(func() {
		_ = c.Process.Kill()
		<-c.done
		if c.t.Failed() {
			c.t.Logf("the process wrote:\n%s", c.out.String())
		}
	})
	return c
}

// expect waits for a message of the child that holds all the texts, and returns it.
func (c *child) expect(texts ...string) string {
	c.t.Helper()
	timeout := time.After(testPatience)
	done := c.done
	for {
		select {
		case m := <-c.notify:
			if containsAll(m, texts) {
				return m
			}
		case <-done: // what it sent last may still be on its way to this test
			done, timeout = nil, time.After(time.Second)
		case <-timeout:
			if done == nil {
				c.t.Fatalf("the process ended before it sent %q: %v\n%s", texts, c.err, c.out.String())
			}
			c.t.Fatalf("the process did not send %q\n%s", texts, c.out.String())
		}
	}
}

func containsAll(s string, texts []string) bool {
	for _, text := range texts {
		if !strings.Contains(s, text) {
			return false
		}
	}
	return true
}

func (c *child) signal(s os.Signal) {
	c.t.Helper()
	if err := c.Process.Signal(s); err != nil {
		c.t.Fatal(err)
	}
}

// end waits for the end and returns the exit status.
func (c *child) end() int {
	c.t.Helper()
	select {
	case <-c.done:
	case <-time.After(testPatience):
		c.t.Fatalf("the process does not end\n%s", c.out.String())
	}
	if exit, ok := errors.AsType[*exec.ExitError](c.err); ok {
		return exit.ExitCode()
	}
	if c.err != nil {
		c.t.Fatal(c.err)
	}
	return 0
}

// stop ends the child in an orderly way.
func (c *child) stop() {
	c.t.Helper()
	c.signal(syscall.SIGTERM)
	c.expect("STOPPING=1")
	if code := c.end(); code != 0 {
		c.t.Errorf("exit status %d", code)
	}
}

// logged waits until the log holds all the texts.
func (c *child) logged(texts ...string) {
	c.t.Helper()
	for deadline := time.Now().Add(testPatience); !containsAll(c.out.String(), texts); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			c.t.Fatalf("%q is not in the log\n%s", texts, c.out.String())
		}
	}
}

// serve starts an agent at a place and waits until it is ready.
func serve(t *testing.T, p *place, args ...string) *child {
	t.Helper()
	c := newChild(t, append([]string{"-c", p.config}, args...)...).start()
	c.expect("READY=1", "STATUS=serving "+p.socket)
	return c
}

func ping(t *testing.T, socket string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testPatience)
	defer cancel()
	if err := agentdtest.Ping(ctx, socket); err != nil {
		t.Error(err)
	}
}

// needRoot skips what takes root; in continuous integration tests run as root.
func needRoot(t *testing.T) {
	t.Helper()
	if os.Getuid() == 0 {
		return
	}
	if os.Getenv("CI") != "" {
		t.Fatal("this test needs root")
	}
	t.Skip("this test needs root to start processes of other users")
}

// inode returns the identity of a file.
func inode(t *testing.T, path string) fileID {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	id, _ := identify(info)
	return id
}

func mode(t *testing.T, path string) os.FileMode {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode()
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
