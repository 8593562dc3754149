package wire_test

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

func request(t testing.TB, h wire.Header, body, auth []byte) []byte {
	t.Helper()
	b, err := wire.AppendRequest(nil, h, body, auth)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// patch returns a copy of frame with values written at the given offsets.
func patch(frame []byte, at map[int]byte) []byte {
	frame = bytes.Clone(frame)
	for i, v := range at {
		frame[i] = v
	}
	return frame
}

// TestReadRequestOrder goes through rows 1 to 9 of section 1.2: each fault alone, and
// each with every later fault at once, for the first failing check decides.
func TestReadRequestOrder(t *testing.T) {
	good := request(t, wire.Header{AuthType: wire.AuthUnixPeer, Opcode: wire.OpListKeys}, []byte("body"), []byte{1, 2, 3, 4})
	rows := []struct {
		name string
		at   map[int]byte
		want wire.Status
	}{
		{"magic", map[int]byte{1: 0}, wire.StatusInvalidHeader},
		{"header size", map[int]byte{4: 29}, wire.StatusInvalidHeader},
		{"version", map[int]byte{6: 2}, wire.StatusVersionTooBig},
		{"reserved", map[int]byte{35: 1}, wire.StatusInvalidHeader},
		{"body length", map[int]byte{24: 1}, wire.StatusBodySizeExceedsLimit},
		{"content type", map[int]byte{19: 1}, wire.StatusContentType},
		{"accept type", map[int]byte{20: 1}, wire.StatusAcceptType},
		{"auth type", map[int]byte{21: 5}, wire.StatusAuthenticatorDoesNotExist},
	}
	for i, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			_, err := wire.NewReader(bytes.NewReader(patch(good, row.at)), 1<<15).ReadRequest()
			wantFrameError(t, err, row.want)
			several := good
			for _, later := range rows[i:] {
				several = patch(several, later.at)
			}
			_, err = wire.NewReader(bytes.NewReader(several), 1<<15).ReadRequest()
			wantFrameError(t, err, row.want)
		})
	}
}

func wantFrameError(t *testing.T, err error, want wire.Status) {
	t.Helper()
	fe, ok := errors.AsType[*wire.FrameError](err)
	if !ok || fe.Status != want || !errors.Is(err, want) {
		t.Errorf("got %v, want a frame error of %v", err, want)
	}
}

func TestReadRequestTruncated(t *testing.T) {
	good := request(t, wire.Header{AuthType: wire.AuthUnixPeer, Opcode: wire.OpListKeys}, []byte("body"), []byte{1, 2, 3, 4})
	for n := range good {
		_, err := wire.NewReader(bytes.NewReader(good[:n]), 100).ReadRequest()
		if n == 0 {
			if !errors.Is(err, io.EOF) {
				t.Errorf("no byte at all: %v, want EOF", err)
			}
			continue
		}
		wantFrameError(t, err, wire.StatusConnectionError)
		if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) && n < 4 {
			t.Errorf("%d bytes of magic look like an orderly end", n)
		}
	}
}

// TestHeaderSizeIsReadBeforeItIsJudged covers row 2: a size above 30 waits for its bytes.
func TestHeaderSizeIsReadBeforeItIsJudged(t *testing.T) {
	good := unhex(t, ping)
	for name, c := range map[string]struct {
		frame []byte
		want  wire.Status
	}{
		"zero":                {patch(good, map[int]byte{4: 0}), wire.StatusInvalidHeader},
		"below":               {patch(good, map[int]byte{4: 10}), wire.StatusInvalidHeader},
		"below, bytes absent": {patch(good[:12], map[int]byte{4: 10}), wire.StatusConnectionError},
		"above, bytes absent": {patch(good, map[int]byte{4: 31}), wire.StatusConnectionError},
		"above, bytes there":  {append(patch(good, map[int]byte{4: 31}), 0), wire.StatusInvalidHeader},
		"largest":             {append(patch(good, map[int]byte{4: 255, 5: 255}), make([]byte, 1<<16)...), wire.StatusInvalidHeader},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := wire.NewReader(bytes.NewReader(c.frame), 100).ReadRequest()
			wantFrameError(t, err, c.want)
		})
	}
}

func TestBodyLimitIsInclusive(t *testing.T) {
	frame := request(t, wire.Header{Opcode: wire.OpPing}, make([]byte, 100), nil)
	if _, err := wire.NewReader(bytes.NewReader(frame), 100).ReadRequest(); err != nil {
		t.Errorf("a body of the limit: %v", err)
	}
	_, err := wire.NewReader(bytes.NewReader(frame), 99).ReadRequest()
	wantFrameError(t, err, wire.StatusBodySizeExceedsLimit)
	// Row 5 comes before the body: nothing after the header is needed.
	_, err = wire.NewReader(bytes.NewReader(frame[:wire.HeaderSize]), 99).ReadRequest()
	wantFrameError(t, err, wire.StatusBodySizeExceedsLimit)
}

// TestLargestLengths must hold where an int has 32 bits: the lengths of a frame never add
// up to a negative number.
func TestLargestLengths(t *testing.T) {
	h := wire.Header{Opcode: wire.OpPing, BodyLen: 1<<32 - 1, AuthLen: wire.MaxAuthLen}
	_, err := wire.NewReader(bytes.NewReader(h.Append(nil)), 1<<32-1).ReadRequest()
	wantFrameError(t, err, wire.StatusBodySizeExceedsLimit)
	h.BodyLen = 1<<31 - 1 - wire.MaxAuthLen
	_, err = wire.NewReader(bytes.NewReader(h.Append(nil)), 1<<32-1).ReadRequest()
	wantFrameError(t, err, wire.StatusConnectionError)
}

func TestReadRequestRoundTrip(t *testing.T) {
	bytesOf := func(n int) *rapid.Generator[[]byte] { return rapid.SliceOfN(rapid.Byte(), 0, n) }
	rapid.Check(t, func(rt *rapid.T) {
		var stream []byte
		var want []wire.Request
		for range rapid.IntRange(1, 4).Draw(rt, "frames") {
			h := genHeader().Draw(rt, "header")
			h.ContentType, h.AcceptType, h.AuthType = 0, 0, h.AuthType%5
			q := wire.Request{Header: h, Body: bytesOf(2000).Draw(rt, "body"), Auth: bytesOf(600).Draw(rt, "auth")}
			q.BodyLen, q.AuthLen = uint32(len(q.Body)), uint16(len(q.Auth))
			stream, want = append(stream, request(t, h, q.Body, q.Auth)...), append(want, q)
		}
		var src io.Reader = bytes.NewReader(stream)
		switch rapid.IntRange(0, 3).Draw(rt, "reader") {
		case 0:
			src = iotest.OneByteReader(src)
		case 1:
			src = iotest.HalfReader(src)
		case 2:
			src = iotest.DataErrReader(src)
		}
		r := wire.NewReader(src, 2000)
		for i, q := range want {
			if err := r.Await(); err != nil {
				rt.Fatalf("frame %d: awaiting: %v", i, err)
			}
			got, err := r.ReadRequest()
			if err != nil || got.Header != q.Header || !bytes.Equal(got.Body, q.Body) || !bytes.Equal(got.Auth, q.Auth) {
				rt.Fatalf("frame %d: got %+v, %v, want %+v", i, got, err, q)
			}
		}
		if err := r.Await(); !errors.Is(err, io.EOF) {
			rt.Fatalf("after the last frame: %v", err)
		}
		if _, err := r.ReadRequest(); !errors.Is(err, io.EOF) {
			rt.Fatalf("after the last frame: %v", err)
		}
	})
}

func TestLargeBody(t *testing.T) {
	body := make([]byte, 1<<20)
	for i := range body {
		body[i] = byte(i * i >> 7)
	}
	frame := request(t, wire.Header{Opcode: wire.OpHashCompute}, body, []byte("auth"))
	r := wire.NewReader(iotest.HalfReader(bytes.NewReader(append(frame, frame...))), 1<<20)
	for range 2 {
		q, err := r.ReadRequest()
		if err != nil || !bytes.Equal(q.Body, body) || string(q.Auth) != "auth" {
			t.Fatalf("a body of 1 MiB: %d bytes, %v", len(q.Body), err)
		}
	}
}

// TestAnnouncementAllocatesNothing: a frame that announces 1 MiB and sends ten bytes
// makes the reader allocate one chunk, whatever was announced.
func TestAnnouncementAllocatesNothing(t *testing.T) {
	h := wire.Header{Opcode: wire.OpPing, BodyLen: 1 << 20, AuthLen: wire.MaxAuthLen}
	frame := append(h.Append(nil), make([]byte, 10)...)
	const runs = 50
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range runs {
		_, err := wire.NewReader(bytes.NewReader(frame), 1<<20).ReadRequest()
		wantFrameError(t, err, wire.StatusConnectionError)
	}
	runtime.ReadMemStats(&after)
	if each := (after.TotalAlloc - before.TotalAlloc) / runs; each > 72<<10 {
		t.Errorf("10 bytes of an announced MiB cost %d bytes", each)
	}
}

func TestSmallRequestsDoNotAllocate(t *testing.T) {
	frame := request(t, wire.Header{Opcode: wire.OpSignHash, AuthType: wire.AuthUnixPeer}, make([]byte, 60), make([]byte, 4))
	src := bytes.NewReader(nil)
	r := wire.NewReader(src, 1<<20)
	if n := testing.AllocsPerRun(100, func() {
		src.Reset(frame)
		if _, err := r.ReadRequest(); err != nil {
			t.Fatal(err)
		}
	}); n > 0 {
		t.Errorf("%v allocations for each request on one connection", n)
	}
}

