package host

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-73b3884f/parsec-agent/agentd/agentdtest"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/psa/psapb"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// dial opens a persistent connection.
func dial(t *testing.T, socket string) *kept {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(testPatience)); err != nil {
		t.Fatal(err)
	}
	unixConn, ok := conn.(*net.UnixConn)
	if !ok {
		t.Fatalf("%T", conn)
	}
	return &kept{t, unixConn, wire.NewReader(conn, 1<<20)}
}

type kept struct {
	t      *testing.T
	conn   *net.UnixConn
	reader *wire.Reader
}

func (k *kept) ping() {
	k.t.Helper()
	if _, err := k.conn.Write(wire.Header{Opcode: wire.OpPing, Flags: wire.FlagPersistent}.Append(nil)); err != nil {
		k.t.Fatal(err)
	}
	if h, _, err := k.reader.ReadResponse(); err != nil || h.Status != wire.StatusSuccess {
		k.t.Fatalf("%v %v", h.Status, err)
	}
}

func TestReload(t *testing.T) {
	t.Parallel()
	p := newPlace(t, settings{"core": `log_level = "warn"`})
	c := serve(t, p)
	before := inode(t, p.socket)
	k := dial(t, p.socket)
	k.ping()

	started := time.Now()
	p.write(t, p.text(settings{"core": "log_level = \"debug\"\nbody_len_limit = 10\nlog_timestamp = true"}))
	c.signal(syscall.SIGHUP)
	m := c.expect("RELOADING=1", "MONOTONIC_USEC=")
	c.expect("READY=1", "STATUS=serving "+p.socket)
	checkMonotonic(t, m, started)
	c.logged("[INFO  parsec] configuration_reloaded config="+p.config, "[WARN  parsec] restart_needed setting=core_settings.log_timestamp")
	k.ping()
	// The new limit holds for new connections.
	if got := send(t, p.socket, wire.Request{Header: wire.Header{Opcode: wire.OpPing}, Body: make([]byte, 11)}); got != wire.StatusBodySizeExceedsLimit {
		t.Errorf("status %v", got)
	}

	bad := p.text(settings{"core": "log_level = \"loud\"", "agent": "audit = \"x\""})
	p.write(t, bad)
	c.signal(syscall.SIGHUP)
	c.expect("RELOADING=1")
	c.expect("READY=1", "STATUS=the old configuration stays, reload failed: "+p.config+":3: core_settings.log_level", "; "+p.config+":20: agent.audit")
	c.logged("[ERROR parsec] reload_failed error=", "core_settings.log_level", "agent.audit")

	// What parses and cannot be opened changes nothing either.
	p.write(t, strings.Replace(p.text(settings{"core": "log_level = \"off\""}), "/kim/kim.sqlite3", "/config.toml/kim", 1))
	c.signal(syscall.SIGHUP)
	c.expect("READY=1", "STATUS=the old configuration stays, reload failed: cannot open key manager")
	if err := os.Remove(p.config); err != nil {
		t.Fatal(err)
	}
	c.signal(syscall.SIGHUP)
	c.expect("READY=1", "STATUS=the old configuration stays, reload failed: cannot read the configuration")
	k.ping()
	ping(t, p.socket)
	if inode(t, p.socket) != before {
		t.Error("the socket was made anew")
	}
	p.write(t, strings.Replace(p.text(nil), "parsec.sock", "other.sock", 1))
	c.signal(syscall.SIGHUP)
	c.expect("READY=1", "STATUS=serving "+p.socket)
	c.logged("restart_needed setting=listener.socket_path")
	k.ping()
	c.stop()
}

// checkMonotonic holds the time of a reload against the clock that the service manager uses.
func checkMonotonic(t *testing.T, message string, started time.Time) {
	t.Helper()
	m := regexp.MustCompile(`MONOTONIC_USEC=(\d+)`).FindStringSubmatch(message)
	usec, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		t.Fatal(err)
	}
	ago := time.Duration(now.Nano()) - time.Duration(usec)*time.Microsecond
	if ago < 0 || ago > time.Since(started)+time.Second {
		t.Errorf("the time of the reload is %v ago", ago)
	}
}

