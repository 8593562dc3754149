package memory_test

import (
	"errors"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks"
	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks/blockstest"
	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks/memory"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

func TestMemory(t *testing.T) {
	blockstest.Run(t, blockstest.Config{
		Place:    func(testing.TB) string { return "" },
		Open:     func(testing.TB, string) (blocks.Store, error) { return memory.New(64 << 20), nil },
		Volatile: true,
	})
}

func TestBounded(t *testing.T) {
	s, org, first := memory.New(1000), blockstest.Org(t, "o"), trust.NewBlockID()
	if err := s.Create(t.Context(), org, first, make([]byte, 900)); err != nil {
		t.Fatal(err)
	}
	if err := s.Create(t.Context(), org, trust.NewBlockID(), make([]byte, 101)); !errors.Is(err, blocks.ErrUnavailable) {
		t.Errorf("more than its memory: %v", err)
	}
	if err := s.Delete(t.Context(), org, first); err != nil {
		t.Fatal(err)
	}
	if err := s.Create(t.Context(), org, trust.NewBlockID(), make([]byte, 1000)); err != nil {
		t.Errorf("the memory was not given back: %v", err)
	}
}
