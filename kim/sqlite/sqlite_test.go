package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/kim"
	"github.com/seed-73b3884f/parsec-agent/kim/kimtest"
	"github.com/seed-73b3884f/parsec-agent/kim/sqlite"
)

func config() kimtest.Config {
	return kimtest.Config{
		Open: func(tb testing.TB, dir string) (kim.Store, error) {
			tb.Helper()
			return sqlite.Open(tb.Context(), filepath.Join(dir, "kim.sqlite3"))
		},
		ComparesAuth: true, EmptyName: true,
	}
}

func TestConformance(t *testing.T) { kimtest.Run(t, config()) }

func BenchmarkStore(b *testing.B) { kimtest.Benchmark(b, config()) }
