package rules_test

import (
	"os"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/server/internal/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }
