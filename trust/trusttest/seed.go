package trusttest

import (
	"os"
	"strconv"
	"testing"
	"time"
)

// Seed is PARSEC_SEED, or the time: it is logged, so that a finding can be repeated.
func Seed(t testing.TB) uint64 {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("PARSEC_SEED"); text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("PARSEC_SEED: %v", err)
		}
		seed = n
	}
	t.Logf("PARSEC_SEED=%d repeats this run", seed)
	return seed
}

// Soak reports whether the whole of a long run is wanted instead of a sample.
func Soak() bool { return os.Getenv("PARSEC_SOAK") != "" }
