// Package tpmtest starts software TPMs for tests: real swtpm processes, each with a state
// directory and a Unix socket of its own, which end with the test.
package tpmtest

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/providers/tpm"
)

// TPM is a software TPM.
type TPM struct {
	// State is the directory of its NVRAM.
	State string

	t    testing.TB
	dir  string
	tcti tpm.TCTI
	mu   sync.Mutex // guards the field below
	proc *exec.Cmd
}

// Start starts a new TPM on a Unix socket; it ends with the test. Without swtpm the test is
// skipped, under CI it fails.
func Start(t testing.TB) *TPM {
	t.Helper()
	v := prepare(t)
	v.tcti = tpm.TCTI{Kind: "swtpm", Path: filepath.Join(v.dir, "s")}
	v.Start()
	return v
}

// StartTCP starts a new TPM on a port of this host, with its control channel on the next
// one, as the original's library wants it.
func StartTCP(t testing.TB) *TPM {
	t.Helper()
	v := prepare(t)
	v.tcti = tpm.TCTI{Kind: "swtpm", Host: "127.0.0.1", Port: freePorts(t)}
	v.Start()
	return v
}

func prepare(t testing.TB) *TPM {
	t.Helper()
	Need(t, "swtpm", "swtpm")
	dir := shortDir(t)
	v := &TPM{State: filepath.Join(dir, "state"), t: t, dir: dir}
	if err := os.Mkdir(v.State, 0o700); err != nil {
		t.Fatal(err)
	}
	return v
}

// Need skips the test where none of the names is that of a program, naming the Debian
// package that has it; under CI the test fails.
func Need(t testing.TB, pkg string, names ...string) {
	t.Helper()
	for _, name := range names {
		if _, err := exec.LookPath(name); err == nil {
			return
		}
	}
	if os.Getenv("CI") != "" {
		t.Fatalf("%s is missing: install the Debian package %s", names[0], pkg)
	}
	t.Skipf("install the Debian package %s", pkg)
}

// shortDir makes a directory for the test: the path of t.TempDir is too long for a socket.
func shortDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "tpm-") //nolint:usetesting // the path of t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func freePorts(t testing.TB) uint16 {
	t.Helper()
	port, err := FreePorts()
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// FreePorts returns a port of this host that is free together with the next one.
func FreePorts() (uint16, error) {
	for range 100 {
		a, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return 0, err
		}
		port := a.Addr().(*net.TCPAddr).AddrPort().Port() //nolint:errcheck,forcetypeassert // of a TCP listener
		b, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(int(port)+1)))
		_ = a.Close() // it was only to be had
		if err == nil {
			_ = b.Close() // likewise
			return port, nil
		}
	}
	return 0, errors.New("no two free ports follow each other")
}

// TCTI is the way to the TPM.
func (v *TPM) TCTI() tpm.TCTI { return v.tcti }

// Command is swtpm on a state directory, to be reached over way.
func Command(state string, way tpm.TCTI) *exec.Cmd {
	args := []string{"socket", "--tpm2", "--tpmstate", "dir=" + state, "--flags", "not-need-init,startup-clear"}
	if way.Path != "" {
		args = append(args, "--server", "type=unixio,path="+way.Path)
	} else {
		args = append(args, "--server", fmt.Sprintf("type=tcp,port=%d", way.Port), "--ctrl", fmt.Sprintf("type=tcp,port=%d", way.Port+1))
	}
	// It must outlive the test's context, which ends before the cleanups.
	return exec.Command("swtpm", args...)
}

// Start starts the process, also again after Stop, on the same state.
func (v *TPM) Start() {
	v.t.Helper()
	if err := os.Remove(v.tcti.Path); v.tcti.Path != "" && err != nil && !errors.Is(err, os.ErrNotExist) {
		v.t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(v.dir, "log"))
	if err != nil {
		v.t.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	p := Command(v.State, v.tcti)
	p.Stdout, p.Stderr = log, log
	if err := p.Start(); err != nil {
		v.t.Fatal(err)
	}
	v.mu.Lock()
	v.proc = p
	v.mu.Unlock()
	v.t.Cleanup(v.Stop)
	if err := Ready(v.tcti); err != nil {
		text, _ := os.ReadFile(log.Name())
		v.t.Fatalf("swtpm does not answer: %v\n%s", err, text)
	}
}

// Ready waits until the TPM takes connections.
func Ready(way tpm.TCTI) error {
	const most = 10 * time.Second
	for end := time.Now().Add(most); ; time.Sleep(5 * time.Millisecond) {
		c, err := Dial(way)
		if err == nil {
			return c.Close()
		}
		if time.Now().After(end) {
			return fmt.Errorf("no socket after %v: %w", most, err)
		}
	}
}

// Stop ends the process as a power failure would; the state stays.
func (v *TPM) Stop() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.proc == nil {
		return
	}
	_ = v.proc.Process.Kill() // it may have ended
	_ = v.proc.Wait()         // killed
	v.proc = nil
}

// Dial opens a connection of a test's own. swtpm serves one connection at a time.
func (v *TPM) Dial() (net.Conn, error) { return Dial(v.tcti) }

// Dial opens a connection to swtpm.
func Dial(way tpm.TCTI) (net.Conn, error) {
	if way.Path != "" {
		return net.Dial("unix", way.Path)
	}
	return net.Dial("tcp", net.JoinHostPort(way.Host, strconv.Itoa(int(way.Port))))
}
