package trust

import (
	"bytes"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/trust/mpack"
)

// TestStored: what is stored reads as what is compressed does, at every size of a block, and no more than a block is taken.
func TestStored(t *testing.T) {
	for _, n := range []int{0, 1, 255, 256, 65535, 65536, largestStored - 5} {
		content := bytes.Repeat([]byte{0x5a}, n)
		write := func(w *mpack.Writer) { w.Bytes(content) }
		packed := must(packStored(write))
		if !bytes.HasSuffix(packed, content) {
			t.Errorf("%d bytes are not stored as they are", n)
		}
		var got []byte
		if err := unpack(packed, func(r *mpack.Reader) { got = bytes.Clone(r.Bytes(largestStored)) }); err != nil || !bytes.Equal(got, content) {
			t.Errorf("%d bytes: %d come back, %v", n, len(got), err)
		}
	}
	if _, err := packStored(func(w *mpack.Writer) { w.Bytes(make([]byte, largestStored)) }); err == nil {
		t.Error("more than a block is taken")
	}
}
