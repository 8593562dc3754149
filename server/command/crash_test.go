package command_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/pgtest"
	. "github.com/seed-73b3884f/parsec-agent/server/servertest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// written is what clients were told to be stored.
type written struct {
	mu     sync.Mutex
	vlobs  map[trust.VlobID]string
	blocks map[trust.BlockID]string
	// tried are blocks whose outcome nobody knows.
	tried map[trust.BlockID]string
}

func newWritten() *written {
	return &written{vlobs: map[trust.VlobID]string{}, blocks: map[trust.BlockID]string{}, tried: map[trust.BlockID]string{}}
}

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
			o := Remote(t, p.url).Bootstrapped()
			realm := o.First.CreateRealm()
			all := newWritten()
			for range rounds {
				w := newWritten()
				w.load(o, realm, func() {
					time.Sleep(time.Duration(20+random.IntN(200)) * time.Millisecond) // the moment is what is drawn
					p.kill()
				})
				p = start(t, args...)
				o.URL = p.url
				w.check(t, o, realm, name == "PostgreSQL")
				maps.Copy(all.vlobs, w.vlobs)
				maps.Copy(all.blocks, w.blocks)
			}
			all.check(t, o, realm, name == "PostgreSQL")
			if len(all.vlobs) == 0 || len(all.blocks) == 0 {
				t.Error("nothing was written in all rounds")
			}
		})
	}
}

// load writes with several clients until the server is gone.
func (w *written) load(o *Organization, realm trust.RealmID, end func()) {
	group := sync.WaitGroup{}
	for i := range 4 {
		group.Go(func() {
			for w.write(o, realm, i%2 == 0) {
			}
		})
	}
	end()
	group.Wait()
}

// write stores something and reports whether the server answered.
func (w *written) write(o *Organization, realm trust.RealmID, vlob bool) bool {
	content := fmt.Sprint(rand.Uint64())
	if vlob {
		at := Must(trust.DateTimeOf(time.Now()))
		req := &cloud.VlobCreateReq{RealmID: realm, VlobID: trust.NewVlobID(), Timestamp: at, Blob: []byte(content)}
		a, err := o.First.Try(req)
		if err == nil && a.Reply == "ok" {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.vlobs[req.VlobID] = content
		}
		return err == nil
	}
	req := &cloud.BlockCreateReq{BlockID: trust.NewBlockID(), RealmID: realm, Block: []byte(content)}
	a, err := o.First.Try(req)
	w.mu.Lock()
	defer w.mu.Unlock()
	if err == nil && a.Reply == "ok" {
		w.blocks[req.BlockID] = content
	} else {
		w.tried[req.BlockID] = content
	}
	return err == nil
}

// check reads everything again. Processes may share the database, or not.
func (w *written) check(t *testing.T, o *Organization, realm trust.RealmID, shared bool) {
	t.Helper()
	poll := &cloud.VlobPollChangesReq{RealmID: realm}
	changes := Decode[cloud.VlobPollChangesOK](t, o.First.Do(poll), poll.DecodeReply)
	if uint64(len(changes.Changes)) != changes.CurrentCheckpoint {
		t.Errorf("%d vlobs under %d checkpoints", len(changes.Changes), changes.CurrentCheckpoint)
	}
	for id, content := range w.vlobs {
		read := &cloud.VlobReadBatchReq{RealmID: realm, Vlobs: []trust.VlobID{id}}
		if rep := Decode[cloud.VlobReadBatchOK](t, o.First.Do(read), read.DecodeReply); len(rep.Items) != 1 || string(rep.Items[0].Blob) != content {
			t.Errorf("vlob %s was acknowledged and is lost", id)
		}
	}
	for id, content := range w.tried { // a client tries again, with what it encrypted anew
		req := &cloud.BlockCreateReq{BlockID: id, RealmID: realm, Block: []byte(content + " again")}
		switch a := o.First.Do(req); {
		case a.Reply == "ok":
			w.blocks[id] = string(req.Block)
		case a.Reply == "block_already_exists":
			w.blocks[id] = content
		case a.Reply == "store_unavailable" && shared: // another process might be at work
			read := &cloud.BlockReadReq{BlockID: id, RealmID: realm}
			Want(t, o.First.Do(read), "block_not_found")
			continue
		default:
			t.Errorf("a block cannot be stored again: %s", a.Reply)
		}
		delete(w.tried, id)
	}
	for id, content := range w.blocks {
		read := &cloud.BlockReadReq{BlockID: id, RealmID: realm}
		if rep := Decode[cloud.BlockReadOK](t, o.First.Do(read), read.DecodeReply); string(rep.Block) != content {
			t.Errorf("block %s was acknowledged and is lost", id)
		}
	}
}
