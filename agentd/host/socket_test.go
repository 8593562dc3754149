package host

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-73b3884f/parsec-agent/agentd/agentdtest"
)

func listenUnix(t *testing.T, path string) *net.UnixListener {
	t.Helper()
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	ln.SetUnlinkOnClose(false)
	t.Cleanup(func() { _ = ln.Close() })
	return ln
}

// dangle leaves a socket on which nobody listens.
func dangle(t *testing.T, path string) fileID {
	t.Helper()
	_ = listenUnix(t, path).Close()
	return inode(t, path)
}

// TestWhatIsNotOursStays: each thing that may be at the path, and what becomes of it.
func TestWhatIsNotOursStays(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		make func(t *testing.T, path string)
		want string
	}{
		{"regular file", func(t *testing.T, path string) {
			t.Helper()
			if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "what is there is no socket but a regular file, and is not touched"},
		{"directory", func(t *testing.T, path string) {
			t.Helper()
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
		}, "what is there is no socket but a directory, and is not touched"},
		{"fifo", func(t *testing.T, path string) {
			t.Helper()
			if err := unix.Mkfifo(path, 0o600); err != nil {
				t.Fatal(err)
			}
		}, "what is there is no socket but a special file, and is not touched"},
		{"link to a dangling socket", func(t *testing.T, path string) {
			t.Helper()
			dangle(t, path+".target")
			if err := os.Symlink(path+".target", path); err != nil {
				t.Fatal(err)
			}
		}, "what is there is no socket but a symbolic link, and is not touched"},
		{"dangling link", func(t *testing.T, path string) {
			t.Helper()
			if err := os.Symlink("/nowhere", path); err != nil {
				t.Fatal(err)
			}
		}, "what is there is no socket but a symbolic link, and is not touched"},
		{"service in use", func(t *testing.T, path string) { t.Helper(); listenUnix(t, path) }, "another service answers there"},
		{"busy service", func(t *testing.T, path string) {
			t.Helper()
			fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = unix.Close(fd) })
			if err := errors.Join(unix.Bind(fd, &unix.SockaddrUnix{Name: path}), unix.Listen(fd, 0)); err != nil {
				t.Fatal(err)
			}
			for { // fill the backlog
				conn, err := (&net.Dialer{}).DialContext(t.Context(), "unix", path)
				if errors.Is(err, unix.EAGAIN) {
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = conn.Close() })
			}
		}, "another service listens there and is busy"},
		{"datagram service", func(t *testing.T, path string) {
			t.Helper()
			conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = conn.Close() })
		}, "cannot tell whether another service listens there"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := agentdtest.Dir(t)
			path := filepath.Join(dir, "s")
			c.make(t, path)
			before := inode(t, path)
			b, err := bind(t.Context(), path, 0o666)
			if err == nil {
				t.Fatalf("bound: %+v", b)
			}
			if want := "failed to bind to Unix socket " + path + ": address in use: " + c.want; !strings.HasPrefix(err.Error(), want) {
				t.Errorf("\n got %v\nwant %s", err, want)
			}
			if inode(t, path) != before {
				t.Error("what was there is gone")
			}
			if _, err := os.Lstat(path + newSuffix); !os.IsNotExist(err) {
				t.Error("something is left")
			}
		})
	}
}

func TestForeignSocketStays(t *testing.T) {
	t.Parallel()
	needRoot(t)
	p := newPlace(t, nil)
	chown(t, p.dir, somebody)
	before := dangle(t, p.socket)
	chown(t, p.socket, 1234)
	c := newChild(t, "-c", p.config).unprivileged().start()
	want := "address in use: the socket there belongs to uid 1234, and is not touched; remove it or set listener.socket_path\n"
	if code := c.end(); code != 1 || !strings.HasSuffix(c.out.String(), want) || inode(t, p.socket) != before {
		t.Errorf("status %d, %s", code, c.out.String())
	}
	// One of root, as the original leaves it, is taken over.
	chown(t, p.socket, 0)
	if err := os.Chmod(p.socket, 0o666); err != nil {
		t.Fatal(err)
	}
	c = newChild(t, "-c", p.config).unprivileged().start()
	c.expect("READY=1")
	c.stop()
}

