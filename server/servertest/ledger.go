package servertest

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Ledger is what clients were told to be stored, while servers, databases and block stores come and go. It may be used concurrently.
type Ledger struct {
	mu     sync.Mutex
	vlobs  map[trust.VlobID]string
	blocks map[trust.BlockID]string
	// tried are blocks whose outcome nobody knows.
	tried map[trust.BlockID]string
}

// NewLedger returns one in which nothing is written.
func NewLedger() *Ledger {
	return &Ledger{vlobs: map[trust.VlobID]string{}, blocks: map[trust.BlockID]string{}, tried: map[trust.BlockID]string{}}
}

// Count returns how many vlobs and blocks were acknowledged.
func (l *Ledger) Count() (vlobs, blocks int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.vlobs), len(l.blocks)
}

// Grow waits until so many more of both were acknowledged.
func (l *Ledger) Grow(t testing.TB, more int) {
	t.Helper()
	vlobs, blocks := l.Count()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		v, b := l.Count()
		if v >= vlobs+more && b >= blocks+more {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("of %d vlobs and blocks more, %d and %d were written", more, v-vlobs, b-blocks)
		}
	}
}

// Add takes what another one has.
func (l *Ledger) Add(o *Ledger) {
	maps.Copy(l.vlobs, o.vlobs)
	maps.Copy(l.blocks, o.blocks)
	maps.Copy(l.tried, o.tried)
}

// WriteVlob stores a vlob in a realm without a key, and returns the answer, if there was one.
func (l *Ledger) WriteVlob(d *Device, realm trust.RealmID) (*Answer, error) {
	req := &cloud.VlobCreateReq{RealmID: realm, VlobID: trust.NewVlobID(), Timestamp: Must(trust.DateTimeOf(time.Now())), Blob: fmt.Append(nil, rand.Uint64())}
	a, err := d.Try(req)
	if err == nil && a.Reply == "ok" {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.vlobs[req.VlobID] = string(req.Blob)
	}
	return a, err
}

// WriteBlock does the same with a block.
func (l *Ledger) WriteBlock(d *Device, realm trust.RealmID) (*Answer, error) {
	req := &cloud.BlockCreateReq{BlockID: trust.NewBlockID(), RealmID: realm, Block: fmt.Append(nil, rand.Uint64())}
	a, err := d.Try(req)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err == nil && a.Reply == "ok" {
		l.blocks[req.BlockID] = string(req.Block)
	} else {
		l.tried[req.BlockID] = string(req.Block)
	}
	return a, err
}

// Check reads everything again, and tries again what did not come to an end. Where several processes may have the database, one of them could
// still be at work on that.
func (l *Ledger) Check(t testing.TB, d *Device, realm trust.RealmID, shared bool) {
	t.Helper()
	poll := &cloud.VlobPollChangesReq{RealmID: realm}
	changes := Decode[cloud.VlobPollChangesOK](t, d.Do(poll), poll.DecodeReply)
	if uint64(len(changes.Changes)) != changes.CurrentCheckpoint {
		t.Errorf("%d vlobs under %d checkpoints", len(changes.Changes), changes.CurrentCheckpoint)
	}
	for id, content := range l.vlobs {
		read := &cloud.VlobReadBatchReq{RealmID: realm, Vlobs: []trust.VlobID{id}}
		if rep := Decode[cloud.VlobReadBatchOK](t, d.Do(read), read.DecodeReply); len(rep.Items) != 1 || string(rep.Items[0].Blob) != content {
			t.Errorf("vlob %s was acknowledged and is lost", id)
		}
	}
	l.tryAgain(t, d, realm, shared)
	for id, content := range l.blocks {
		read := &cloud.BlockReadReq{BlockID: id, RealmID: realm}
		if rep := Decode[cloud.BlockReadOK](t, d.Do(read), read.DecodeReply); string(rep.Block) != content {
			t.Errorf("block %s was acknowledged and is lost", id)
		}
	}
}

// tryAgain does what clients do, with what they encrypted anew.
func (l *Ledger) tryAgain(t testing.TB, d *Device, realm trust.RealmID, shared bool) {
	t.Helper()
	for id, content := range l.tried {
		req := &cloud.BlockCreateReq{BlockID: id, RealmID: realm, Block: []byte(content + " again")}
		switch a := d.Do(req); {
		case a.Reply == "ok":
			l.blocks[id] = string(req.Block)
		case a.Reply == "block_already_exists":
			l.blocks[id] = content
		case a.Reply == "store_unavailable" && shared:
			read := &cloud.BlockReadReq{BlockID: id, RealmID: realm}
			Want(t, d.Do(read), "block_not_found")
			continue
		default:
			t.Errorf("a block cannot be stored again: %s", a.Reply)
		}
		delete(l.tried, id)
	}
}
