package interop

import (
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/agentd/agentdtest"
)

func TestMain(m *testing.M) { os.Exit(agentdtest.Main(m)) }

// seed is PARSEC_SEED, or the time: it is printed, so that a finding can be repeated.
func seed(t *testing.T) uint64 {
	t.Helper()
	n := uint64(time.Now().UnixNano())
	if text := os.Getenv("PARSEC_SEED"); text != "" {
		var err error
		if n, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("PARSEC_SEED: %v", err)
		}
	}
	t.Logf("PARSEC_SEED=%d repeats this run", n)
	return n
}

// rounds is how often a long test does its work: fewer times than in a soak.
func rounds(usual, soak int) int {
	if os.Getenv("PARSEC_SOAK") != "" {
		return soak
	}
	return usual
}
