package agentd

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-73b3884f/parsec-agent/agentd/config"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

func testLedger() *ledger {
	return newLedger(config.Limits{ConnectionsPerUID: 2, Connections: 3, RequestsPerUID: 1, MemoryPerUID: 100})
}

func connect(t *testing.T, g *ledger, uid uint32) *account {
	t.Helper()
	a, err := g.connect(uid)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func busy(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, wire.StatusInsufficientMemory) {
		t.Fatalf("not refused: %v", err)
	}
}

func TestConnectionsAreCountedPerUID(t *testing.T) {
	g := testLedger()
	a := connect(t, g, 1)
	connect(t, g, 1)
	_, err := g.connect(1)
	busy(t, err)
	connect(t, g, 2)
	_, err = g.connect(3)
	busy(t, err) // three in all
	a.disconnect()
	connect(t, g, 3)
	if got := g.refused.Load(); got != 2 {
		t.Errorf("%d refusals counted, want 2", got)
	}
}

func TestAccountsOfGoneUIDsAreForgotten(t *testing.T) {
	g := testLedger()
	for uid := range uint32(50) {
		connect(t, g, uid).disconnect()
	}
	if len(g.owners) != 0 || g.total.Load() != 0 {
		t.Errorf("%d accounts and %d connections are left", len(g.owners), g.total.Load())
	}
}

func TestMemoryIsSharedByTheConnectionsOfAUID(t *testing.T) {
	g := testLedger()
	a, b := connect(t, g, 1), connect(t, g, 1)
	if err := a.reserve(60); err != nil {
		t.Fatal(err)
	}
	busy(t, b.reserve(41))
	a.release(60)
	if err := b.reserve(100); err != nil {
		t.Fatal(err)
	}
}

func TestARequestWaitsForItsTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := connect(t, testLedger(), 1)
		if err := a.begin(t.Context(), time.Second); err != nil {
			t.Fatal(err)
		}
		done := make(chan error)
		go func() { done <- a.begin(t.Context(), time.Second) }()
		synctest.Wait()
		a.end()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		busy(t, a.begin(t.Context(), time.Second)) // the place was passed on
		a.end()
		if err := a.begin(t.Context(), time.Second); err != nil {
			t.Fatal(err)
		}
		if len(a.waiting) != 0 {
			t.Errorf("%d still wait", len(a.waiting))
		}
	})
}

func TestAWaitingRequestLeavesWhenTheServiceStops(t *testing.T) {
	a := connect(t, testLedger(), 1)
	if err := a.begin(t.Context(), time.Second); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	busy(t, a.begin(ctx, time.Hour))
}
