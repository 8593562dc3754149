package ctl_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/agentd/agentdtest"
)

// startServer runs a metadata server as a process of its own and returns where it listens.
func startServer(t *testing.T) string {
	t.Helper()
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), "parsec-server", "run", "--port=0", "--data-dir="+t.TempDir(), "--spontaneous-organization-bootstrap")
	cmd.Env = append(os.Environ(), "GORACE="+noLinger)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout = cmd.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait() // how it ends is the matter of its own tests
	})
	address := regexp.MustCompile(`the server is ready.* address=(\S+)`)
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if m := address.FindStringSubmatch(lines.Text()); m != nil {
			go func() { _, _ = io.Copy(io.Discard, out) }()
			return m[1]
		}
	}
	t.Fatalf("the server does not start: %v", lines.Err())
	return ""
}

// home is an agent of somebody, and that person's command line.
type home struct {
	t       *testing.T
	dir     string
	uid     uint32
	secret  string // password of the devices
	process *agentdtest.Process
}

// newHome starts an agent. With another uid, which takes root, agent and commands run as that user.
func newHome(t *testing.T, uid int) *home {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "ctl-") //nolint:usetesting // t.TempDir can be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	m := &home{t: t, dir: dir, uid: uint32(uid), secret: password}
	if err := os.Chown(dir, uid, uid); err != nil {
		t.Fatal(err)
	}
	m.start()
	t.Cleanup(func() {
		if m.process != nil {
			if err := m.process.Stop(); err != nil {
				t.Error(err)
			}
			for _, secret := range []string{password, m.secret, "panic", "DATA RACE"} {
				if strings.Contains(m.process.Log(), secret) {
					t.Errorf("the agent's log has %q", secret)
				}
			}
		}
		_ = os.RemoveAll(dir)
	})
	return m
}

func (m *home) start() {
	m.t.Helper()
	argv := []string{program, "--user"}
	if m.uid == 0 {
		argv = append(argv, "--allow-root")
	}
	p, err := agentdtest.StartProcess(context.WithoutCancel(m.t.Context()), agentdtest.Command{
		Argv: argv, Dir: m.dir, UID: m.uid, Socket: filepath.Join(m.dir, "parsec", "parsec.sock"), Env: m.env(),
	})
	if err != nil {
		m.t.Fatal(err)
	}
	m.process = p
}

func (m *home) env() []string {
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + m.dir, "XDG_RUNTIME_DIR=" + m.dir, "XDG_STATE_HOME=" + filepath.Join(m.dir, "state"),
		"XDG_CONFIG_HOME=" + filepath.Join(m.dir, "config"), "GORACE=" + noLinger, "NO_PROXY=*",
	}
}

// kill ends the agent as a power failure would, and starts it again.
func (m *home) kill() {
	m.t.Helper()
	m.process.Kill()
	m.start()
}

func (m *home) command(args ...string) *exec.Cmd {
	cmd := exec.CommandContext(context.WithoutCancel(m.t.Context()), "parsecctl", args...)
	cmd.Env, cmd.Dir = m.env(), m.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if int(m.uid) != os.Getuid() {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: m.uid, Gid: m.uid}
	}
	return cmd
}

// try runs a command and returns its exit status and both outputs.
func (m *home) try(args ...string) (int, string, string) {
	var out, problems bytes.Buffer
	cmd := m.command(args...)
	cmd.Stdout, cmd.Stderr = &out, &problems
	_ = cmd.Run() // the status tells
	return cmd.ProcessState.ExitCode(), out.String(), problems.String()
}

// must runs a command that has to succeed and returns its output.
func (m *home) must(args ...string) string {
	m.t.Helper()
	code, out, problems := m.try(args...)
	if code != 0 {
		m.t.Fatalf("parsecctl %q: exit status %d\n%s%s", args, code, out, problems)
	}
	return out
}

// reads runs a command with a JSON result.
func (m *home) reads(into any, args ...string) {
	m.t.Helper()
	if err := json.Unmarshal([]byte(m.must(append([]string{"--json"}, args...)...)), into); err != nil {
		m.t.Fatal(err)
	}
}

// password protects the devices of the tests.
const password = "correct horse battery"

func (m *home) passwordFile() string { return m.write("password", m.secret+"\n") }

// write makes a file of the person, whole at any moment: another command may read it.
func (m *home) write(name, text string) string {
	m.t.Helper()
	f, err := os.CreateTemp(m.dir, name)
	if err != nil {
		m.t.Fatal(err)
	}
	_, err = f.WriteString(text)
	path := filepath.Join(m.dir, name)
	if err := errors.Join(err, f.Chmod(0o644), f.Close(), os.Rename(f.Name(), path)); err != nil {
		m.t.Fatal(err)
	}
	return path
}

func (m *home) unlock(device string) {
	m.t.Helper()
	m.must("device", "unlock", "--device", device, "--password-file", m.passwordFile())
}

// bootstrap makes an organisation with Alice as its first user.
func (m *home) bootstrap(server, organization string) {
	m.t.Helper()
	m.must("org", "bootstrap", bootstrapAddress(server, organization), "--name", "Alice", "--email", "alice@example.com", "--label", "laptop",
		"--password-file", m.passwordFile())
}

// bootstrapAddress is one without a token.
func bootstrapAddress(server, organization string) string {
	return "parsec3://" + server + "/" + organization + "?no_ssl=true&a=bootstrap_organization&p=wA"
}