// send makes one request of the original's kind and returns the status.
func send(t *testing.T, socket string, r wire.Request) wire.Status {
	t.Helper()
	k := dial(t, socket)
	k.write(r)
	h, _, err := k.reader.ReadResponse()
	if err != nil {
		t.Fatal(err)
	}
	return h.Status
}

func (k *kept) write(r wire.Request) {
	k.t.Helper()
	h := r.Header
	h.BodyLen, h.AuthLen = uint32(len(r.Body)), uint16(len(r.Auth))
	if _, err := k.conn.Write(append(append(h.Append(nil), r.Body...), r.Auth...)); err != nil {
		k.t.Fatal(err)
	}
}

// TestReloadsCoalesce: any number of signals leads to a reload that began after the last.
func TestReloadsCoalesce(t *testing.T) {
	t.Parallel()
	p := newPlace(t, nil)
	c := serve(t, p)
	for range 20 {
		c.signal(syscall.SIGHUP)
	}
	c.logged("configuration_reloaded")
	path := filepath.Join(p.dir, "audit.log")
	p.write(t, p.text(settings{"agent": `audit = "` + path + `"`}))
	c.signal(syscall.SIGHUP)
	for deadline := time.Now().Add(testPatience); ; time.Sleep(time.Millisecond) {
		if _, err := os.Stat(path); err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the last configuration was not loaded")
		}
	}
	c.stop()
}

// TestAuditRotation: the path is opened anew, and no record is lost.
func TestAuditRotation(t *testing.T) {
	t.Parallel()
	p := newPlace(t, nil)
	path := filepath.Join(p.dir, "audit.log")
	p.write(t, p.text(settings{"agent": `audit = "` + path + `"`}))
	c := serve(t, p)
	ping(t, p.socket)
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	ping(t, p.socket)
	// The record follows the answer.
	for deadline := time.Now().Add(testPatience); strings.Count(read(t, path+".1"), "\n") < 2; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the records do not come")
		}
	}
	c.signal(syscall.SIGHUP)
	c.expect("RELOADING=1")
	c.expect("READY=1")
	ping(t, p.socket)
	c.stop()
	if old, now := strings.Count(read(t, path+".1"), "\n"), strings.Count(read(t, path), "\n"); old != 2 || now != 1 {
		t.Errorf("%d records in the old file, %d in the new one", old, now)
	}
}

// TestStopFinishesRequests: a request that is at work when the stop begins is answered.
func TestStopFinishesRequests(t *testing.T) {
	t.Parallel()
	p := newPlace(t, nil)
	c := serve(t, p)
	k := dial(t, p.socket)
	idle := dial(t, p.socket)
	idle.ping()
	body, err := psa.Marshal(&psapb.GenerateKey{KeyName: "slow", Attributes: slowKey(t)})
	if err != nil {
		t.Fatal(err)
	}
	k.write(wire.Request{
		Header: wire.Header{Opcode: wire.OpGenerateKey, Provider: wire.ProviderMbedCrypto, AuthType: wire.AuthUnixPeer},
		Body:   body, Auth: wire.AppendUID(nil, uint32(os.Getuid())),
	})
	k.awaitTaken()
	c.signal(syscall.SIGTERM)
	c.expect("STOPPING=1")
	if _, err := (&net.Dialer{}).DialContext(t.Context(), "unix", p.socket); err == nil {
		t.Log("the kernel still took a connection") // accepted before the listener was closed
	}
	h, _, err := k.reader.ReadResponse()
	if err != nil || h.Status != wire.StatusSuccess {
		t.Errorf("%v, %v", h.Status, err)
	}
	if _, _, err := idle.reader.ReadResponse(); err == nil {
		t.Error("an idle connection was not closed")
	}
	if code := c.end(); code != 0 {
		t.Errorf("exit status %d", code)
	}
	if !strings.Contains(c.out.String(), `"operation":"PsaGenerateKey"`) {
		t.Errorf("the record of the last request is lost\n%s", c.out.String())
	}
}

