package tpmtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/providers/tpm"
	"github.com/seed-73b3884f/parsec-agent/providers/tpm/internal/bus"
)

// Bus is a message bus of a test's own: a dbus-daemon, which DBUS_SESSION_BUS_ADDRESS names
// for this process and those that it starts. Tests that use it cannot run in parallel.
type Bus struct {
	// Socket is where it listens, Address how D-Bus writes that.
	Socket, Address string

	t      testing.TB
	daemon process
	dir    string
}

const busConfig = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path=%s</listen>
  <auth>EXTERNAL</auth>
  <policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy>
</busconfig>
`

// StartBus starts a bus; it ends with the test. Without dbus-daemon the test is skipped,
// under CI it fails.
func StartBus(t testing.TB) *Bus {
	t.Helper()
	Need(t, "dbus-daemon", "dbus-daemon")
	dir := shortDir(t)
	b := &Bus{Socket: filepath.Join(dir, "bus"), t: t, dir: dir}
	b.Address = "unix:path=" + b.Socket
	config := filepath.Join(dir, "bus.conf")
	if err := os.WriteFile(config, fmt.Appendf(nil, busConfig, b.Socket), 0o600); err != nil {
		t.Fatal(err)
	}
	b.daemon.start(t, filepath.Join(dir, "bus.log"), "dbus-daemon", "--config-file="+config, "--nofork")
	t.Cleanup(b.daemon.stop)
	b.daemon.await(t, func() error { return b.call(bus.Method{}) })
	if e, ok := t.(interface{ Setenv(key, value string) }); ok {
		e.Setenv("DBUS_SESSION_BUS_ADDRESS", b.Address)
	}
	return b
}

// call says hello and, where a method is named, calls it.
func (b *Bus) call(m bus.Method) error {
	c, err := bus.Dial(b.t.Context(), []string{b.Socket})
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	if m.Member == "" {
		return nil
	}
	files, err := c.Call(b.t.Context(), m)
	for _, f := range files {
		_ = f.Close() // it was only to be had
	}
	return err
}

// Broker is a tpm2-abrmd on a bus of its own, before a software TPM.
type Broker struct {
	Bus *Bus
	TPM *TPM

	t      testing.TB
	broker process
}

const brokerName = "com.intel.tss2.Tabrmd"

// StartBroker starts TPM, bus and broker; they end with the test. Without one of them the
// test is skipped, under CI it fails.
func StartBroker(t testing.TB) *Broker {
	t.Helper()
	Need(t, "tpm2-abrmd", "tpm2-abrmd", "/usr/sbin/tpm2-abrmd")
	r := &Broker{TPM: StartTCP(t), Bus: StartBus(t), t: t}
	r.Start()
	t.Cleanup(r.Stop)
	return r
}

// TCTI is the way through the broker.
func (r *Broker) TCTI() tpm.TCTI {
	return tpm.TCTI{Kind: "tabrmd", BusName: brokerName, BusType: "session"}
}

// Start starts the broker, also again after Stop, and waits until it gives connections.
func (r *Broker) Start() {
	r.t.Helper()
	path, err := exec.LookPath("tpm2-abrmd")
	if err != nil {
		path = "/usr/sbin/tpm2-abrmd" // which is not in everybody's PATH
	}
	way := r.TPM.TCTI()
	r.broker.start(r.t, filepath.Join(r.Bus.dir, "broker.log"), path, "--session", "--allow-root", "--flush-all",
		"--dbus-name="+brokerName, fmt.Sprintf("--tcti=swtpm:host=%s,port=%d", way.Host, way.Port))
	r.broker.await(r.t, func() error {
		return r.Bus.call(bus.Method{Destination: brokerName, Path: "/com/intel/tss2/Tabrmd/Tcti", Interface: "com.intel.tss2.TctiTabrmd", Member: "CreateConnection"})
	})
}

// Stop kills the broker: all its connections break.
func (r *Broker) Stop() { r.broker.stop() }

// process is a program that runs beside a test.
type process struct {
	cmd  *exec.Cmd // nil when it does not run
	log  string
	ends chan struct{} // closed when it has ended
}

func (p *process) start(t testing.TB, log, name string, args ...string) {
	t.Helper()
	out, err := os.Create(log)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = out.Close() }()
	// It must outlive the test's context, which ends before the cleanups.
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	p.cmd, p.log, p.ends = cmd, log, ended
	go func() {
		_ = cmd.Wait() // how it ended does not matter
		close(ended)
	}()
}

// await waits until the program does what it is for.
func (p *process) await(t testing.TB, ready func() error) {
	t.Helper()
	const most = 20 * time.Second
	for end := time.Now().Add(most); ; time.Sleep(10 * time.Millisecond) {
		err := ready()
		if err == nil {
			return
		}
		ended := false
		select {
		case <-p.ends:
			ended = true
		default:
		}
		if ended || time.Now().After(end) {
			text, _ := os.ReadFile(p.log)
			t.Fatalf("%s does not answer (ended: %v): %v\n%s", p.cmd.Path, ended, err, text)
		}
	}
}

// stop kills the program and waits for its end.
func (p *process) stop() {
	if p.cmd == nil {
		return
	}
	_ = p.cmd.Process.Kill() // it may have ended
	<-p.ends
	p.cmd = nil
}
