package agentdtest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// Command says how to start a service.
type Command struct {
	// Argv is the program, as an absolute path, and its arguments.
	Argv []string
	// Dir is the working directory, Chroot the root directory if not the caller's. Argv
	// and Dir are then seen from within.
	Dir, Chroot string
	// Env is the whole environment.
	Env []string
	// UID is the user to run as; it takes root to choose another than one's own.
	UID uint32
	// Socket is where the service listens, as the caller sees it.
	Socket string
	// Files is the limit of open files, 0 for the caller's.
	Files uint64
	// Output takes what the process writes, nil for Log.
	Output *os.File
}

// Process is a running service.
type Process struct {
	command Command
	cmd     *exec.Cmd
	log     *log
	done    chan struct{} // closed when the process has ended; err is then set
	err     error
}

// startLimit and stopLimit bound how long a service may take to answer its first ping
// and to end.
const (
	startLimit = 20 * time.Second
	stopLimit  = 20 * time.Second
)

// StartProcess starts a service and waits until it answers a ping.
func StartProcess(ctx context.Context, c Command) (*Process, error) {
	p, err := Spawn(c)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	if err := p.ready(ctx); err != nil {
		p.Kill()
		return nil, fmt.Errorf("%w\n%s", err, p.Log())
	}
	return p, nil
}

// Spawn starts a service and does not wait for it.
func Spawn(c Command) (*Process, error) {
	p := &Process{command: c, log: &log{}, done: make(chan struct{})}
	p.cmd = &exec.Cmd{
		Path: c.Argv[0], Args: c.Argv, Dir: c.Dir, Env: c.Env, Stdout: p.log, Stderr: p.log,
		SysProcAttr: &syscall.SysProcAttr{Chroot: c.Chroot, Setpgid: true, Pdeathsig: syscall.SIGKILL},
		WaitDelay:   stopLimit,
	}
	if c.Output != nil {
		p.cmd.Stdout, p.cmd.Stderr = c.Output, c.Output
	}
	if int64(c.UID) != int64(os.Getuid()) {
		p.cmd.SysProcAttr.Credential = &syscall.Credential{Uid: c.UID, Gid: c.UID}
	}
	started := make(chan error)
	go p.run(started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("cannot start %s: %w", c.Argv[0], err)
	}
	return p, nil
}

// run starts the process and waits for its end. It keeps one thread all the while, for
// the kernel kills the process (Pdeathsig) when the thread that started it ends: nothing
// survives a test program that is killed.
func (p *Process) run(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := limitFiles(p.command.Files, p.cmd.Start)
	started <- err
	if err == nil {
		p.err = p.cmd.Wait()
	}
	close(p.done)
}

// ready waits for the first ping to be answered.
func (p *Process) ready(ctx context.Context) error {
	for {
		err := Ping(ctx, p.command.Socket)
		if err == nil {
			return nil
		}
		select {
		case <-p.done:
			return fmt.Errorf("%s ended before it was ready: %v", p.command.Argv[0], p.err)
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w", p.command.Argv[0], errors.Join(ctx.Err(), err))
		case <-time.After(time.Millisecond):
		}
	}
}

// Ping makes one ping without authentication.
func Ping(ctx context.Context, socket string) error {
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", socket)
	if err != nil {
		return err
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline)
	}
	if _, err := conn.Write(wire.Header{Opcode: wire.OpPing}.Append(nil)); err != nil {
		return err
	}
	h, _, err := wire.NewReader(conn, 1<<10).ReadResponse()
	if err == nil && h.Status != wire.StatusSuccess {
		err = h.Status
	}
	return err
}

// PID is the number of the process.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Log returns what the process wrote so far, from its end if it was very much; nothing
// if it has an Output.
func (p *Process) Log() string { return p.log.String() }

// Signal sends a signal.
func (p *Process) Signal(s os.Signal) error { return p.cmd.Process.Signal(s) }

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Kill ends the process as a power failure would, and waits until it is gone.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill()
	<-p.done
}

// Stop asks the process to end and waits for it. It returns an error if the process had
// ended before, ended with another status than 0, or had to be killed.
func (p *Process) Stop() error {
	select {
	case <-p.done:
		return fmt.Errorf("%s had ended by itself: %v", p.command.Argv[0], p.err)
	default:
	}
	if err := p.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("cannot stop %s: %w", p.command.Argv[0], err)
	}
	select {
	case <-p.done:
	case <-time.After(stopLimit):
		p.Kill()
		return fmt.Errorf("%s did not end within %v and was killed", p.command.Argv[0], stopLimit)
	}
	if p.err != nil {
		return fmt.Errorf("%s: %w", p.command.Argv[0], p.err)
	}
	return nil
}

// Err returns how the process ended, nil for status 0. It waits for the end.
func (p *Process) Err() error {
	<-p.done
	return p.err
}