// line is a line of what a work tells.
type line struct {
	Work struct {
		ID, State, Reason, Device string
		Question                  *question
	}
	Notices []struct{ Kind, Text string }
}

type question struct {
	Step         uint32
	Kind, Code   string
	Codes        []string
	Details      map[string]string
	Matter, Text string
}

// conversation is two people who hear each other's codes.
type conversation struct {
	began func() // called once, before the first code is said; nil for nothing

	mu   sync.Mutex // guards the field below
	said map[string]string
}

// talk is a command that asks, and is answered by lines.
type talk struct {
	m       *home
	cmd     *exec.Cmd
	answers *os.File
	out     *bufio.Scanner
	errors  bytes.Buffer
	last    line
}

// begin begins a command that asks.
func (m *home) begin(args ...string) *talk {
	m.t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		m.t.Fatal(err)
	}
	defer r.Close()
	k := &talk{m: m, answers: w, cmd: m.command(append([]string{"--json"}, append(args, "--answers-fd", "3")...)...)}
	k.cmd.ExtraFiles, k.cmd.Stderr = []*os.File{r}, &k.errors
	out, err := k.cmd.StdoutPipe()
	if err != nil {
		m.t.Fatal(err)
	}
	k.out = bufio.NewScanner(out)
	if err := k.cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	return k
}

// follow answers as people do who hear the codes right, until the command ends. me and other name the two sides.
func (k *talk) follow(c *conversation, me, other string) int {
	step, thinking := uint32(0), func() {}
	defer func() {
		thinking()
		_ = k.answers.Close()
	}()
	for k.out.Scan() {
		l := line{}
		if err := json.Unmarshal(k.out.Bytes(), &l); err != nil {
			k.m.t.Errorf("%s: %v", k.out.Text(), err)
			break
		}
		k.last = l
		q := l.Work.Question
		if q != nil && q.Step == step {
			continue
		}
		thinking() // a question that was taken back needs no answer
		if q == nil {
			continue
		}
		step = q.Step
		thinking = k.think(c, q, me, other)
	}
	_ = k.cmd.Wait() // the status tells
	return k.cmd.ProcessState.ExitCode()
}

// think answers a question while what happens is watched. What it returns ends that.
func (k *talk) think(c *conversation, q *question, me, other string) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(k.m.t.Context()))
	done := make(chan struct{})
	go func() {
		defer close(done)
		answer := c.answer(ctx, q, me, other)
		if answer == nil {
			return
		}
		answer["step"] = q.Step
		b, _ := json.Marshal(answer)
		_, _ = k.answers.Write(append(b, '\n')) // a command that has ended is seen by its status
	}()
	return func() {
		cancel()
		<-done
	}
}

// answer is what a person says to a question, nil for nothing.
func (c *conversation) answer(ctx context.Context, q *question, me, other string) map[string]any {
	switch q.Kind {
	case "say-code":
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.began != nil && len(c.said) == 0 {
			c.began()
		}
		c.said[me] = q.Code
		return nil
	case "choose-code":
		// The other side may come to its question later, or has one of an attempt that is over.
		for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
			if ctx.Err() != nil {
				return nil
			}
			c.mu.Lock()
			code := c.said[other]
			c.mu.Unlock()
			if slices.Contains(q.Codes, code) {
				return map[string]any{"code": code}
			}
		}
		return map[string]any{"none": true}
	case "correct":
		return map[string]any{"details": q.Details}
	case "confirm":
		return map[string]any{"yes": true}
	case "choose-greeter":
		return map[string]any{"greeter": ""}
	default:
		return nil
	}
}

func newConversation() *conversation { return &conversation{said: map[string]string{}} }

// meet has one greet and the other claim, and wants both to succeed.
func meet(t *testing.T, greeter, claimer *home, greet, claim []string) {
	t.Helper()
	converse(t, newConversation(), greeter, claimer, greet, claim)
}

func converse(t *testing.T, c *conversation, greeter, claimer *home, greet, claim []string) {
	t.Helper()
	a, b := greeter.begin(greet...), claimer.begin(claim...)
	ended := make(chan int, 1)
	go func() { ended <- b.follow(c, "claimer", "greeter") }()
	first, second := a.follow(c, "greeter", "claimer"), <-ended
	if first != 0 || second != 0 {
		t.Fatalf("greeter: %d %+v %s\nclaimer: %d %+v %s", first, a.last, &a.errors, second, b.last, &b.errors)
	}
}

// otherUID is whom the second machine belongs to: somebody else, where the test can be somebody else.
func otherUID(t *testing.T) int {
	t.Helper()
	if os.Getuid() != 0 {
		return os.Getuid()
	}
	parsecctl, err := exec.LookPath("parsecctl")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Dir(program), filepath.Dir(parsecctl), filepath.Dir(filepath.Dir(parsecctl))} {
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return 54321
}

// audit verifies what an auditor gets, by another way than the agent's own word.
func (m *home) audit(t *testing.T, file string, want int) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(m.dir, file))
	if err != nil {
		t.Fatal(err)
	}
	root, _, _ := strings.Cut(string(b), "\n")
	var out struct{ Items []struct{ State string } }
	m.reads(&out, "inspect", "--root", root, file)
	verified := 0
	for _, i := range out.Items {
		if i.State == "verified" {
			verified++
		}
	}
	if verified != want || len(out.Items) != want+1 {
		t.Errorf("%d of %d certificates are verified, want %d", verified, len(out.Items), want)
	}
}
