package command_test

import (
	"bytes"
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/internal/disktest"
	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	. "github.com/seed-73b3884f/parsec-agent/server/servertest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// content is what does not compress, and is found again.
func content(size int) []byte {
	b := make([]byte, size)
	_, _ = rand.Read(b)
	return b
}

// TestFullDisk: a full disk refuses what needs room, clearly, and nothing that was acknowledged is lost; service goes on when there is room.
func TestFullDisk(t *testing.T) {
	disk := disktest.Sized(t, 8<<10)
	args := []string{"run", "--port=0", "--data-dir=" + filepath.Join(disk, "state"), "--spontaneous-organization-bootstrap"}
	p := start(t, args...)
	o := Remote(t, p.URL()).Bootstrapped()
	realm := o.First.CreateRealm()
	vlobs, blocks := map[trust.VlobID][]byte{}, map[trust.BlockID][]byte{}
	write := func() (vlob, block *Answer) {
		v := &cloud.VlobCreateReq{RealmID: realm, VlobID: trust.NewVlobID(), Timestamp: o.Clock.Tick(), Blob: content(40 << 10)}
		if vlob = o.First.Do(v); vlob.Reply == "ok" {
			vlobs[v.VlobID] = v.Blob
		}
		b := &cloud.BlockCreateReq{RealmID: realm, BlockID: trust.NewBlockID(), Block: content(40 << 10)}
		if block = o.First.Do(b); block.Reply == "ok" {
			blocks[b.BlockID] = b.Block
		}
		return vlob, block
	}
	check := func() {
		t.Helper()
		for id, want := range vlobs {
			req := &cloud.VlobReadBatchReq{RealmID: realm, Vlobs: []trust.VlobID{id}}
			if a := o.First.Do(req); a.Reply != "ok" || !bytes.Contains(a.Body, want) {
				t.Fatalf("vlob %s: %s (HTTP status %d)", id, a.Reply, a.Status)
			}
		}
		for id, want := range blocks {
			if a := o.First.Do(&cloud.BlockReadReq{RealmID: realm, BlockID: id}); a.Reply != "ok" || !bytes.Contains(a.Body, want) {
				t.Fatalf("block %s: %s (HTTP status %d)", id, a.Reply, a.Status)
			}
		}
	}
	for round := range 2 {
		vlob, block := write()
		OK(t, vlob)
		OK(t, block)
		disktest.Fill(t, disk)
		vlob, block = write()
		for range 20 { // what was allocated before is used up first
			if vlob.Status == cloud.StatusStopping {
				break
			}
			vlob, _ = write()
		}
		WantHTTP(t, vlob, cloud.StatusStopping)
		if block.Reply != "store_unavailable" && block.Status != cloud.StatusStopping {
			t.Errorf("a block is answered %q, HTTP status %d", block.Reply, block.Status)
		}
		check()
		if said := p.Log(); !strings.Contains(said, "disk") || !strings.Contains(said, "full") {
			t.Errorf("the log does not say why: %s", said)
		}
		if round == 1 {
			p.Kill()
		}
		disktest.Free(t, disk)
		if round == 1 {
			p = start(t, args...)
			o.URL = p.URL()
		}
		vlob, block = write()
		OK(t, vlob)
		OK(t, block)
		check()
	}
	if _, err := os.Stat(filepath.Join(disk, "state", "server.sqlite3")); err != nil {
		t.Error(err)
	}
}
