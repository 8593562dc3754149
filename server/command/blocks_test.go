package command_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	. "github.com/seed-73b3884f/parsec-agent/server/servertest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// TestBlocks: a set whose disk was replaced is found out and repaired beside the server that uses it.
func TestBlocks(t *testing.T) {
	args, disks := []string{"--data-dir=" + t.TempDir()}, [3]string{}
	for i := range disks {
		disks[i] = filepath.Join(t.TempDir(), "disk")
		args = append(args, fmt.Sprintf("--blockstore=RAID5:%d:directory:%s", i, disks[i]))
	}
	p := start(t, append([]string{"run", "--port=0", "--spontaneous-organization-bootstrap"}, args...)...)
	o := Remote(t, p.URL()).Bootstrapped()
	realm, ids := o.First.CreateRealm(), [10]trust.BlockID{}
	for i := range ids {
		ids[i] = trust.NewBlockID()
		OK(t, o.First.Do(&cloud.BlockCreateReq{BlockID: ids[i], RealmID: realm, Block: []byte("content")}))
	}
	on := func(words ...string) []string { return append(append([]string{"blocks"}, words...), args...) }
	lose := func(disk int) {
		t.Helper()
		if err := os.RemoveAll(filepath.Join(disks[disk], o.ID.String())); err != nil {
			t.Fatal(err)
		}
	}
	runs(t, 0, []string{"10 blocks, of which 0 are bad; 0 without a row"}, on("check")...)
	lose(1)
	runs(t, 0, []string{"10 blocks, of which 0 are bad"}, on("check", "--organization="+o.ID.String())...)
	runs(t, 0, []string{"10 blocks, of which 10 were restored"}, on("repair")...)
	lose(0) // they can only be read now if the repair was one
	runs(t, 0, []string{"10 blocks, of which 10 were restored"}, on("repair")...)
	lose(0)
	lose(2)
	runs(t, 1, []string{"10 blocks, of which 10 are bad", "block not found", "are missing or damaged"}, on("check")...)
	runs(t, 0, []string{"10 blocks, of which 0 are bad"}, on("check", "--quick")...) // one part is there
	runs(t, 1, []string{"10 cannot be", "too little is left"}, on("repair")...)
	lose(1)
	runs(t, 1, []string{"10 blocks, of which 10 are bad"}, on("check", "--quick")...)
	runs(t, 1, []string{"no organisation Nobody"}, on("check", "--organization=Nobody")...)
	other := []string{"--data-dir=" + t.TempDir()}
	runs(t, 0, nil, append([]string{"migrate"}, other...)...)
	runs(t, 1, []string{"no RAID1 or RAID5 set"}, append([]string{"blocks", "repair"}, other...)...)
	runs(t, 2, []string{"needs a command"}, "blocks")
}
