package trust_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/trust"
)

func TestBlocks(t *testing.T) {
	key, plain := trust.GenerateKeyDerivation(), []byte("content of a block")
	access, sealed, err := key.SealBlock(trust.NewBlockID(), 512, plain)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := key.OpenBlock(access, sealed); err != nil || !bytes.Equal(got, plain) {
		t.Fatalf("%q, %v", got, err)
	}
	otherID, otherSize, otherDigest := access, access, access
	otherID.ID, otherSize.Size, otherDigest.Digest[0] = trust.NewBlockID(), access.Size-1, access.Digest[0]^1
	for name, c := range map[string]struct {
		access trust.BlockAccess
		want   error
	}{"id": {otherID, trust.ErrDecryption}, "size": {otherSize, trust.ErrBlock}, "digest": {otherDigest, trust.ErrBlock}} {
		if _, err := key.OpenBlock(c.access, sealed); !errors.Is(err, c.want) {
			t.Errorf("another %s: %v", name, err)
		}
	}
	if _, _, err := key.SealBlock(trust.NewBlockID(), 0, nil); !errors.Is(err, trust.ErrBlock) {
		t.Errorf("an empty block: %v", err)
	}
	if _, err := key.OpenBlock(access, sealed[:trust.SecretKeyOverhead-1]); !errors.Is(err, trust.ErrDecryption) {
		t.Errorf("a block that is cut off: %v", err)
	}
}

// TestBlocksInPlace: memory is used again, and has nothing of what does not open.
func TestBlocksInPlace(t *testing.T) {
	key, id := trust.GenerateKeyDerivation(), trust.NewBlockID()
	box, out := make([]byte, 0, 1024), make([]byte, 0, 1024)
	for _, text := range []string{"first", "second block", "3"} {
		access, sealed, err := key.AppendSealedBlock(append(box, "head"...), id, 0, []byte(text))
		if err != nil || &sealed[0] != &box[:1][0] || string(sealed[:4]) != "head" {
			t.Fatalf("%q: %v", sealed, err)
		}
		opened, err := key.AppendOpenedBlock(append(out, "begin "...), access, sealed[4:])
		if err != nil || &opened[0] != &out[:1][0] || string(opened) != "begin "+text {
			t.Fatalf("%q: %v", opened, err)
		}
		access.Digest[0] ^= 1
		clear(out[:cap(out)])
		if _, err := key.AppendOpenedBlock(out, access, sealed[4:]); !errors.Is(err, trust.ErrBlock) {
			t.Errorf("another digest: %v", err)
		}
		if slices.ContainsFunc(out[:cap(out)], func(b byte) bool { return b != 0 }) {
			t.Error("what was refused stays in memory")
		}
	}
	work := make([]byte, trust.DefaultBlocksize)
	large := make([]byte, 0, trust.DefaultBlocksize+trust.SecretKeyOverhead)
	allocations := testing.AllocsPerRun(5, func() {
		access, sealed, err := key.AppendSealedBlock(large, id, 0, work)
		if err == nil {
			_, err = key.AppendOpenedBlock(work[:0], access, sealed)
		}
		if err != nil {
			t.Error(err)
		}
	})
	if allocations > 10 {
		t.Errorf("%v allocations", allocations)
	}
}
