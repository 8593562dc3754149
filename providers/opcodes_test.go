package providers_test

import (
	"context"
	"slices"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
)

type bare struct{}

func (bare) Info() providers.Info { return providers.Info{} }
func (bare) Close() error         { return nil }

// some implements a few powers, among them one that the original's clients cannot parse.
type some struct{ bare }

func (some) Random(context.Context, []byte) error { return nil }

func (some) HashCompute(context.Context, psa.Hash, []byte) ([]byte, error) { return nil, nil }

func (some) MACCompute(context.Context, providers.Key, psa.Algorithm, []byte) ([]byte, error) {
	return nil, nil
}

func (some) SignMessage(context.Context, providers.Key, psa.Algorithm, []byte) ([]byte, error) {
	return nil, nil
}

func TestOpcodes(t *testing.T) {
	if got := providers.Opcodes(bare{}); len(got) != 0 {
		t.Errorf("a provider without powers has %v", got)
	}
	want := []wire.Opcode{wire.OpGenerateRandom, wire.OpHashCompute, wire.OpHashCompare, wire.OpMACCompute, wire.OpSignMessage}
	if got := providers.Opcodes(some{}); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	want = slices.Delete(want, 3, 4)
	if got := providers.Original(some{}); !slices.Equal(got, want) {
		t.Errorf("the original's clients see %v, want %v", got, want)
	}
}
