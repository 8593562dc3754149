package kimtest

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/kim"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
)

// Benchmark measures what callers wait for.
func Benchmark(b *testing.B, c Config) {
	b.Run("Get", func(b *testing.B) {
		s := filled(b, c, b.TempDir(), 1000)
		b.ReportAllocs()
		b.ResetTimer()
		b.RunParallel(func(p *testing.PB) {
			for p.Next() {
				if _, err := s.Get(Alice, "key500", Software); err != nil {
					b.Error(err)
				}
			}
		})
	})
	b.Run("List1000", func(b *testing.B) {
		s := filled(b, c, b.TempDir(), 1000)
		b.ReportAllocs()
		for b.Loop() {
			if n := len(s.List(Alice)); n != 1000 {
				b.Fatal(n)
			}
		}
	})
	b.Run("Open1000", func(b *testing.B) {
		dir := b.TempDir()
		if err := filled(b, c, dir, 1000).Close(); err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		for b.Loop() {
			s, err := c.Open(b, dir)
			if err != nil || len(s.List(Alice)) != 1000 {
				b.Fatal(err)
			}
			if err := s.Close(); err != nil {
				b.Fatal(err)
			}
		}
	})
	for _, writers := range []int{1, 32} {
		b.Run(fmt.Sprintf("Commit/%d", writers), func(b *testing.B) {
			s := filled(b, c, b.TempDir(), 0)
			var n atomic.Int64
			b.SetParallelism(writers)
			if writers == 1 {
				for b.Loop() {
					create(b, s, entry(Alice, psa.KeyName(fmt.Sprintf("key%d", n.Add(1))), "id", P256()))
				}
				return
			}
			b.ResetTimer()
			b.RunParallel(func(p *testing.PB) {
				for p.Next() {
					create(b, s, entry(Alice, psa.KeyName(fmt.Sprintf("key%d", n.Add(1))), "id", P256()))
				}
			})
		})
	}
}

func filled(b *testing.B, c Config, dir string, entries int) kim.Store {
	b.Helper()
	s, err := c.Open(b, dir)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	for i := range entries {
		create(b, s, entry(Alice, psa.KeyName(fmt.Sprintf("key%d", i)), "\x02\x00\x00\x00", P256()))
	}
	return s
}
