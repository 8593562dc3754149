package wire_test

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

const fuzzLimit = 1 << 12

// FuzzReadRequest: what is read is what was written, byte by byte; what is refused is
// refused with a status of section 1.2, whatever the pieces in which it arrives.
func FuzzReadRequest(f *testing.F) {
	for _, v := range load(f).Vectors {
		f.Add(unhex(f, v.Request))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		q, err := wire.NewReader(bytes.NewReader(in), fuzzLimit).ReadRequest()
		p, slow := wire.NewReader(iotest.OneByteReader(bytes.NewReader(in)), fuzzLimit).ReadRequest()
		if wire.StatusOf(err) != wire.StatusOf(slow) || !bytes.Equal(p.Body, q.Body) {
			t.Fatalf("whole: %v, in single bytes: %v", err, slow)
		}
		if err != nil {
			fe, ok := errors.AsType[*wire.FrameError](err)
			if !ok && (!errors.Is(err, io.EOF) || len(in) != 0) {
				t.Fatalf("%v of %d bytes", err, len(in))
			}
			if ok && !early[fe.Status] {
				t.Fatalf("status %v", fe.Status)
			}
			return
		}
		back, err := wire.AppendRequest(nil, q.Header, q.Body, q.Auth)
		if err != nil || !bytes.HasPrefix(in, back) {
			t.Fatalf("%x becomes %x, %v", in, back, err)
		}
	})
}

// early are the statuses of rows 1 to 9.
var early = map[wire.Status]bool{
	wire.StatusConnectionError: true, wire.StatusInvalidHeader: true, wire.StatusVersionTooBig: true,
	wire.StatusBodySizeExceedsLimit: true, wire.StatusContentType: true, wire.StatusAcceptType: true,
	wire.StatusAuthenticatorDoesNotExist: true,
}

// FuzzReadResponse: an accepted response has a known status and becomes itself again,
// but for the fields that a response does not have.
func FuzzReadResponse(f *testing.F) {
	for _, v := range load(f).Vectors {
		f.Add(unhex(f, v.Response))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		h, body, err := wire.NewReader(bytes.NewReader(in), fuzzLimit).ReadResponse()
		if err != nil {
			return
		}
		if !h.Status.Known() || h.ContentType != 0 || int(h.BodyLen) != len(body) {
			t.Fatalf("accepted %+v with %d bytes", h, len(body))
		}
		back, err := wire.AppendResponse(nil, h, body)
		if h.AcceptType == 0 && h.AuthType == 0 && h.AuthLen == 0 && (err != nil || !bytes.HasPrefix(in, back)) {
			t.Fatalf("%x becomes %x, %v", in, back, err)
		}
	})
}

// FuzzParseUID: an authentication field is a uid exactly when it has four bytes.
func FuzzParseUID(f *testing.F) {
	for _, seed := range []string{"", "e8030000", "000003e8", "e80300", "e803000000", "ffffffff"} {
		f.Add(unhex(f, seed))
	}
	f.Fuzz(func(t *testing.T, field []byte) {
		uid, ok := wire.ParseUID(field)
		if ok != (len(field) == 4) || ok && !bytes.Equal(wire.AppendUID(nil, uid), field) {
			t.Fatalf("%x is uid %d, %t", field, uid, ok)
		}
	})
}
