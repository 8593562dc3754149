package rules_test

import (
	"testing"

	"github.com/seed-73b3884f/parsec-agent/server/pgtest"
)

func TestMain(m *testing.M) { pgtest.Exit(everyStatus(m.Run())) }
