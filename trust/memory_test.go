package trust

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"runtime"
	"slices"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/tinylib/msgp/msgp"
)

// allocated returns how much memory something takes from the heap in all, which is not less than what it has at any moment.
func allocated(work func()) int {
	before, after := runtime.MemStats{}, runtime.MemStats{}
	runtime.ReadMemStats(&before)
	work()
	runtime.ReadMemStats(&after)
	return int(after.TotalAlloc - before.TotalAlloc)
}

// Blocks of a frame.
const (
	rawBlock = iota
	runBlock // one byte, many times
)

// largestBlock is as much as one block can hold.
const largestBlock = 128 << 10

// frame is a zstd frame by hand: the descriptor, what follows it, and n equal blocks.
func frame(descriptor byte, header []byte, n, kind, size int) []byte {
	b := append([]byte{0x28, 0xb5, 0x2f, 0xfd, descriptor}, header...)
	for i := range n {
		last := 0
		if i == n-1 {
			last = 1
		}
		h := last | kind<<1 | size<<3
		b = append(b, byte(h), byte(h>>8), byte(h>>16))
		switch kind {
		case rawBlock:
			b = append(b, make([]byte, size)...)
		case runBlock:
			b = append(b, 0)
		}
	}
	return b
}

func skippable(announced uint32, content []byte) []byte {
	b := binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, 0x184d2a50), announced)
	return append(b, content...)
}