// TestWipe reads a secret through a reader and looks for it afterwards in everything
// that the reader still holds.
func TestWipe(t *testing.T) {
	secret := []byte("a private key in the clear")
	frame := request(t, wire.Header{Opcode: wire.OpImportKey}, secret, secret)
	next := request(t, wire.Header{Opcode: wire.OpPing}, []byte("next"), nil)
	r := wire.NewReader(bytes.NewReader(append(frame, next...)), 1<<10)
	q, err := r.ReadRequest()
	if err != nil {
		t.Fatal(err)
	}
	body, auth := q.Body, q.Auth
	r.Wipe()
	if !bytes.Equal(body, make([]byte, len(secret))) || !bytes.Equal(auth, make([]byte, len(secret))) {
		t.Error("the request survives Wipe")
	}
	if left := wire.ReadAhead(r); bytes.Contains(left, secret) {
		t.Error("the read-ahead buffer keeps the request after Wipe")
	}
	if q, err = r.ReadRequest(); err != nil || string(q.Body) != "next" {
		t.Errorf("the frame behind a wiped one: %q, %v", q.Body, err)
	}
}

func TestBrokenReaders(t *testing.T) {
	lazy := iotest.ErrReader(nil) // returns 0, nil for ever
	if err := wire.NewReader(lazy, 10).Await(); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("a reader that returns nothing: %v", err)
	}
	boom := errors.New("boom")
	_, err := wire.NewReader(iotest.ErrReader(boom), 10).ReadRequest()
	wantFrameError(t, err, wire.StatusConnectionError)
	if !errors.Is(err, boom) {
		t.Errorf("the cause is lost: %v", err)
	}
	_, err = wire.NewReader(iotest.TimeoutReader(iotest.OneByteReader(bytes.NewReader(unhex(t, ping)))), 10).ReadRequest()
	wantFrameError(t, err, wire.StatusConnectionError)
	if !errors.Is(err, iotest.ErrTimeout) {
		t.Errorf("the timeout is lost: %v", err)
	}
}

func TestAppendRefusesLengths(t *testing.T) {
	if _, err := wire.AppendRequest(nil, wire.Header{}, nil, make([]byte, wire.MaxAuthLen+1)); !errors.Is(err, wire.StatusBodySizeExceedsLimit) {
		t.Errorf("an authentication field of 64 KiB: %v", err)
	}
	if _, err := wire.AppendRequest(nil, wire.Header{}, nil, make([]byte, wire.MaxAuthLen)); err != nil {
		t.Errorf("the longest authentication field: %v", err)
	}
}

func TestResponses(t *testing.T) {
	h := wire.Header{
		Flags: 3, Provider: 2, Session: 9, ContentType: 7, AcceptType: 7, AuthType: 7, AuthLen: 7, BodyLen: 7,
		Opcode: wire.OpSignHash, Status: wire.StatusDoesNotExist,
	}
	b, err := wire.AppendResponse(nil, h, []byte("detail"))
	if err != nil {
		t.Fatal(err)
	}
	got, body, err := wire.NewReader(bytes.NewReader(b), 100).ReadResponse()
	h.ContentType, h.AcceptType, h.AuthType, h.AuthLen, h.BodyLen = 0, 0, 0, 0, 6
	if err != nil || got != h || string(body) != "detail" {
		t.Errorf("got %+v %q, %v", got, body, err)
	}
	for name, at := range map[string]map[int]byte{
		"status that is not assigned": {32: 23}, "content type": {19: 1}, "magic": {0: 0},
	} {
		_, _, err := wire.NewReader(bytes.NewReader(patch(b, at)), 100).ReadResponse()
		if !errors.Is(err, wire.StatusInvalidHeader) {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, _, err = wire.NewReader(bytes.NewReader(b[:len(b)-1]), 100).ReadResponse()
	wantFrameError(t, err, wire.StatusConnectionError)
	_, _, err = wire.NewReader(bytes.NewReader(b), 5).ReadResponse()
	wantFrameError(t, err, wire.StatusBodySizeExceedsLimit)
}

// TestWhole: a frame that is said to be whole can be read without another byte.
func TestWhole(t *testing.T) {
	good := request(t, wire.Header{AuthType: wire.AuthUnixPeer, Opcode: wire.OpListKeys}, []byte("body"), []byte{1, 2, 3, 4})
	for n := range len(good) + 1 {
		r := wire.NewReader(iotest.DataErrReader(bytes.NewReader(good[:n])), 100)
		if n > 0 && r.Await() != nil {
			t.Fatalf("%d bytes cannot be awaited", n)
		}
		if got := r.Whole(); got != (n == len(good)) {
			t.Errorf("%d of %d bytes: whole is %t", n, len(good), got)
		}
	}
	// The header alone decides how much is waited for: also when it is wrong.
	for name, at := range map[string]map[int]byte{
		"size above": {4: 31}, "largest size": {4: 255, 5: 255}, "longer body": {22: 5}, "longest body": {25: 255}, "longer field": {26: 5},
	} {
		r := wire.NewReader(bytes.NewReader(patch(good, at)), 1<<32-1)
		if err := r.Await(); err != nil || r.Whole() {
			t.Errorf("%s: %v, whole is %t", name, err, r.Whole())
		}
	}
}
