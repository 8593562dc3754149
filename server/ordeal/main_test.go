package ordeal

import (
	"os"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/server/processtest"
)

func TestMain(m *testing.M) { processtest.Main(m) }

// amount is how much of something there is: less than in a soak.
func amount(usual, soak int) int {
	if os.Getenv("PARSEC_SOAK") != "" {
		return soak
	}
	return usual
}
