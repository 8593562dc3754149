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

// patience is how long a server may take to be ready.
const patience = time.Minute

// maxLog bounds what is kept of a server's log.
const maxLog = 64 << 20

// Process is a server that runs, or was killed.
type Process struct {
	t    testing.TB
	args []string
	cmd  *exec.Cmd
	end  chan struct{} // closed when its output has ended

	mu  sync.Mutex // guards the fields below
	url string
	log bytes.Buffer
}

var ready = regexp.MustCompile(`the server is ready.* address=(\S+)`)

// Start runs parsec-server with arguments until it is ready. It ends with the test, if nothing ends it before.
func Start(t testing.TB, args ...string) *Process {
	t.Helper()
	p := &Process{t: t, args: append([]string{"run", "--port=0"}, args...)}
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
	p.cmd, p.end = exec.Command(program(p.t), p.args...), make(chan struct{})
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
func (p *Process) Kill() { p.stop(syscall.SIGKILL) }

// Stop has it end in order.
func (p *Process) Stop() { p.stop(syscall.SIGTERM) }

func (p *Process) stop(signal syscall.Signal) {
	if p.cmd == nil || p.cmd.Process == nil {
		return
	}
	_ = p.cmd.Process.Signal(signal) // it may have ended
	<-p.end
	_ = p.cmd.Wait() // how is what it was told
}