// slowKey is a key that takes long enough to be at work when a signal arrives, and on a
// busy machine less than the time that requests have to finish.
func slowKey(t *testing.T) *psapb.KeyAttributes {
	t.Helper()
	m, err := psa.EncodeAttributes(psa.Attributes{
		Type: psa.KeyRSAPair, Bits: 2048, Usage: psa.UsageSignHash, Alg: psa.Algorithm{Kind: psa.AlgRSAPKCS1v15Sign, Hash: psa.HashSHA256},
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// awaitTaken waits until the agent has read everything that was written.
func (k *kept) awaitTaken() {
	k.t.Helper()
	raw, err := k.conn.SyscallConn()
	if err != nil {
		k.t.Fatal(err)
	}
	for deadline := time.Now().Add(testPatience); ; time.Sleep(time.Millisecond) {
		var unread int
		var ioctlErr error
		if err := raw.Control(func(fd uintptr) { unread, ioctlErr = unix.IoctlGetInt(int(fd), unix.TIOCOUTQ) }); err != nil || ioctlErr != nil {
			k.t.Fatal(err, ioctlErr)
		}
		if unread == 0 {
			return
		}
		if time.Now().After(deadline) {
			k.t.Fatalf("%d bytes are not read", unread)
		}
	}
}

func TestWatchdogPings(t *testing.T) {
	t.Parallel()
	p := newPlace(t, nil)
	c := newChild(t, "-c", p.config)
	c.Env = append(c.Env, "WATCHDOG_USEC=100000")
	c.start().expect("READY=1")
	for range 3 {
		c.expect("WATCHDOG=1")
	}
	c.stop()
}

// wakeups returns how often the threads of a process went to sleep so far.
func wakeups(t *testing.T, pid int) (n int) {
	t.Helper()
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	if err != nil || len(files) == 0 {
		t.Fatalf("no threads: %v", err)
	}
	for _, f := range files {
		m := regexp.MustCompile(`(?m)^voluntary_ctxt_switches:\t(\d+)$`).FindStringSubmatch(read(t, f))
		count, err := strconv.Atoi(m[1])
		if err != nil {
			t.Fatal(err)
		}
		n += count
	}
	return n
}

// TestIdleSleeps: an agent that nobody asks does not run, with an idle connection and after
// requests. It looks at the program without the race detector, which has a clock of its own.
func TestIdleSleeps(t *testing.T) {
	t.Parallel()
	dir := agentdtest.Dir(t)
	brief := strings.Replace(agentdtest.Config(dir), "timeout = 5000", "timeout = 200", 1)
	a := agentdtest.Start(t, agentdtest.Options{Dir: dir, Config: brief, Plain: true})
	k := dial(t, a.Socket)
	k.ping()
	// The deadlines of the ping run out within 6 s, and on a busy machine threads and garbage
	// collection take their time to settle; what wakes up regularly spoils all stretches.
	const stretch, stretches = 6 * time.Second, 4
	for range stretches {
		before := wakeups(t, a.PID())
		time.Sleep(stretch)
		n := wakeups(t, a.PID()) - before
		if n == 0 {
			k.ping()
			return
		}
		t.Logf("%d wake-ups in %v", n, stretch)
	}
	t.Error("the idle agent does not sleep")
}

// TestStopDuringStart: a stop that comes before READY is an orderly one too.
func TestStopDuringStart(t *testing.T) {
	t.Parallel()
	p := newPlace(t, nil)
	// Nobody answers on the endpoint: the start waits for it.
	ln := listenUnix(t, filepath.Join(p.dir, "workload.sock"))
	p.write(t, p.text(nil)+fmt.Sprintf("[[agent.authenticator]]\nauth_type = \"JwtSvid\"\nworkload_endpoint = \"unix://%s\"\n", ln.Addr()))
	c := newChild(t, "-c", p.config).start()
	conn, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	c.signal(syscall.SIGTERM)
	if code := c.end(); code != 0 || strings.Contains(c.out.String(), "Error") {
		t.Errorf("exit status %d, %s", code, c.out.String())
	}
	if _, err := os.Lstat(p.socket); !os.IsNotExist(err) {
		t.Errorf("the socket is left: %v", err)
	}
}
