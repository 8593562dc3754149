package peer

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

// connectTo, when set in the environment, makes the test binary a client: it connects to
// that socket, says one byte and ends when its standard input does.
const connectTo = "PEER_TEST_CONNECT_TO"

func TestMain(m *testing.M) {
	if path := os.Getenv(connectTo); path != "" {
		os.Exit(client(path))
	}
	os.Exit(m.Run())
}

func client(path string) int {
	c, err := net.Dial("unix", path)
	if err != nil {
		return 1
	}
	if _, err := c.Write([]byte{1}); err != nil {
		return 1
	}
	_, _ = os.Stdin.Read(make([]byte, 1))
	return 0
}

// listen returns a listener that everybody may connect to.
func listen(t *testing.T) *net.UnixListener {
	t.Helper()
	dir, err := os.MkdirTemp("", "peer") //nolint:usetesting // short, for a socket path has 107 bytes, and open to other users
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	path := filepath.Join(dir, "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	if err := errors.Join(os.Chmod(dir, 0o755), os.Chmod(path, 0o666)); err != nil {
		t.Fatal(err)
	}
	return l
}

// child starts a client process and returns the server's side of its connection.
func child(t *testing.T, attr *syscall.SysProcAttr) (*exec.Cmd, *net.UnixConn, func()) {
	t.Helper()
	l := listen(t)
	exe := "/proc/self/exe"
	if attr != nil { // another user must be able to execute it
		exe = copySelf(t)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), connectTo+"="+l.Addr().String())
	cmd.SysProcAttr = attr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c, err := l.AcceptUnix()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if _, err := c.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	end := func() {
		_ = stdin.Close()
		_ = cmd.Wait()
	}
	t.Cleanup(end)
	return cmd, c, end
}

func copySelf(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "peer") //nolint:usetesting // open to other users
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	exe := filepath.Join(dir, "client")
	if err := errors.Join(os.WriteFile(exe, b, 0o755), os.Chmod(dir, 0o755)); err != nil {
		t.Fatal(err)
	}
	return exe
}

func TestFromConnReportsTheConnectingProcess(t *testing.T) {
	cmd, c, _ := child(t, nil)
	p, err := FromConn(c)
	if err != nil {
		t.Fatal(err)
	}
	if int(p.UID) != os.Geteuid() || int(p.GID) != os.Getegid() || int(p.PID) != cmd.Process.Pid {
		t.Errorf("got uid %d gid %d pid %d, want %d %d %d", p.UID, p.GID, p.PID, os.Geteuid(), os.Getegid(), cmd.Process.Pid)
	}
	groups, err := p.Groups()
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.Getgroups()
	if err != nil {
		t.Fatal(err)
	}
	if len(groups) != len(want) {
		t.Errorf("groups %v, want %v", groups, want)
	}
	for _, g := range want {
		if in, err := p.InGroup(uint32(g)); !in || err != nil {
			t.Errorf("not in group %d: %v", g, err)
		}
	}
}

func TestGroupsOfAnotherUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("changing the user needs root; make test runs it as root in CI")
	}
	const uid, gid = 41001, 41002
	many := make([]uint32, 1000) // more than fit the first buffer
	for i := range many {
		many[i] = 50000 + uint32(i)
	}
	for name, groups := range map[string][]uint32{"none": {}, "some": {7, 9, 41003}, "many": many} {
		t.Run(name, func(t *testing.T) {
			_, c, _ := child(t, &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: gid, Groups: groups}})
			p, err := FromConn(c)
			if err != nil {
				t.Fatal(err)
			}
			if p.UID != uid || p.GID != gid {
				t.Errorf("uid %d gid %d", p.UID, p.GID)
			}
			got, err := p.Groups()
			if err != nil || !slices.Equal(got, groups) {
				t.Errorf("groups %v (%v), want %v", got, err, groups)
			}
			for _, g := range append(groups, gid) {
				if in, err := p.InGroup(g); !in || err != nil {
					t.Errorf("not in group %d: %v", g, err)
				}
			}
			if in, err := p.InGroup(12345); in || err != nil {
				t.Errorf("in a foreign group: %v %v", in, err)
			}
		})
	}
}

func TestCgroup(t *testing.T) {
	_, c, _ := child(t, nil)
	p, err := FromConn(c)
	if err != nil {
		t.Fatal(err)
	}
	want := cgroupOf(filepath.Join(procRoot, "self"))
	if got := p.Cgroup(); got != want || got == "" {
		t.Errorf("cgroup %q, want that of the test, %q", got, want)
	}
}

func TestCgroupOfGoneProcess(t *testing.T) {
	_, c, end := child(t, nil)
	p, err := FromConn(c)
	if err != nil {
		t.Fatal(err)
	}
	end()
	if got := p.Cgroup(); got != "" {
		t.Errorf("cgroup of a process that is gone: %q", got)
	}
}

// A pid that was given to another process: the peer is gone, and /proc has an entry of
// its number that belongs to somebody else.
func TestCgroupOfReusedPID(t *testing.T) {
	_, c, end := child(t, nil)
	p, err := FromConn(c)
	if err != nil {
		t.Fatal(err)
	}
	end()
	root := t.TempDir()
	fakeProc(t, root, int(p.PID), "0::/victim.slice\n", p.UID+1)
	if got := p.readCgroup(root); got != "" {
		t.Errorf("attributed to the new owner of the pid: %q", got)
	}
}

