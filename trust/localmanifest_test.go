package trust

import (
	"errors"
	"math"
	"testing"
)

// TestLocalFile applies the rules of chunk views.
func TestLocalFile(t *testing.T) {
	view := func(start, stop, rawOffset, rawSize uint64) ChunkView {
		return ChunkView{Start: start, Stop: stop, RawOffset: rawOffset, RawSize: rawSize}
	}
	for name, c := range map[string]struct {
		blocks [][]ChunkView
		want   error
	}{
		"empty":             {nil, nil},
		"hole, part, whole": {[][]ChunkView{{}, {view(8, 10, 8, 4), view(12, 16, 12, 4)}}, nil},
		"last span empty":   {[][]ChunkView{{view(0, 8, 0, 8)}, {}}, errEmpty},
		"empty view":        {[][]ChunkView{{view(3, 3, 0, 8)}}, errChunk},
		"before its chunk":  {[][]ChunkView{{view(0, 3, 1, 8)}}, errChunk},
		"beyond its chunk":  {[][]ChunkView{{view(0, 5, 0, 4)}}, errChunk},
		"no chunk":          {[][]ChunkView{{view(0, 0, 0, 0)}}, errChunk},
		"chunk overflows":   {[][]ChunkView{{view(0, 5, 0, 8)}, {view(8, 9, 8, math.MaxUint64)}}, errChunk},
		"in the next span":  {[][]ChunkView{{view(8, 9, 8, 1)}}, errChunkOrder},
		"crosses spans":     {[][]ChunkView{{view(4, 12, 4, 8)}}, errChunkOrder},
		"overlap":           {[][]ChunkView{{view(0, 4, 0, 4), view(3, 5, 3, 2)}}, errChunkOrder},
		"exceeds the size":  {[][]ChunkView{{}, {}, {view(16, 24, 16, 8)}}, errSize},
	} {
		m := &LocalFileManifest{Base: *file8(8, 0), Size: 20, Blocksize: 8, Blocks: c.blocks}
		m.Parent = NewVlobID()
		if err := m.check(); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	own := &LocalFileManifest{Base: *file8(8, 0), Blocksize: 8}
	if own.Parent = own.Base.ID; !errors.Is(own.check(), errParent) {
		t.Error("a file in itself is accepted")
	}
	if own.Blocksize = 7; !errors.Is(own.check(), errBlocksize) {
		t.Error("a small block size is accepted")
	}
}
