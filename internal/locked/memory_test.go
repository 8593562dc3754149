package locked_test

import (
	"os"
	"strings"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/internal/locked"
)

// TestAllocate asks the kernel whether the memory is locked and kept out of core dumps and
// child processes.
func TestAllocate(t *testing.T) {
	before := flags(t)
	memory, lockErr, err := locked.Allocate(100)
	if err != nil || len(memory) != 100 {
		t.Fatal(len(memory), err)
	}
	if lockErr != nil {
		t.Skipf("this machine does not lock memory: %v", lockErr)
	}
	copy(memory, "secret")
	if n := flags(t) - before; n != 1 {
		t.Errorf("%d mappings are locked, not dumped and wiped on fork, want one", n)
	}
	locked.Release(memory)
	if n := flags(t) - before; n != 0 {
		t.Errorf("%d mappings stay", n)
	}
}

// flags counts the mappings of this process that are locked, not dumped and wiped on fork.
func flags(t *testing.T) (n int) {
	t.Helper()
	b, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if all := " " + line; strings.HasPrefix(line, "VmFlags:") && strings.Contains(all, " lo ") && strings.Contains(all, " dd ") && strings.Contains(all, " wf ") {
			n++
		}
	}
	return n
}
