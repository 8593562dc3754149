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
	"sync"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/providers/tpm"
)

// TPM is a software TPM.
type TPM struct {
	// State is the directory of its NVRAM, Socket its data channel.
	State, Socket string

	t    *testing.T
	dir  string
	mu   sync.Mutex // guards the field below
	proc *exec.Cmd
}

// Start starts a new TPM that ends with the test. Without swtpm the test is skipped, under
// CI it fails.
func Start(t *testing.T) *TPM {
	t.Helper()
	if _, err := exec.LookPath("swtpm"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("swtpm is missing: install the Debian package swtpm")
		}
		t.Skip("install the Debian package swtpm")
	}
	dir, err := os.MkdirTemp("/tmp", "tpm-") //nolint:usetesting // the path of t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	v := &TPM{State: filepath.Join(dir, "state"), Socket: filepath.Join(dir, "s"), t: t, dir: dir}
	if err := os.Mkdir(v.State, 0o700); err != nil {
		t.Fatal(err)
	}
	v.Start()
	return v
}

// TCTI is the way to the TPM.
func (v *TPM) TCTI() tpm.TCTI { return tpm.TCTI{Kind: "swtpm", Path: v.Socket} }

// Start starts the process, also again after Stop, on the same state.
func (v *TPM) Start() {
	v.t.Helper()
	if err := os.Remove(v.Socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		v.t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(v.dir, "log"))
	if err != nil {
		v.t.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	//nolint:gosec // swtpm with paths of our own; it must outlive t.Context, which ends before the cleanups
	p := exec.Command("swtpm", "socket", "--tpm2", "--tpmstate", "dir="+v.State, "--server", "type=unixio,path="+v.Socket,
		"--flags", "not-need-init,startup-clear")
	p.Stdout, p.Stderr = log, log
	if err := p.Start(); err != nil {
		v.t.Fatal(err)
	}
	v.mu.Lock()
	v.proc = p
	v.mu.Unlock()
	v.t.Cleanup(v.Stop)
	if err := v.ready(); err != nil {
		text, _ := os.ReadFile(log.Name())
		v.t.Fatalf("swtpm does not answer: %v\n%s", err, text)
	}
}

// ready waits until the socket takes connections.
func (v *TPM) ready() error {
	const most = 10 * time.Second
	for end := time.Now().Add(most); ; time.Sleep(5 * time.Millisecond) {
		c, err := v.Dial()
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
func (v *TPM) Dial() (net.Conn, error) { return net.Dial("unix", v.Socket) }

// Memory is a RootStore in memory.
type Memory struct {
	mu sync.Mutex // guards the field below
	id []byte
}
