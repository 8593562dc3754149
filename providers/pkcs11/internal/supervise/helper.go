package supervise

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/frame"
)

// Options says what to start.
type Options struct {
	// Path is the helper's program.
	Path string
	// Env is added to the environment of this process, which the library may need.
	Env []string
	// Logger receives what the helper writes to its standard error.
	Logger *slog.Logger
	// Event is called with each event, from one goroutine; it must not block.
	Event func(*frame.Response)
}

// Helper is a running helper.
type Helper struct {
	o    Options
	cmd  *exec.Cmd
	conn net.Conn

	write sync.Mutex // one frame at a time

	ended  chan struct{} // closed when the process is gone; err is set then
	err    *Ended
	output sync.WaitGroup // all goroutines

	mu      sync.Mutex // guards the fields below
	next    uint32
	waiting map[uint32]*call
	reason  string // why we killed it, empty if we did not
	closing bool
}

// Ended is the error of requests to a helper that has ended.
//
//nolint:errname // it says what the helper is
type Ended struct {
	// Reason is a text for a person.
	Reason string
	// Sent reports whether the request may have reached the library.
	Sent bool
}

// Error returns the reason.
func (e *Ended) Error() string { return e.Reason }

// Start starts a helper. It runs until Close or until it fails, independently of ctx.
func Start(ctx context.Context, o Options) (*Helper, error) {
	ours, theirs, err := socketPair()
	if err != nil {
		return nil, fmt.Errorf("cannot make a socket for %s: %w", o.Path, err)
	}
	defer func() { _ = theirs.Close() }()
	h := &Helper{o: o, conn: ours, ended: make(chan struct{}), waiting: map[uint32]*call{}}
	//nolint:gosec // the path is configuration; the process is ended by Close and outlives the request that needed it
	h.cmd = exec.CommandContext(context.WithoutCancel(ctx), o.Path)
	h.cmd.ExtraFiles = []*os.File{theirs}
	h.cmd.Env = environment(o.Env)
	output, input, err := os.Pipe()
	if err != nil {
		_ = ours.Close()
		return nil, fmt.Errorf("cannot make a pipe for %s: %w", o.Path, err)
	}
	h.cmd.Stderr = input
	err = h.cmd.Start()
	_ = input.Close() // the process has its own
	if err != nil {
		_ = ours.Close()
		_ = output.Close()
		return nil, fmt.Errorf("cannot start the PKCS#11 helper: %w", err)
	}
	first := make(chan string, 1)
	h.output.Go(func() { first <- h.log(context.WithoutCancel(ctx), output) })
	h.output.Go(h.read)
	h.output.Go(func() { h.wait(output, first) })
	return h, nil
}

// socketPair returns a connection and the file of its other end.
func socketPair() (net.Conn, *os.File, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	ours := os.NewFile(uintptr(fds[0]), "helper")
	theirs := os.NewFile(uintptr(fds[1]), "agent")
	conn, err := net.FileConn(ours)
	_ = ours.Close() // conn has a descriptor of its own
	if err != nil {
		_ = theirs.Close()
		return nil, nil, err
	}
	return conn, theirs, nil
}

// private are the variables that concern the agent alone.
var private = []string{"NOTIFY_SOCKET=", "WATCHDOG_", "LISTEN_", "CREDENTIALS_DIRECTORY=", "INVOCATION_ID=", "JOURNAL_STREAM="}

func environment(more []string) []string {
	var env []string
	for _, v := range os.Environ() {
		if !hasPrefix(v, private) {
			env = append(env, v)
		}
	}
	return append(env, more...)
}

func hasPrefix(s string, prefixes []string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}

// call is a request that is not answered yet.
type call struct {
	answer  chan *frame.Response // has room for one
	overdue *time.Timer
}

