package command_test

import (
	"bufio"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/server/command"
	"github.com/seed-73b3884f/parsec-agent/server/pgtest"
)

// asProgram makes the test program the server itself, with the arguments that the variable has.
const asProgram = "PARSEC_SERVER_TEST_ARGUMENTS"

func TestMain(m *testing.M) {
	if args := os.Getenv(asProgram); args != "" {
		os.Exit(command.Main(strings.Split(args, "\n"), "test"))
	}
	pgtest.Exit(m.Run())
}

// process is a server that runs.
type process struct {
	cmd *exec.Cmd
	url string
	end chan struct{} // closed when its output has ended
	// said is the log, empty at first.
	said output
}

// output is what a program says so far.
type output struct {
	mu   sync.Mutex
	text strings.Builder
}

func (o *output) line(text string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	_, _ = o.text.WriteString(text + "\n")
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

var ready = regexp.MustCompile(`the server is ready.* address=(\S+)`)

// start runs parsec-server until it is ready. It ends with the test, if nothing ends it before.
func start(t *testing.T, args ...string) *process {
	t.Helper()
	p := &process{cmd: exec.CommandContext(t.Context(), os.Args[0]), end: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), asProgram+"="+strings.Join(args, "\n"))
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	found := make(chan string, 1)
	go func() {
		defer close(p.end)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			p.said.line(lines.Text())
			if m := ready.FindStringSubmatch(lines.Text()); m != nil {
				found <- m[1]
			}
		}
	}()
	t.Cleanup(p.kill)
	select {
	case address := <-found:
		p.url = "http://" + address
	case <-p.end:
		t.Fatal("the server ended before it was ready")
	case <-time.After(time.Minute):
		t.Fatal("the server is not ready")
	}
	return p
}

// kill ends the server as a power failure of its process would.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may have ended
	<-p.end
	_ = p.cmd.Wait()
}