func fakeProc(t *testing.T, root string, pid int, cgroup string, uid uint32) {
	t.Helper()
	dir := filepath.Join(root, strconv.Itoa(pid))
	status := "Name:\tx\nUid:\t" + strings.Repeat(strconv.FormatUint(uint64(uid), 10)+"\t", 4) + "\n"
	err := errors.Join(os.Mkdir(dir, 0o755),
		os.WriteFile(filepath.Join(dir, "cgroup"), []byte(cgroup), 0o644),
		os.WriteFile(filepath.Join(dir, "status"), []byte(status), 0o644))
	if err != nil {
		t.Fatal(err)
	}
}

var cgroupFiles = map[string]struct{ file, want string }{
	"version 2":      {"0::/system.slice/a.service\n", "/system.slice/a.service"},
	"version 2 root": {"0::/\n", "/"},
	"version 1":      {"12:pids:/x\n1:name=systemd:/system.slice/a.service\n", "/system.slice/a.service"},
	"hybrid":         {"5:cpu,cpuacct:/x\n1:name=systemd:/s\n0::/\n", "/s"},
	"colon in path":  {"0::/a:b\n", "/a:b"},
	"no newline":     {"0::/a", "/a"},
	"control bytes":  {"0::/a\x1b[31m\xff\n", "/a\ufffd[31m\ufffd"},
	"long":           {"0::/" + strings.Repeat("a", 4000) + "\n", "/" + strings.Repeat("a", maxCgroup-1)},
	"garbage":        {"garbage\n\n:\n", ""},
	"empty":          {"", ""},
}

func TestCgroupFile(t *testing.T) {
	for name, c := range cgroupFiles {
		t.Run(name, func(t *testing.T) {
			if got := parseCgroup([]byte(c.file)); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestReadProc(t *testing.T) {
	for size, want := range map[int]int{
		0: 0, 1: 1, usualProcFile - 1: usualProcFile - 1, usualProcFile: usualProcFile, usualProcFile + 1: usualProcFile + 1,
		maxProcFile: maxProcFile, maxProcFile + 1: maxProcFile,
	} {
		name := filepath.Join(t.TempDir(), "file")
		content := strings.Repeat("abcdefg", size)[:size]
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := string(readProc(name)); got != content[:want] {
			t.Errorf("read %d bytes of %d", len(got), size)
		}
	}
	if got := readProc(filepath.Join(t.TempDir(), "absent")); got != nil {
		t.Errorf("read %d bytes of a file that is not there", len(got))
	}
}

func FuzzCgroupFile(f *testing.F) {
	for _, c := range cgroupFiles {
		f.Add([]byte(c.file))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		path := parseCgroup(file)
		if !utf8.ValidString(path) || strings.ContainsFunc(path, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("not fit for a log: %q", path)
		}
		if utf8.RuneCountInString(path) > maxCgroup {
			t.Errorf("%d characters", utf8.RuneCountInString(path))
		}
	})
}

func TestOwnedBy(t *testing.T) {
	root := t.TempDir()
	fakeProc(t, root, 7, "", 1000)
	dir := filepath.Join(root, "7")
	if err := ownedBy(dir, 1000); err != nil {
		t.Errorf("its own uid: %v", err)
	}
	if err := ownedBy(dir, 100); err == nil {
		t.Error("a uid that is only the beginning of the owner's passed")
	}
	if err := ownedBy(filepath.Join(root, "8"), 1000); err == nil {
		t.Error("a process that is not there passed")
	}
}

func TestClosedConnection(t *testing.T) {
	_, c, _ := child(t, nil)
	p, err := FromConn(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := FromConn(c); err == nil {
		t.Error("credentials of a closed connection")
	}
	if in, err := p.InGroup(p.GID + 1); in || err == nil {
		t.Errorf("groups of a closed connection: %v %v", in, err)
	}
	if got := p.Cgroup(); got != "" {
		t.Errorf("cgroup of a closed connection: %q", got)
	}
}

func TestZeroPeerHasNothing(t *testing.T) {
	p := &Peer{UID: 1, GID: 2, PID: 1}
	if in, err := p.InGroup(3); in || err == nil {
		t.Errorf("in group: %v %v", in, err)
	}
	if got := p.Cgroup(); got != "" {
		t.Errorf("cgroup %q", got)
	}
}

func BenchmarkFromConn(b *testing.B) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = unix.Close(fds[1]) }()
	f := os.NewFile(uintptr(fds[0]), "socket")
	fc, err := net.FileConn(f)
	if err != nil {
		b.Fatal(err)
	}
	_ = f.Close()
	defer func() { _ = fc.Close() }()
	c, ok := fc.(*net.UnixConn)
	if !ok {
		b.Fatalf("%T", fc)
	}
	b.Run("credentials", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := FromConn(c); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("groups", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			p, err := FromConn(c)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := p.InGroup(p.GID + 1); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("cgroup", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			p, err := FromConn(c)
			if err != nil {
				b.Fatal(err)
			}
			_ = p.Cgroup()
		}
	})
}
