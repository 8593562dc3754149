package processtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/server/pgtest"
)

// built is the program that all tests share.
var built struct {
	sync.Mutex // guards the field below

	dir string
}

// program returns the path of parsec-server, as users get it: without the race detector, whose memory would be measured too.
func program(t testing.TB) string {
	t.Helper()
	built.Lock()
	defer built.Unlock()
	if built.dir == "" {
		dir, err := os.MkdirTemp("", "parsec-server-") //nolint:usetesting // it outlives the test
		if err != nil {
			t.Fatal(err)
		}
		built.dir = dir
		build := exec.CommandContext(t.Context(), "go", "build", "-ldflags=-s -w", "-o", dir, "github.com/seed-73b3884f/parsec-agent/server/parsec-server")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("cannot build parsec-server: %v\n%s", err, out)
		}
	}
	return filepath.Join(built.dir, "parsec-server")
}

// Main runs the tests of a program, and removes what they shared.
func Main(m *testing.M) { os.Exit(Clean(m.Run())) }

// Clean removes what tests shared, for a program that exits otherwise, and returns the exit status, which is a failure if that fails.
func Clean(code int) int {
	built.Lock()
	defer built.Unlock()
	if built.dir != "" {
		if err := os.RemoveAll(built.dir); err != nil {
			fmt.Fprintln(os.Stderr, "processtest:", err)
			code = max(code, 1)
		}
	}
	return pgtest.Clean(code)
}
