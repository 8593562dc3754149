package cardtest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/tokentest"
)

const (
	program   = "/usr/sbin/pcscd"
	driverDir = "/usr/lib/pcsc/drivers/serial"
	driver    = "libifdvpcd.so"
	// socketVariable is where programs that use PC/SC look for the socket.
	socketVariable = "PCSCLITE_CSOCK_NAME"
)

// Daemon is a pcscd for one test.
type Daemon struct {
	tb      testing.TB
	dir     string // short, for the name of a socket has at most 107 bytes
	readers map[string]*Reader
	output  *output

	mu    sync.Mutex // guards the fields below
	cmd   *exec.Cmd  // nil when it does not run
	leash *os.File   // the end of the pipe that it hangs on
}

// Start starts pcscd with the readers, under the names by which libraries know them, and
// points this process and those that it starts at it. It ends with the test. Tests that use
// it cannot run in parallel in one process.
func Start(tb testing.TB, readers map[string]*Reader) *Daemon {
	tb.Helper()
	tokentest.Need(tb, "pcscd", program)
	tokentest.Need(tb, "vsmartcard-vpcd", filepath.Join(driverDir, driver))
	tokentest.Need(tb, "mount", "mount")
	tokentest.Need(tb, "util-linux", "unshare")
	needNamespace(tb)
	dir, err := os.MkdirTemp("", "pcscd-") //nolint:usetesting // its name is too long for a socket
	if err == nil {
		err = os.Chmod(dir, 0o755) // for agents that run as other users
	}
	if err != nil {
		tb.Fatal(err)
	}
	d := &Daemon{tb: tb, dir: dir, readers: readers, output: &output{}}
	tb.Cleanup(func() {
		d.Stop()
		_ = os.RemoveAll(dir)
		if tb.Failed() {
			tb.Logf("pcscd said:\n%s", d.output.tail())
		}
	})
	for _, sub := range []string{"run", "conf"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o755); err != nil {
			tb.Fatal(err)
		}
	}
	if t, ok := tb.(interface{ Setenv(key, value string) }); ok {
		t.Setenv(socketVariable, d.socket())
	}
	d.Start()
	return d
}

// namespace are the arguments of unshare for a mount namespace.
func namespace(program ...string) []string {
	args := []string{"--mount", "--propagation", "private"}
	if os.Geteuid() != 0 {
		args = append([]string{"--user", "--map-root-user"}, args...)
	}
	return append(args, program...)
}

// needNamespace skips the test where this process may not have a mount namespace.
func needNamespace(tb testing.TB) {
	tb.Helper()
	out, err := exec.CommandContext(tb.Context(), "unshare", namespace("true")...).CombinedOutput()
	switch {
	case err == nil:
	case os.Getenv("CI") != "":
		tb.Fatalf("a mount namespace takes root or unprivileged user namespaces: %v: %s", err, out)
	default:
		tb.Skipf("a mount namespace takes root or unprivileged user namespaces: %v: %s", err, out)
	}
}

// Env is the variable that points a program at this pcscd.
func (d *Daemon) Env() string { return socketVariable + "=" + d.socket() }

func (d *Daemon) socket() string { return filepath.Join(d.dir, "run", "pcscd", "pcscd.comm") }

// script starts pcscd where /run is its own, and where the only driver is the one for
// virtual cards: it shall not take real readers from the machine's pcscd. It is killed
// when the pipe at descriptor 3 is closed, also by the end of this process.
const script = `mount -n --bind "$1/run" /run
mount -n --bind ` + driverDir + ` /usr/lib/pcsc/drivers
case "$(` + program + ` --help)" in *--disable-polkit*) polkit=--disable-polkit ;; *) polkit= ;; esac
{ cat <&3 >/dev/null; kill -9 $$; } &
exec ` + program + ` 3<&- --foreground --config "$1/conf" $polkit`

// Start starts pcscd after Stop.
func (d *Daemon) Start() {
	d.tb.Helper()
	const tries = 16 // somebody else may take a port before the driver does
	var err error
	for range tries {
		if err = d.start(); err == nil {
			return
		}
		d.Stop()
	}
	d.tb.Fatalf("pcscd does not start: %v\n%s", err, d.output.tail())
}

func (d *Daemon) start() error {
	ports, err := d.configure()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(context.WithoutCancel(d.tb.Context()), "unshare", namespace("sh", "-euc", script, "sh", d.dir)...)
	cmd.Stdout, cmd.Stderr = d.output, d.output
	end, leash, err := os.Pipe()
	if err != nil {
		return err
	}
	cmd.ExtraFiles = []*os.File{end}
	err = cmd.Start()
	_ = end.Close() // pcscd has its own
	if err != nil {
		_ = leash.Close()
		return err
	}
	d.mu.Lock()
	d.cmd, d.leash = cmd, leash
	d.mu.Unlock()
	const limit = 20 * time.Second
	if err := d.await(limit); err != nil {
		return err
	}
	for name, r := range d.readers {
		for i := range Slots {
			if !listens(cmd.Process.Pid, ports[name]+i) {
				return fmt.Errorf("the driver does not listen on port %d", ports[name]+i)
			}
		}
		r.attach(ports[name])
	}
	return nil
}

// configure writes the list of readers, with ports that are free.
func (d *Daemon) configure() (map[string]int, error) {
	ports := map[string]int{}
	var text strings.Builder
	for name := range d.readers {
		port, err := freePorts(Slots)
		if err != nil {
			return nil, err
		}
		ports[name] = port
		fmt.Fprintf(&text, "FRIENDLYNAME %q\nDEVICENAME /dev/null:%d\nLIBPATH %s\nCHANNELID %d\n",
			name, port, filepath.Join(filepath.Dir(driverDir), driver), port)
	}
	return ports, os.WriteFile(filepath.Join(d.dir, "conf", "readers"), []byte(text.String()), 0o600)
}

// await waits until pcscd takes connections: it does when its readers are ready.
func (d *Daemon) await(limit time.Duration) error {
	deadline := time.Now().Add(limit)
	for {
		conn, err := net.Dial("unix", d.socket())
		if err == nil {
			return conn.Close()
		}
		if time.Now().After(deadline) {
			return err
		}
		time.Sleep(5 * time.Millisecond) // between tries
	}
}

// Stop ends pcscd at once, as a crash would.
func (d *Daemon) Stop() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.cmd == nil {
		return
	}
	for _, r := range d.readers {
		r.attach(0)
	}
	_ = d.leash.Close()
	err := d.cmd.Wait()
	if _, ended := errors.AsType[*exec.ExitError](err); err != nil && !ended {
		d.tb.Errorf("pcscd: %v", err)
	}
	d.cmd = nil
	_ = os.RemoveAll(filepath.Join(d.dir, "run", "pcscd")) // a crash leaves the socket
}

// output keeps what pcscd says.
type output struct {
	mu sync.Mutex
	b  []byte
}

const maxOutput = 1 << 20

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.b) < maxOutput {
		o.b = append(o.b, b...)
	}
	return len(b), nil
}

func (o *output) tail() string {
	const most = 4000
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.b[max(0, len(o.b)-most):])
}