func streamed(t *testing.T, size int) []byte {
	t.Helper()
	out := bytes.Buffer{}
	w := must(zstd.NewWriter(&out))
	if _, err := w.Write(make([]byte, size)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// window8M is a window descriptor of 8 MiB, and widest one of almost 4 TB.
const (
	window8M = 0x68
	widest   = 0xff
	// announces8 is the frame descriptor with a content size of 8 bytes, in one segment.
	announces8 = 0xe0
)

// TestFrames: whatever frames announce or hold, they take no more than a few times the limit, and what exceeds it is refused.
func TestFrames(t *testing.T) {
	for name, c := range map[string]struct {
		data []byte
		// size is what comes out, at most the limit; more is refused.
		size int
		// most is what it takes at most.
		most int
	}{
		"runs":                                   {frame(0, []byte{window8M}, 513, runBlock, largestBlock), math.MaxInt, 6 * MaxSize},
		"runs, frame by frame":                   {bytes.Repeat(frame(0, []byte{window8M}, 1, runBlock, largestBlock), 513), math.MaxInt, 6 * MaxSize},
		"streamed":                               {streamed(t, MaxSize+1), math.MaxInt, 6 * MaxSize},
		"just not too much":                      {frame(0, []byte{window8M}, 512, runBlock, largestBlock), MaxSize, 6 * MaxSize},
		"empty blocks":                           {frame(0, []byte{window8M}, 1<<20, rawBlock, 0), 0, 16 << 20},
		"empty frames":                           {bytes.Repeat(frame(0, []byte{window8M}, 1, rawBlock, 0), 1<<17), 0, 16 << 20},
		"skipped frames":                         {bytes.Repeat(skippable(0, nil), 1<<18), 0, 16 << 20},
		"a frame to skip that is only announced": {skippable(math.MaxUint32, nil), math.MaxInt, 1 << 20},
		"the widest window":                      {frame(0, []byte{widest}, 1, rawBlock, 1), math.MaxInt, 1 << 20},
		"a content that is only announced":       {frame(announces8, binary.LittleEndian.AppendUint64(nil, MaxSize), 1, rawBlock, 1), math.MaxInt, 1 << 20},
		"more content than there can be":         {frame(announces8, binary.LittleEndian.AppendUint64(nil, math.MaxUint64), 1, rawBlock, 1), math.MaxInt, 1 << 20},
		"a block that is only announced":         {frame(0, []byte{window8M}, 1, rawBlock, largestBlock)[:64], math.MaxInt, 1 << 20},
	} {
		for limit, most := range map[int]int{MaxSize: c.most, MaxCertificateSize: min(c.most, 6*maxCertificateWindow)} {
			var plain []byte
			var err error
			used := allocated(func() { plain, err = decompress(c.data, limit) })
			if c.size > limit {
				if !errors.Is(err, ErrCompression) || plain != nil {
					t.Errorf("%s, at most %d: %d bytes, %v", name, limit, len(plain), err)
				}
			} else if err != nil || len(plain) != c.size {
				t.Errorf("%s, at most %d: %d bytes, %v", name, limit, len(plain), err)
			}
			if used > most {
				t.Errorf("%s, at most %d: takes %d", name, limit, used)
			}
		}
	}
}

// FuzzFrames decompresses: what comes out is within the limit, and the same when it was compressed again.
func FuzzFrames(f *testing.F) {
	for _, v := range vectors(f) {
		if v.Op == "load" && len(v.In.bytes("payload")) > 0 {
			f.Add(v.In.bytes("payload")[1:])
		}
	}
	f.Add(frame(0, []byte{window8M}, 9, runBlock, largestBlock))
	f.Add(append(skippable(1, []byte{0}), frame(announces8, binary.LittleEndian.AppendUint64(nil, 3), 1, rawBlock, 3)...))
	f.Fuzz(func(t *testing.T, data []byte) {
		plain, err := decompress(data, MaxCertificateSize)
		if err != nil {
			if plain != nil {
				t.Error("a result beside an error")
			}
			return
		}
		if len(plain) > MaxCertificateSize {
			t.Fatalf("%d bytes", len(plain))
		}
		again, err := decompress(must(compressor()).EncodeAll(plain, nil), MaxCertificateSize)
		if err != nil || !bytes.Equal(again, plain) {
			t.Errorf("compressed again: %v", err)
		}
	})
}

// lengthened returns the value with one of its lists or maps at a time grown to about size bytes.
func lengthened(t testing.TB, plain []byte, size int) [][]byte {
	t.Helper()
	g := lengthener{t: t, size: size}
	for at := 0; ; at++ {
		g.at, g.seen = at, 0
		out, rest := g.value(plain)
		if len(rest) > 0 {
			t.Fatal("bytes are left")
		}
		if g.seen <= at {
			return g.found
		}
		if out != nil {
			g.found = append(g.found, out)
		}
	}
}

type lengthener struct {
	t        testing.TB
	size     int
	at, seen int
	found    [][]byte
}

// value returns a value with its container number at grown, and what is behind it.
func (g *lengthener) value(b []byte) (out, rest []byte) {
	g.t.Helper()
	kind := msgp.NextType(b)
	if kind != msgp.ArrayType && kind != msgp.MapType {
		rest = must(msgp.Skip(b))
		return b[:len(b)-len(rest)], rest
	}
	parts, header := 1, msgp.ReadArrayHeaderBytes
	if kind == msgp.MapType {
		parts, header = 2, msgp.ReadMapHeaderBytes
	}
	n, rest, err := header(b)
	if err != nil {
		g.t.Fatal(err)
	}
	grow := g.seen == g.at
	g.seen++
	elements := [][]byte{}
	for range int(n) * parts {
		var element []byte
		element, rest = g.value(rest)
		elements = append(elements, element)
	}
	if grow && len(elements) > 0 {
		elements = g.many(elements, parts)
	}
	if kind == msgp.MapType {
		out = msgp.AppendMapHeader(nil, uint32(len(elements)/2))
	} else {
		out = msgp.AppendArrayHeader(nil, uint32(len(elements)))
	}
	return append(out, bytes.Join(elements, nil)...), rest
}

// many repeats the last element with keys and ids that are new each time.
func (g *lengthener) many(elements [][]byte, parts int) [][]byte {
	last := elements[len(elements)-parts:]
	for i, used := 1, 0; used < g.size; i++ {
		for _, e := range last {
			e = slices.Clone(e)
			if kind := msgp.NextType(e); len(e) > 4 && (kind == msgp.StrType && parts == 2 || kind == msgp.ExtensionType) {
				copy(e[len(e)-4:], []byte{'A' + byte(i)&31, 'A' + byte(i>>5)&31, 'A' + byte(i>>10)&31, 'A' + byte(i>>15)&31})
			}
			elements, used = append(elements, e), used+len(e)
		}
	}
	return elements
}

// perByte is how much memory a decoder takes at most for each byte that it reads, with all that it takes on the way. Local file manifests
// may have lists without anything in them, of one byte each: they come from the own machine.
const (
	perByte          = 16
	perByteLocalFile = 128
)

// examples are values of the types that no vector has a plaintext of.
func examples() []object {
	return []object{
		&AsyncEnrollmentLocalPending{CleartextContent: []byte{1}, CleartextDigestSealed: []byte{2}, SigningKeySealed: []byte{3}, PrivateKeySealed: []byte{4}},
		&InviteDeviceData{RequestedDeviceLabel: must(NewDeviceLabel("laptop"))},
		&InviteShamirRecoveryData{},
		&InviteShamirRecoveryConfirmation{WeightedShare: must(SplitSecret([]byte("secret"), 1, 2))},
		&RealmKeyRotationCertificate{KeyIndex: 1, KeyCanary: []byte{1}},
		&RevokedUserCertificate{},
		&SequesterRevokedServiceCertificate{},
		&ShamirRecoveryDeletionCertificate{ShareRecipients: map[UserID]struct{}{{1}: {}}},
	}
}

// emptyLists is a local file manifest whose blocks are n empty lists.
func emptyLists(n int) []byte {
	m := &LocalFileManifest{Blocks: make([][]ChunkView, n)}
	m.Base.Blocksize, m.Blocksize = DefaultBlocksize, DefaultBlocksize
	return must(packRaw(m.encode))
}

// withUnknown adds a field that nobody knows, with n values, to a map.
func withUnknown(plain []byte, n int) []byte {
	fields, rest, err := msgp.ReadMapHeaderBytes(plain)
	if err != nil {
		return plain
	}
	large := append(msgp.AppendMapHeader(nil, fields+1), rest...)
	large = msgp.AppendArrayHeader(msgp.AppendString(large, "unknown"), uint32(n))
	return append(large, bytes.Repeat([]byte{0x91, 0xc0}, n)...)
}

// TestDecodersAreBounded: every decoder takes memory in proportion to what it reads, whichever of its lists is long.
func TestDecodersAreBounded(t *testing.T) {
	const size = 128 << 10
	all := plaintexts(t)
	for _, o := range examples() {
		all = append(all, must(packRaw(o.encode)))
	}
	worst, accepted := map[string]int{}, map[string]bool{}
	for _, plain := range all {
		for i, o := range allObjects() {
			if unpackRaw(plain, o.decode) != nil {
				continue
			}
			worst[o.Type()] = max(worst[o.Type()], 0)
			lists := lengthened(t, plain, size)
			for n, large := range append(lists, withUnknown(plain, size/2), plain) {
				fresh := allObjects()[i]
				var err error
				used := allocated(func() { err = unpackRaw(large, fresh.decode) })
				accepted[o.Type()] = accepted[o.Type()] || err == nil && n < len(lists)
				worst[o.Type()] = max(worst[o.Type()], (used-perStart)/len(large))
			}
		}
	}
	for _, o := range allObjects() {
		if most, seen := worst[o.Type()]; !seen || most > perByte {
			t.Errorf("%s takes %d times what it reads (seen: %t)", o.Type(), most, seen)
		}
	}
	for _, o := range []object{&FileManifest{}, &FolderManifest{}, &RealmKeysBundle{}, &LocalFileManifest{}, &LocalFolderManifest{}, &LocalUserManifest{}} {
		if !accepted[o.Type()] {
			t.Errorf("no long %s was read: nothing was measured", o.Type())
		}
	}
	lists := emptyLists(1 << 18)
	used := allocated(func() {
		if err := unpackRaw(lists, (&LocalFileManifest{}).decode); err != nil {
			t.Error(err)
		}
	})
	if used > perByteLocalFile*len(lists) {
		t.Errorf("empty lists take %d times what is read", used/len(lists))
	}
}

// perStart is what a decoder may take whatever it reads.
const perStart = 64 << 10