// Call sends a request and waits for its response. When limit has passed the helper hangs
// and is killed, also if the caller gave up before: a library that hangs would hang the
// next caller. The request's id is set here.
func (h *Helper) Call(ctx context.Context, r *frame.Request, limit time.Duration) (*frame.Response, error) {
	c, err := h.register(r, limit)
	if err != nil {
		return nil, err
	}
	if err := h.send(r); err != nil {
		h.unregister(r.ID)
		return nil, err
	}
	select {
	case out := <-c.answer:
		return out, nil
	case <-h.ended:
		h.unregister(r.ID)
		return nil, &Ended{Reason: h.err.Reason, Sent: true}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (h *Helper) register(r *frame.Request, limit time.Duration) (*call, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	select {
	case <-h.ended:
		return nil, &Ended{Reason: h.err.Reason}
	default:
	}
	for taken := true; taken || h.next == 0; { // 0 is for events
		h.next++
		_, taken = h.waiting[h.next]
	}
	r.ID = h.next
	op := r.Op
	c := &call{answer: make(chan *frame.Response, 1)}
	c.overdue = time.AfterFunc(limit, func() { h.kill(fmt.Sprintf("it did not finish to %s within %v", op, limit)) })
	h.waiting[r.ID] = c
	return c, nil
}

func (h *Helper) unregister(id uint32) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if c, ok := h.waiting[id]; ok {
		c.overdue.Stop()
		delete(h.waiting, id)
	}
}

// send writes the request in one piece and wipes the copy, which has room for data and
// signature from the beginning: growing would leave a copy of the PIN behind.
func (h *Helper) send(r *frame.Request) error {
	const rest = 256
	b, err := r.Append(make([]byte, 0, rest+len(r.Data)+len(r.Signature)))
	if err != nil {
		return err
	}
	defer clear(b)
	h.write.Lock()
	defer h.write.Unlock()
	if _, err := h.conn.Write(b); err != nil {
		<-h.ended // a peer that cannot be written to is gone, or is about to be
		return &Ended{Reason: h.err.Reason}
	}
	return nil
}

// kill ends the process for a reason; the first one counts.
func (h *Helper) kill(reason string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.reason == "" && !h.closing {
		h.reason = reason
	}
	_ = h.cmd.Process.Kill() // it may be gone already
}

// Ended is closed when the process is gone.
func (h *Helper) Ended() <-chan struct{} { return h.ended }

// PID returns the process id.
func (h *Helper) PID() int { return h.cmd.Process.Pid }

// grace is how long the helper may take to finalize its library.
const grace = 2 * time.Second

// Close ends the helper: it may finalize its library, and is killed if it does not. It
// returns when the process and all goroutines are gone.
func (h *Helper) Close() {
	h.mu.Lock()
	h.closing = true
	h.mu.Unlock()
	if c, ok := h.conn.(*net.UnixConn); ok {
		_ = c.CloseWrite() // the helper reads the end and stops
	}
	late := time.AfterFunc(grace, func() { h.kill("") })
	defer late.Stop()
	<-h.ended
	h.output.Wait()
}

// read takes responses until the connection ends.
func (h *Helper) read() {
	r := bufio.NewReaderSize(h.conn, 16<<10)
	for {
		b, err := frame.Read(r)
		if err != nil {
			if errors.Is(err, frame.ErrMalformed) || errors.Is(err, frame.ErrTooLarge) {
				h.kill("it sent what is no frame: " + err.Error())
			}
			return
		}
		out, err := frame.DecodeResponse(b)
		if err != nil {
			h.kill("it sent what is no response: " + err.Error())
			return
		}
		if out.ID == 0 {
			h.event(out)
		} else {
			h.deliver(out)
		}
	}
}

func (h *Helper) event(out *frame.Response) {
	if h.o.Event != nil {
		h.o.Event(out)
	}
}

// deliver hands a response to who asked. One that nobody asked for is dropped: an id is
// not used again before it is answered, so a response never reaches another request.
func (h *Helper) deliver(out *frame.Response) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if c, ok := h.waiting[out.ID]; ok {
		c.overdue.Stop()
		delete(h.waiting, out.ID)
		c.answer <- out
	}
}
