package interop

import (
	"context"
	"fmt"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/interop/socket"
	"github.com/seed-73b3884f/parsec-agent/proto/agent"
	"github.com/seed-73b3884f/parsec-agent/proto/agent/agentpb"
)

// resources asks an agent, as an administrator, what it holds.
func resources(ctx context.Context, path string) (*agentpb.Info_Resources, error) {
	c, err := socket.Session{Path: path, UID: uint32(os.Getuid())}.Keep(ctx)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	info := &agentpb.Info{}
	if err := c.Do(ctx, agent.OpInfo, nil, info); err != nil {
		return nil, err
	}
	if info.GetResources() == nil {
		return nil, fmt.Errorf("uid %d is no administrator", os.Getuid())
	}
	return info.GetResources(), nil
}

// level is what an agent held before something was done to it.
type level struct {
	t      *testing.T
	path   string
	before *agentpb.Info_Resources
}

// measureLevel takes the level of an agent that has done a little already.
func measureLevel(t *testing.T, path string) *level {
	t.Helper()
	if _, err := resources(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	r, err := resources(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return &level{t, path, r}
}

// What may remain above the level: goroutines and descriptors of requests in flight, and
// memory that the runtime keeps for the next burst.
const (
	spareGoroutines = 4
	spareFiles      = 4
	spareMemory     = 48 << 20
	returnLimit     = 30 * time.Second
)

// returns waits until the agent is back at the level, or fails the test.
func (l *level) returns() {
	l.t.Helper()
	deadline := time.Now().Add(returnLimit)
	for {
		now, err := resources(l.t.Context(), l.path)
		if err != nil {
			l.t.Fatal(err)
		}
		back := now.GetGoroutines() <= l.before.GetGoroutines()+spareGoroutines &&
			now.GetFileDescriptors() <= l.before.GetFileDescriptors()+spareFiles &&
			now.GetConnections() <= l.before.GetConnections()+spareFiles &&
			now.GetMemoryBytes() <= l.before.GetMemoryBytes()+spareMemory
		if back {
			l.t.Logf("before: %v; after: %v", l.before, now)
			return
		}
		if time.Now().After(deadline) {
			l.t.Fatalf("before: %v\nafter:  %v: it does not return to its level", l.before, now)
		}
		time.Sleep(50 * time.Millisecond) // polling, bounded by the deadline
	}
}

// raiseFiles makes room for open files in this process, and in the agents it starts.
func raiseFiles(t *testing.T, n uint64) {
	t.Helper()
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	if old.Cur >= n {
		return
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: n, Max: max(n, old.Max)}); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("cannot raise the limit of open files to %d: %v", n, err)
		}
		t.Skipf("needs %d open files: raise `ulimit -n`, or run as root", n)
	}
	t.Cleanup(func() { _ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &old) })
}
