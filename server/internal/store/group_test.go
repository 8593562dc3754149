package store

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/trust"
)

// grouped is a store whose writer is held while jobs queue up behind it.
type grouped struct {
	t     *testing.T
	s     *Store
	jobs  sync.WaitGroup
	mu    sync.Mutex
	acked map[string]error
}

func newGrouped(t *testing.T) *grouped {
	s, err := Open(t.Context(), Options{URL: "sqlite:" + filepath.Join(t.TempDir(), "s")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return &grouped{t: t, s: s, acked: map[string]error{}}
}

// job queues a device with a label. It notes how the commit will wait.
func (g *grouped) job(label string, write func(context.Context, []Lock, func(*Tx) error) error, then func(sync int64) error) {
	g.jobs.Go(func() {
		err := write(g.t.Context(), nil, func(tx *Tx) error {
			if err := putDevice(g.t.Context(), tx, trust.NewDeviceID(), label); err != nil {
				return err
			}
			how := int64(0)
			if _, err := tx.Get(g.t.Context(), SQL(`PRAGMA synchronous`), &how); err != nil {
				return err
			}
			return then(how)
		})
		if err == nil && !g.labels()[label] {
			err = errors.New("it is acknowledged, and no reader sees it")
		}
		g.mu.Lock()
		defer g.mu.Unlock()
		g.acked[label] = err
	})
}

// labels are the devices that a reader sees.
func (g *grouped) labels() map[string]bool {
	all := map[string]bool{}
	err := g.s.Read(g.t.Context(), func(tx *Tx) error {
		return tx.Each(g.t.Context(), SQL(`SELECT label FROM device`), func(r Row) error {
			label := ""
			err := r.Scan(&label)
			all[label] = true
			return err
		})
	})
	if err != nil {
		g.t.Error(err)
	}
	return all
}

// How commits wait, as SQLite says.
const (
	normal = 1
	full   = 2
)

var errRefused = errors.New("refused")

// TestGroup: jobs that wait for each other share a commit. One that fails is undone alone, none is acknowledged before the commit, and all wait for the disk but a group
// of notes.
func TestGroup(t *testing.T) {
	g := newGrouped(t)
	began, goOn := make(chan struct{}), make(chan struct{})
	g.job("first", g.s.Note, func(how int64) error {
		close(began)
		<-goOn
		if how != normal {
			return fmt.Errorf("a note waits for the disk: %d", how)
		}
		return nil
	})
	<-began
	durable := func(how int64) error {
		if how != full {
			return fmt.Errorf("a commit does not wait for the disk: %d", how)
		}
		return nil
	}
	for i := range 20 {
		switch i % 4 {
		case 0:
			g.job(fmt.Sprint("fails ", i), g.s.Write, func(int64) error { return errRefused })
		case 1:
			g.job(fmt.Sprint("panics ", i), g.s.Write, func(int64) error { panic("broken") })
		case 2:
			g.job(fmt.Sprint("kept ", i), g.s.Write, durable)
		default:
			g.job(fmt.Sprint("noted ", i), g.s.Note, func(int64) error { return nil })
		}
	}
	if seen := g.labels(); len(seen) != 0 {
		t.Errorf("%v is seen before its commit", seen)
	}
	close(goOn)
	g.jobs.Wait()
	seen := g.labels()
	for label, err := range g.acked {
		switch label[0] {
		case 'k', 'n', 'f':
			if label[:2] != "fa" && (err != nil || !seen[label]) {
				t.Errorf("%s: %v, kept %v", label, err, seen[label])
			}
			if label[:2] == "fa" && (!errors.Is(err, errRefused) || seen[label]) {
				t.Errorf("%s: %v, kept %v", label, err, seen[label])
			}
		default:
			if err == nil || seen[label] {
				t.Errorf("%s: %v, kept %v", label, err, seen[label])
			}
		}
	}
	if len(g.acked) != 21 || len(seen) != 11 {
		t.Errorf("%d answers, %d rows", len(g.acked), len(seen))
	}
}
