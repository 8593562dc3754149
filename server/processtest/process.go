package processtest

import (
	"bufio"
	"bytes"
	"io"
	"os/exec"
	"regexp"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long a server may take to be ready, and to end.
const patience = time.Minute

// maxLog bounds what is kept of a server's log.
const maxLog = 64 << 20

// Process is a server that runs, or was killed.
type Process struct {
	t       testing.TB
	command func() *exec.Cmd
	cmd     *exec.Cmd
	end     chan struct{} // closed when its output has ended

	mu  sync.Mutex // guards the fields below
	url string
	log bytes.Buffer
}

var ready = regexp.MustCompile(`the server is ready.* address=(\S+)`)

// Start runs parsec-server with arguments until it is ready. It ends with the test, if nothing ends it before.
func Start(t testing.TB, args ...string) *Process {
	t.Helper()
	return Run(t, func() *exec.Cmd { return exec.Command(program(t), append([]string{"run", "--port=0"}, args...)...) })
}

// Run is Start for any command that runs the server.
func Run(t testing.TB, command func() *exec.Cmd) *Process {
	t.Helper()
	p := &Process{t: t, command: command}
	t.Cleanup(func() {
		p.Kill()
		if t.Failed() {
			all := p.Log()
			t.Logf("the last words of the server:\n%s", all[max(0, len(all)-4096):])
		}
	})
	p.Again()
	return p
}

// Again starts it once more, on another port.
func (p *Process) Again() {
	p.t.Helper()
	p.cmd, p.end = p.command(), make(chan struct{})
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := p.cmd.StderrPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	found := make(chan string, 1)
	go p.read(out, found, p.end)
	select {
	case address := <-found:
		p.mu.Lock()
		p.url = "http://" + address
		p.mu.Unlock()
	case <-p.end:
		p.t.Fatalf("the server ended before it was ready: %s", p.Log())
	case <-time.After(patience):
		p.t.Fatal("the server is not ready")
	}
}

func (p *Process) read(out io.Reader, found chan<- string, end chan<- struct{}) {
	defer close(end)
	for lines := bufio.NewReader(out); ; {
		line, err := lines.ReadString('\n')
		p.mu.Lock()
		if p.log.Len() < maxLog {
			p.log.WriteString(line)
		}
		p.mu.Unlock()
		if m := ready.FindStringSubmatch(line); m != nil {
			found <- m[1]
		}
		if err != nil {
			return
		}
	}
}

// URL is where it answers, or last did.
func (p *Process) URL() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.url
}

// Log is what it wrote.
func (p *Process) Log() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// Kill ends it as the kernel does when memory is short.
func (p *Process) Kill() {
	p.t.Helper()
	p.stop(syscall.SIGKILL)
}

// Stop has it end in order, and returns with what status it did.
func (p *Process) Stop() int {
	p.t.Helper()
	return p.stop(syscall.SIGTERM)
}

func (p *Process) stop(signal syscall.Signal) int {
	p.t.Helper()
	if p.cmd == nil || p.cmd.Process == nil {
		return 0
	}
	_ = p.cmd.Process.Signal(signal) // it may have ended
	select {
	case <-p.end:
	case <-time.After(patience):
		p.t.Fatal("the server does not end")
	}
	_ = p.cmd.Wait() // the status says it
	return p.cmd.ProcessState.ExitCode()
}
