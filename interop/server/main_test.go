//go:build interop

package server_test

import (
	"testing"

	"github.com/seed-73b3884f/parsec-agent/server/processtest"
)

func TestMain(m *testing.M) { processtest.Main(m) }