// TestDanglingSocketIsReplaced: with leftovers of a killed agent, in one step, and the new
// one has its mode and is reachable at any time.
func TestDanglingSocketIsReplaced(t *testing.T) {
	t.Parallel()
	dir := agentdtest.Dir(t)
	path := filepath.Join(dir, "s")
	before := dangle(t, path)
	dangle(t, freshName(path))
	if err := os.WriteFile(path+lockSuffix, []byte("4711\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b, err := bind(t.Context(), path, 0o640)
	if err != nil {
		t.Fatal(err)
	}
	if inode(t, path) == before || mode(t, path) != os.ModeSocket|0o640 || read(t, path+lockSuffix) != fmt.Sprintf("%d\n", os.Getpid()) {
		t.Errorf("%v", mode(t, path))
	}
	go func() {
		conn, err := b.listener.Accept()
		if err == nil {
			_ = conn.Close()
		}
	}()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "unix", path)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	names, err := filepath.Glob(path + "*")
	if err != nil || strings.Join(names, " ") != path+" "+path+lockSuffix {
		t.Errorf("%v, %v", names, err)
	}
	if err := b.remove(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Error("the socket is left")
	}
}

// TestLostRaces: somebody acts between the look and the move.
func TestLostRaces(t *testing.T) {
	t.Parallel()
	dir := agentdtest.Dir(t)
	path := filepath.Join(dir, "s")
	b := &bound{path: path}
	t.Cleanup(b.release)
	fresh, err := b.listen(t.Context(), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	foreign := dangle(t, path)
	if err := b.place(fresh, nil); err == nil || err.Error() != "address in use: somebody else made a file there just now" {
		t.Error(err)
	}
	if err := b.place(fresh, &fileID{}); err == nil || err.Error() != "address in use: somebody else replaced the socket there just now" {
		t.Error(err)
	}
	if inode(t, path) != foreign {
		t.Error("the foreign socket is gone")
	}
}

func TestSecondAgentIsRefused(t *testing.T) {
	t.Parallel()
	p := newPlace(t, nil)
	first := serve(t, p)
	second := newChild(t, "-c", p.config).start()
	want := fmt.Sprintf("Error: failed to bind to Unix socket %s: address in use: another agent (pid %d) has it\n", p.socket, first.Process.Pid)
	if code := second.end(); code != 1 || !strings.HasSuffix(second.out.String(), want) {
		t.Errorf("status %d, %s\nwant %s", code, second.out.String(), want)
	}
	ping(t, p.socket)
	// A killed agent leaves its socket; the next one takes its place.
	_ = first.Process.Kill()
	first.end2()
	serve(t, p).stop()
}

// end2 waits for the end, whatever it was.
func (c *child) end2() { <-c.done }

// TestForeignSocketIsNotRemovedAtExit: the file at the path is somebody else's by then.
func TestForeignSocketIsNotRemovedAtExit(t *testing.T) {
	t.Parallel()
	p := newPlace(t, nil)
	c := serve(t, p)
	if err := os.Remove(p.socket); err != nil {
		t.Fatal(err)
	}
	other := dangle(t, p.socket)
	c.stop()
	if inode(t, p.socket) != other {
		t.Error("the foreign socket is gone")
	}
}

func TestLongPath(t *testing.T) {
	t.Parallel()
	dir := agentdtest.Dir(t)
	deep := filepath.Join(dir, strings.Repeat("d", maxAddress-len(dir)-3))
	if err := os.Mkdir(deep, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(dir, strings.Repeat("x", maxAddress-len(dir)-1)), filepath.Join(deep, "x")} {
		b, err := bind(t.Context(), path, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "unix", path)
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.Close()
		if err := b.remove(); err != nil {
			t.Fatal(err)
		}
	}
}

// activate starts the agent as a service manager does, with the files from descriptor 3.
func activate(t *testing.T, p *place, count int, files ...*os.File) *child {
	t.Helper()
	c := newChild(t)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// Only the process itself knows its number before it runs the program.
	script := fmt.Sprintf(`LISTEN_PID=$$ LISTEN_FDS=%d exec "$0" -c "$1"`, count)
	c.Path, c.Args = "/bin/sh", []string{"sh", "-c", script, exe, p.config}
	c.ExtraFiles = files
	return c.start()
}

func fileOf(t *testing.T, ln *net.UnixListener) *os.File {
	t.Helper()
	f, err := ln.File()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func TestActivation(t *testing.T) {
	t.Parallel()
	p := newPlace(t, nil)
	path := filepath.Join(p.dir, "activated.sock")
	ln := listenUnix(t, path)
	c := activate(t, p, 1, fileOf(t, ln))
	c.expect("READY=1", "STATUS=serving "+path)
	_ = ln.Close()
	ping(t, path)
	c.signal(syscall.SIGHUP)
	c.expect("READY=1", "STATUS=serving "+path)
	ping(t, path)
	if _, err := os.Lstat(p.socket); !os.IsNotExist(err) {
		t.Error("the agent made a socket of its own")
	}
	c.stop()
	if mode(t, path).Type() != os.ModeSocket {
		t.Error("the service manager's socket was removed")
	}
}

// TestActivationOfSeveral: a socket for everybody and one for a group are served alike.
func TestActivationOfSeveral(t *testing.T) {
	t.Parallel()
	p := newPlace(t, nil)
	first, second := filepath.Join(p.dir, "a.sock"), filepath.Join(p.dir, "b.sock")
	c := activate(t, p, 2, fileOf(t, listenUnix(t, first)), fileOf(t, listenUnix(t, second)))
	c.expect("READY=1", "STATUS=serving "+first)
	ping(t, first)
	ping(t, second)
	c.stop()
	for _, path := range []string{first, second} {
		if mode(t, path).Type() != os.ModeSocket {
			t.Errorf("the service manager's socket %s was removed", path)
		}
	}
}

// TestActivationOfAnother: descriptors that are for another process are not taken.
func TestActivationOfAnother(t *testing.T) {
	t.Parallel()
	p := newPlace(t, nil)
	c := newChild(t, "-c", p.config)
	c.Env = append(c.Env, "LISTEN_PID=1", "LISTEN_FDS=1")
	c.start().expect("READY=1", "STATUS=serving "+p.socket)
	c.stop()
}

func TestBadActivation(t *testing.T) {
	t.Parallel()
	const bad = "Error: the service manager passed a descriptor that is not a listening Unix stream socket; check ListenStream= of the socket unit\n"
	for _, c := range []struct {
		name  string
		count int
		files func(t *testing.T, dir string) []*os.File
		want  string
	}{
		{"many", maxSockets + 1, func(t *testing.T, dir string) []*os.File {
			t.Helper()
			var files []*os.File
			for i := range maxSockets + 1 {
				files = append(files, fileOf(t, listenUnix(t, fmt.Sprintf("%s/%d", dir, i))))
			}
			return files
		}, "Error: too many file descriptors received: 9, expected at most 8 sockets\n"},
		{"second is a file", 2, func(t *testing.T, dir string) []*os.File {
			t.Helper()
			f, err := os.Create(dir + "/f")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = f.Close() })
			return []*os.File{fileOf(t, listenUnix(t, dir+"/a")), f}
		}, bad},
		{"file", 1, func(t *testing.T, dir string) []*os.File {
			t.Helper()
			f, err := os.Create(dir + "/f")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = f.Close() })
			return []*os.File{f}
		}, bad},
		{"datagram", 1, func(t *testing.T, dir string) []*os.File {
			t.Helper()
			conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: dir + "/d", Net: "unixgram"})
			if err != nil {
				t.Fatal(err)
			}
			f, err := conn.File()
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _, _ = conn.Close(), f.Close() })
			return []*os.File{f}
		}, bad},
		{"TCP", 1, func(t *testing.T, _ string) []*os.File {
			t.Helper()
			ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			tcp, ok := ln.(*net.TCPListener)
			if !ok {
				t.Fatal(ln)
			}
			f, err := tcp.File()
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _, _ = ln.Close(), f.Close() })
			return []*os.File{f}
		}, bad},
		{"none", 1, func(*testing.T, string) []*os.File { return nil }, bad},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, nil)
			child := activate(t, p, c.count, c.files(t, p.dir)...)
			if code := child.end(); code != 1 || child.out.String() != c.want {
				t.Errorf("status %d, %s", code, child.out.String())
			}
		})
	}
}

// TestBindEndsWithContext: the look at what is there does not outlive its caller.
func TestBindEndsWithContext(t *testing.T) {
	t.Parallel()
	path := filepath.Join(agentdtest.Dir(t), "s")
	before := dangle(t, path)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := bind(ctx, path, 0o600); err == nil || inode(t, path) != before {
		t.Error(err)
	}
}
