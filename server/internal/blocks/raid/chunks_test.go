package raid

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks"
)

// vector is what the original's split_block_in_chunks and generate_checksum_chunk gave.
type vector struct {
	Nodes  int
	Block  string
	Chunks []string
}

func vectors(t testing.TB) []vector {
	t.Helper()
	text, err := os.ReadFile("testdata/raid5.json")
	if err != nil {
		t.Fatal(err)
	}
	all := []vector{}
	if err := json.Unmarshal(text, &all); err != nil || len(all) == 0 {
		t.Fatalf("%d vectors, %v", len(all), err)
	}
	return all
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestGoldenChunks: we write what the original writes, and read it with each part missing.
func TestGoldenChunks(t *testing.T) {
	for _, v := range vectors(t) {
		block := unhex(t, v.Block)
		chunks := split(block, v.Nodes)
		for i, want := range v.Chunks {
			if got := hex.EncodeToString(chunks[i]); got != want {
				t.Errorf("%d nodes, %d bytes: chunk %d is %s, not %s", v.Nodes, len(block), i, got, want)
			}
		}
		for missing := -1; missing < v.Nodes; missing++ {
			parts := make([][]byte, v.Nodes)
			for i := range parts {
				if i != missing {
					parts[i] = unhex(t, v.Chunks[i])
				}
			}
			if got, err := join(parts); err != nil || !bytes.Equal(got, block) {
				t.Errorf("%d nodes, %d bytes, chunk %d missing: %x, %v", v.Nodes, len(block), missing, got, err)
			}
		}
	}
}

func TestJoinRefuses(t *testing.T) {
	for what, chunks := range map[string][][]byte{
		"nothing":             {nil, nil, nil},
		"two missing":         {nil, nil, []byte("abcd")},
		"parity missing too":  {[]byte("abcd"), nil, nil},
		"other sizes":         {{0, 0, 0, 0}, {0, 0, 0}, nil},
		"empty":               {{}, {}, {}},
		"no room":             {{0}, {0}, {0}},
		"longer than there":   {{0, 0, 0, 9}, {1, 1, 1, 1}, nil},
		"shorter than there":  {{0, 0, 0, 0}, {1, 0, 0, 0}, nil},
		"4 GiB":               {{0xff, 0xff, 0xff, 0xff}, {1, 1, 1, 1}, nil},
		"padding is not zero": {{0, 0, 0}, {4, 1, 1}, {1, 1, 7}, nil},
	} {
		if got, err := join(chunks); !errors.Is(err, blocks.ErrCorrupt) {
			t.Errorf("%s: %x, %v", what, got, err)
		}
	}
}

// FuzzJoin: what is put together is what split would cut.
func FuzzJoin(f *testing.F) {
	for _, v := range vectors(f) {
		flat := []byte{}
		for _, c := range v.Chunks {
			flat = append(flat, unhex(f, c)...)
		}
		f.Add(flat, uint8(v.Nodes), uint8(v.Nodes)/2)
	}
	f.Fuzz(func(t *testing.T, flat []byte, n, missing uint8) {
		nodes := 3 + int(n)%14
		size := len(flat) / nodes
		parts := make([][]byte, nodes)
		for i := range parts {
			parts[i] = flat[i*size : (i+1)*size]
		}
		if int(missing) < nodes {
			parts[missing] = nil
		}
		got, err := join(parts)
		if err != nil {
			if !errors.Is(err, blocks.ErrCorrupt) {
				t.Fatal(err)
			}
			return
		}
		for i, c := range split(got, nodes) {
			// The parity is not looked at when it is not needed.
			if parts[i] != nil && !bytes.Equal(parts[i], c) && (i < nodes-1 || int(missing) < nodes-1) {
				t.Errorf("chunk %d of %x is %x, and was %x", i, got, c, parts[i])
			}
		}
	})
}
