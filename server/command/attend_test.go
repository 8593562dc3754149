package command

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestServiceManager: it is told that the server is ready, lives, and stops.
func TestServiceManager(t *testing.T) {
	place := t.TempDir()
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(place, "notify"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	t.Setenv("NOTIFY_SOCKET", l.LocalAddr().String())
	t.Setenv("WATCHDOG_USEC", "20000")
	s := start(t, filepath.Join(place, "state"))
	for _, want := range []string{"READY=1\nSTATUS=serving 127.0.0.1:", "WATCHDOG=1", "WATCHDOG=1", "STOPPING=1"} {
		if want == "STOPPING=1" {
			s.cancel()
		}
		await(t, l, want)
	}
}

// await reads until a message begins so.
func await(t *testing.T, l *net.UnixConn, want string) {
	t.Helper()
	if err := l.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	for b := make([]byte, 4096); ; {
		n, err := l.Read(b)
		if err != nil {
			t.Fatalf("waiting for %q: %v", want, err)
		}
		if strings.HasPrefix(string(b[:n]), want) {
			return
		}
	}
}

// TestDefaultConfig: the service's file is read, and only one that is there.
func TestDefaultConfig(t *testing.T) {
	dir := t.TempDir()
	getenv := func(name string) string { return map[string]string{"CONFIGURATION_DIRECTORY": dir}[name] }
	if got := defaultConfig(1000, getenv); got != "" {
		t.Errorf("%q, which is not there", got)
	}
	file := filepath.Join(dir, "config.toml")
	if err := os.WriteFile(file, []byte("port = 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := defaultConfig(1000, getenv); got != file {
		t.Errorf("%q", got)
	}
	if got := defaultConfig(1000, func(string) string { return "" }); got != "" {
		t.Errorf("%q for a person", got)
	}
}
