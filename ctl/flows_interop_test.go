//go:build interop

package ctl_test

import (
	"os"
	"strings"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud/cloudtest"
	"github.com/seed-73b3884f/parsec-agent/server/pgtest"
	"github.com/seed-73b3884f/parsec-agent/server/processtest"
)

// TestReferenceFlows plays the flows of TestFlows on two processes of ours, of which one or the other is killed all the time, and on the original's server.
func TestReferenceFlows(t *testing.T) {
	soak := os.Getenv("PARSEC_SOAK") != ""
	for _, on := range []struct {
		name  string
		whole bool
		start func(*testing.T) *site
	}{
		{"two processes on PostgreSQL", soak, twoProcesses},
		{"the original in memory", true, func(t *testing.T) *site { return original(t, "MOCKED") }},
		{"the original on PostgreSQL", soak, func(t *testing.T) *site { return original(t, pgtest.Database(t)) }},
	} {
		t.Run(on.name, func(t *testing.T) {
			t.Parallel()
			play(t, on.start(t), on.whole)
		})
	}
}

func original(t *testing.T, database string) *site {
	t.Helper()
	return &site{url: strings.TrimSuffix(cloudtest.ServerOn(t, database).HTTP(), "/")}
}

// twoProcesses is our server twice, behind a proxy. Struck, the one that stands is killed, and the other one, killed before, comes back.
func twoProcesses(t *testing.T) *site {
	t.Helper()
	args := append([]string{"--data-dir=" + t.TempDir(), "--db=" + pgtest.Database(t), "--blockstore=POSTGRESQL"}, ours...)
	stands, falls := processtest.Start(t, args...), processtest.Start(t, args...)
	s := &site{url: processtest.Balance(t, stands, falls)}
	falls.Kill()
	s.strike = func() {
		falls.Again()
		stands, falls = falls, stands
		falls.Kill()
	}
	return s
}
