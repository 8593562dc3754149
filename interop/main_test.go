package interop

import (
	"os"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/agentd/agentdtest"
)

func TestMain(m *testing.M) { os.Exit(agentdtest.Main(m)) }
