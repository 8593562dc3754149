package local

import (
	"context"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// asOther makes the test program one that connects and says what became of it.
const asOther = "PARSEC_LOCAL_TEST_DATABASE"

func TestMain(m *testing.M) {
	if database := os.Getenv(asOther); database != "" {
		c, err := Dial(context.Background(), database)
		if err == nil {
			_, err = c.Read(make([]byte, 1))
		}
		if err != nil {
			_, _ = io.WriteString(os.Stdout, "refused: "+err.Error())
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// TestLongPath: a path of any length will do, a socket that was left is replaced, and whose end it is is known.
func TestLongPath(t *testing.T) {
	for _, below := range []string{"", strings.Repeat("long/", 50)} {
		dir := filepath.Join(t.TempDir(), below)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		database := filepath.Join(dir, "s")
		left, err := Listen(t.Context(), database)
		if err != nil {
			t.Fatal(err)
		}
		if err := left.UnixListener.Close(); err != nil { // as a process that is killed
			t.Fatal(err)
		}
		l, err := Listen(t.Context(), database)
		if err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(database + suffix); err != nil || info.Mode().Perm() != 0o600 {
			t.Error(info, err)
		}
		accepted := make(chan net.Conn, 1)
		go func() {
			c, err := l.Accept()
			if err != nil {
				t.Error(err)
			}
			accepted <- c
		}()
		c, err := Dial(t.Context(), database)
		if err != nil {
			t.Fatal(err)
		}
		own := <-accepted
		if who := Who(own); who != "a command of uid "+strconv.Itoa(os.Getuid()) {
			t.Error(who)
		}
		for _, closer := range []io.Closer{c, own, l} {
			if err := closer.Close(); err != nil {
				t.Error(err)
			}
		}
		if _, err := Dial(t.Context(), database); err == nil {
			t.Error("nobody listens, and answers")
		}
	}
}

// TestOthersAreTurnedAway: another account gets no answer, even where the socket lets it connect.
func TestOthersAreTurnedAway(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can be another account")
	}
	dir, err := os.MkdirTemp("", "local") //nolint:usetesting // the test's own is not for others
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	program := filepath.Join(dir, "program")
	text, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	database := filepath.Join(dir, "s")
	if err := os.WriteFile(program, text, 0o755); err != nil {
		t.Fatal(err)
	}
	l, err := Listen(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, database + suffix} {
		if err := os.Chmod(path, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if c, err := l.Accept(); err == nil {
			t.Errorf("%s is let in", Who(c))
		}
	}()
	cmd := exec.CommandContext(t.Context(), program)
	cmd.Env = []string{asOther + "=" + database}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "refused: ") {
		t.Errorf("%v: %s", err, out)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	<-ended
}

// TestWhatIsNoSocketStays: a file in the way is not removed.
func TestWhatIsNoSocketStays(t *testing.T) {
	database := filepath.Join(t.TempDir(), "s")
	if err := os.WriteFile(database+suffix, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(t.Context(), database); err == nil || !strings.Contains(err.Error(), "is no socket") {
		t.Error(err)
	}
}
