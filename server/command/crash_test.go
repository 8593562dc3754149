package command_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/server/pgtest"
	. "github.com/seed-73b3884f/parsec-agent/server/servertest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// TestKillUnderLoad: a server is killed at random while clients write. What was acknowledged is there, whole, and nothing is half there.
func TestKillUnderLoad(t *testing.T) {
	rounds, seed := 4, uint64(time.Now().UnixNano())
	if os.Getenv("PARSEC_SOAK") != "" {
		rounds = 300
	}
	if s := os.Getenv("PARSEC_SEED"); s != "" {
		seed = Must(strconv.ParseUint(s, 10, 64))
	}
	t.Logf("PARSEC_SEED=%d", seed)
	for name, database := range map[string]func(t *testing.T, dir string) string{
		"SQLite":     func(_ *testing.T, dir string) string { return "sqlite:" + filepath.Join(dir, "server.sqlite3") },
		"PostgreSQL": func(t *testing.T, _ string) string { return pgtest.Database(t) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			args := []string{"run", "--port=0", "--data-dir=" + dir, "--db=" + database(t, dir), "--spontaneous-organization-bootstrap"}
			random := rand.New(rand.NewPCG(seed, 0))
			p := start(t, args...)
			o := Remote(t, p.URL()).Bootstrapped()
			realm := o.First.CreateRealm()
			all := NewLedger()
			for round := range rounds {
				w := NewLedger()
				load(w, o.First, realm, func() {
					if round%2 == 0 { // also where a machine is slow
						w.Grow(t, 1)
					}
					time.Sleep(time.Duration(20+random.IntN(200)) * time.Millisecond) // the moment is what is drawn
					p.Kill()
				})
				p = start(t, args...)
				o.URL = p.URL()
				if behind := time.Since(o.Clock.Now()) - time.Minute; behind > 0 { // many rounds take long
					o.Clock.Advance(behind)
				}
				w.Check(t, o.First, realm, name == "PostgreSQL")
				all.Add(w)
			}
			all.Check(t, o.First, realm, name == "PostgreSQL")
			if vlobs, blocks := all.Count(); vlobs == 0 || blocks == 0 {
				t.Error("nothing was written in all rounds")
			}
		})
	}
}

// load writes with several clients until the server is gone.
func load(w *Ledger, d *Device, realm trust.RealmID, end func()) {
	group := sync.WaitGroup{}
	for i := range 4 {
		write := w.WriteVlob
		if i%2 == 0 {
			write = w.WriteBlock
		}
		group.Go(func() {
			for {
				if _, err := write(d, realm); err != nil {
					return
				}
			}
		})
	}
	end()
	group.Wait()
}
