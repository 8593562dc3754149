package ctl_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// person is somebody at a terminal who runs a command.
type person struct {
	t      *testing.T
	master *os.File
	cmd    *exec.Cmd
	mu     sync.Mutex
	seen   bytes.Buffer
	done   chan struct{}
}

// sit runs a command of the tests on a new terminal.
func sit(t *testing.T, dir string, args ...string) *person {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer slave.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = dir, slave, slave, slave
	cmd.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+dir, "GORACE="+noLinger)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &person{t: t, master: master, cmd: cmd, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		buf := make([]byte, 4096)
		for {
			n, err := master.Read(buf)
			p.mu.Lock()
			p.seen.Write(buf[:n])
			p.mu.Unlock()
			if err != nil {
				return // the command has closed the terminal
			}
		}
	}()
	return p
}

// screen returns all that was shown.
func (p *person) screen() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen.String()
}

// see waits until a text is on the screen.
func (p *person) see(text string) {
	p.t.Helper()
	p.until(func(screen string) bool { return strings.Contains(screen, text) })
}

// until waits until the screen is as it is to be.
func (p *person) until(seen func(screen string) bool) {
	p.t.Helper()
	for deadline := time.Now().Add(time.Minute); !seen(p.screen()); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			p.t.Fatalf("what is waited for is not on the screen:\n%s", p.screen())
		}
	}
}

// waitFor waits until a text is on the screen, and types an answer.
func (p *person) waitFor(text, answer string) {
	p.t.Helper()
	p.see(text)
	p.write(answer)
}

// write types a line.
func (p *person) write(line string) {
	p.t.Helper()
	if _, err := p.master.WriteString(line + "\n"); err != nil {
		p.t.Fatal(err)
	}
}

// seeAgain waits until a text is on the screen for the nth time.
func (p *person) seeAgain(text string, n int) {
	p.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); strings.Count(p.screen(), text) < n; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			p.t.Fatalf("%q is not %d times on the screen:\n%s", text, n, p.screen())
		}
	}
}

// leave waits for the end and returns the exit status.
func (p *person) leave() int {
	p.t.Helper()
	_ = p.cmd.Wait() // the status tells
	<-p.done
	_ = p.master.Close()
	return p.cmd.ProcessState.ExitCode()
}

// TestTerminal plays the person: passphrases are asked for without echo, destruction is
// confirmed, binary results come as text.
func TestTerminal(t *testing.T) {
	ts := startAgent(t)
	const secret = "correct horse"
	run := func(args ...string) *person { return sit(t, ts, args...) }

	p := run("parsecctl", "key", "create", "k", "--exportable")
	if p.leave() != 0 {
		t.Fatal(p.screen())
	}
	p = run("parsecctl", "key", "export", "k")
	if got := p.leave(); got != 2 || !strings.Contains(p.screen(), "a private key is not for a terminal") {
		t.Errorf("%d: %s", got, p.screen())
	}
	p = run("parsecctl", "key", "export", "k", "--encrypt", "-o", "k.pem")
	p.waitFor("Passphrase for the key file: ", secret)
	p.waitFor("The same again: ", secret)
	if got := p.leave(); got != 0 || strings.Contains(p.screen(), secret) {
		t.Errorf("%d: %s", got, p.screen())
	}
	p = run("parsecctl", "key", "export", "k", "--encrypt", "-o", "k2.pem")
	p.waitFor("Passphrase for the key file: ", secret)
	p.waitFor("The same again: ", "another")
	if got := p.leave(); got != 1 || !strings.Contains(p.screen(), "the two passphrases differ") {
		t.Errorf("%d: %s", got, p.screen())
	}
	p = run("parsecctl", "key", "import", "again", "k.pem")
	p.waitFor("Passphrase of k.pem: ", secret)
	if got := p.leave(); got != 0 || strings.Contains(p.screen(), secret) {
		t.Errorf("%d: %s", got, p.screen())
	}
	p = run("parsecctl", "key", "sign", "k", "k.pem")
	if got := p.leave(); got != 0 || !strings.HasPrefix(p.screen(), "ME") {
		t.Errorf("%d: %q is not base64", got, p.screen())
	}
	p = run("parsecctl", "key", "delete", "again")
	p.waitFor("Destroy 1 key (again)? [y/N] ", "n")
	if got := p.leave(); got != 1 || !strings.Contains(p.screen(), "nothing was done") {
		t.Errorf("%d: %s", got, p.screen())
	}
	p = run("parsecctl", "key", "delete", "again")
	p.waitFor("[y/N] ", "y")
	if got := p.leave(); got != 0 {
		t.Errorf("%d: %s", got, p.screen())
	}
	p = run("parsecctl", "key", "delete", "--yes", "k")
	if got := p.leave(); got != 0 {
		t.Errorf("%d: %s", got, p.screen())
	}
}

// TestProgressIsShown hashes a file slowly enough to be watched: a pipe that waits.
func TestProgressIsShown(t *testing.T) {
	dir := startAgent(t)
	if p := sit(t, dir, "parsecctl", "key", "create", "k"); p.leave() != 0 {
		t.Fatal(p.screen())
	}
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	p := sit(t, dir, "parsecctl", "key", "sign", "k", "fifo", "-o", "sig")
	w, err := os.OpenFile(fifo, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); !strings.Contains(p.screen(), "hashing "); time.Sleep(10 * time.Millisecond) {
		if _, err := w.Write(make([]byte, 1000)); err != nil || time.Now().After(deadline) {
			t.Fatal(err, p.screen())
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if got := p.leave(); got != 0 || !strings.HasSuffix(p.screen(), "\r\x1b[K") {
		t.Errorf("%d: %q", got, p.screen())
	}
}

// TestInterrupt has the person give up while the command waits for input.
func TestInterrupt(t *testing.T) {
	dir := startAgent(t)
	p := sit(t, dir, "parsecctl", "key", "create", "k", "--exportable")
	if p.leave() != 0 {
		t.Fatal(p.screen())
	}
	p = sit(t, dir, "parsecctl", "key", "export", "k", "--encrypt", "-o", "k.pem")
	p.waitFor("Passphrase for the key file: ", "half a secret")
	p.see("The same again: ")
	if _, err := p.master.WriteString("half\x03"); err != nil {
		t.Fatal(err)
	}
	if got := p.leave(); got != 1 || !strings.Contains(p.screen(), "interrupt") || strings.Contains(p.screen(), "half") {
		t.Errorf("exit status %d: %s", got, p.screen())
	}
	if _, err := os.Stat(filepath.Join(dir, "k.pem")); err == nil {
		t.Error("a file was written")
	}
}
