package directory_test

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks/blockstest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

const benchSize = 512 << 10

// BenchmarkBlocks compares the store with the bare disk under the same file system, turn by
// turn, so that what else the machine does weighs on both. The disk writes and reads files
// of the same size, each made, synchronised and never renamed: less than a store may do.
func BenchmarkBlocks(b *testing.B) {
	for _, writers := range []int{1, 32} {
		b.Run(fmt.Sprintf("create/%d", writers), func(b *testing.B) { benchCreate(b, writers) })
		b.Run(fmt.Sprintf("read/%d", writers), func(b *testing.B) { benchRead(b, writers) })
	}
}

// compare runs ours and bare in turn and reports what ours reaches of bare.
func compare(b *testing.B, workers int, ours, bare func(worker, n int)) {
	b.Helper()
	var spent [2]time.Duration
	b.SetBytes(int64(workers * benchSize))
	n := 0
	for b.Loop() {
		for i, work := range []func(worker, n int){ours, bare} {
			start := time.Now()
			var wg sync.WaitGroup
			for w := range workers {
				wg.Go(func() { work(w, n) })
			}
			wg.Wait()
			spent[i] += time.Since(start)
		}
		n++
	}
	rate := func(d time.Duration) float64 { return float64(n*workers) / d.Seconds() }
	b.ReportMetric(rate(spent[0]), "blocks/s")
	b.ReportMetric(rate(spent[1]), "bare/s")
	b.ReportMetric(100*spent[1].Seconds()/spent[0].Seconds(), "%ofbare")
}

func benchCreate(b *testing.B, workers int) {
	dir := b.TempDir()
	s := open(b, filepath.Join(dir, "blocks"))
	org, data := blockstest.Org(b, "o"), blockstest.Content(trust.NewBlockID(), 0, benchSize)
	warm(b, func(id trust.BlockID) error { return s.Create(b.Context(), org, id, nil) })
	compare(b, workers, func(int, int) {
		if err := s.Create(b.Context(), org, trust.NewBlockID(), data); err != nil {
			b.Error(err)
		}
	}, func(worker, n int) {
		if err := bareWrite(filepath.Join(dir, fmt.Sprintf("%d-%d", worker, n)), data); err != nil {
			b.Error(err)
		}
	})
}

// warm makes the 256 folders, as they are after the first seconds of a server's life.
func warm(b *testing.B, create func(trust.BlockID) error) {
	b.Helper()
	for i := range 256 {
		if err := create(trust.BlockID{byte(i), 1}); err != nil {
			b.Fatal(err)
		}
	}
}

func bareWrite(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err := f.Write(data); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return f.Close()
}

func benchRead(b *testing.B, workers int) {
	dir := b.TempDir()
	s := open(b, filepath.Join(dir, "blocks"))
	org, ids := blockstest.Org(b, "o"), make([]trust.BlockID, 64)
	for i := range ids {
		ids[i] = trust.NewBlockID()
		data := blockstest.Content(ids[i], 0, benchSize)
		if err := s.Create(b.Context(), org, ids[i], data); err != nil {
			b.Fatal(err)
		}
		if err := bareWrite(filepath.Join(dir, ids[i].String()), data); err != nil {
			b.Fatal(err)
		}
	}
	compare(b, workers, func(worker, n int) {
		if _, err := s.Read(b.Context(), org, ids[(worker+n)%len(ids)]); err != nil {
			b.Error(err)
		}
	}, func(worker, n int) {
		if _, err := os.ReadFile(filepath.Join(dir, ids[(worker+n)%len(ids)].String())); err != nil {
			b.Error(err)
		}
	})
}
