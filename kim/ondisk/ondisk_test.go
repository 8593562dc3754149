package ondisk_test

import (
	"path/filepath"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/kim"
	"github.com/seed-73b3884f/parsec-agent/kim/kimtest"
	"github.com/seed-73b3884f/parsec-agent/kim/ondisk"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

func options() ondisk.Options {
	return ondisk.Options{
		Auth:      wire.AuthUnixPeer,
		Providers: map[wire.ProviderID]kim.Provider{kimtest.Software.ID: kimtest.Software, kimtest.Token.ID: kimtest.Token},
	}
}

func config() kimtest.Config {
	return kimtest.Config{
		Open: func(tb testing.TB, dir string) (kim.Store, error) {
			tb.Helper()
			return ondisk.Open(tb.Context(), filepath.Join(dir, "mappings"), options())
		},
		ComparesProvider: true, MaxName: 189,
	}
}

func TestConformance(t *testing.T) { kimtest.Run(t, config()) }

func BenchmarkStore(b *testing.B) { kimtest.Benchmark(b, config()) }
