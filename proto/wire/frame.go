package wire

import (
	"encoding/binary"
	"errors"
	"io"
	"math"
)

// Request is one request frame. Body and Auth alias the reader's buffer until the next
// ReadRequest on it.
type Request struct {
	Header
	Body []byte
	Auth []byte
}

// FrameError is a request that could not be read. Status is what to answer, Err what
// happened; the connection is of no further use. A connection that ended before the
// first byte of a frame yields io.EOF instead.
type FrameError struct {
	Status Status
	Err    error
}

func (e *FrameError) Error() string {
	if e.Err == nil {
		return e.Status.Error()
	}
	return e.Status.Error() + ": " + e.Err.Error()
}

// Unwrap returns the status and the cause.
func (e *FrameError) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Status}
	}
	return []error{e.Status, e.Err}
}

// A Reader reads frames from one connection into a buffer that it reuses. It is not for
// concurrent use.
type Reader struct {
	r         ahead
	bodyLimit uint32
	head      [HeaderSize]byte
	buf       []byte
}

// keepBuffer is the largest buffer that a Reader keeps between two frames, in bytes.
const keepBuffer = 64 << 10

// chunk bounds how much is allocated ahead of the bytes that have arrived.
const chunk = 64 << 10

// maxBodyLimit keeps the sum of a frame's lengths within an int of 32 bits.
const maxBodyLimit = math.MaxInt32 - MaxAuthLen

// NewReader returns a Reader of r that refuses bodies above bodyLimit bytes.
func NewReader(r io.Reader, bodyLimit uint32) *Reader {
	return &Reader{r: ahead{r: r}, bodyLimit: min(bodyLimit, maxBodyLimit)}
}

// Whole reports whether all of the next frame is in memory already, so that reading it
// cannot wait for the peer.
func (r *Reader) Whole() bool {
	b := r.r.buffered()
	if len(b) < HeaderSize {
		return false
	}
	le := binary.LittleEndian
	// A header that announces another size waits for as many bytes (section 1.2, row 2).
	return le.Uint16(b[4:]) == announcedSize && uint64(len(b)) >= HeaderSize+uint64(le.Uint32(b[22:]))+uint64(le.Uint16(b[26:]))
}

// Await blocks until the first byte of the next frame is there, so that a caller can
// give a frame a deadline of its own. It returns io.EOF when the peer is gone.
func (r *Reader) Await() error { return r.r.await() }

// ReadRequest reads a frame and makes checks 1 to 9 of the specification's section 1.2.
// Whether opcode, authenticator and provider exist is for the caller.
func (r *Reader) ReadRequest() (Request, error) {
	h, err := r.ReadHeader()
	if err != nil {
		return Request{}, err
	}
	return r.ReadRest(h)
}

// ReadHeader reads the fixed part of the next frame.
func (r *Reader) ReadHeader() (Header, error) {
	n, err := io.ReadFull(&r.r, r.head[:4])
	if err != nil {
		if n == 0 && errors.Is(err, io.EOF) {
			return Header{}, io.EOF
		}
		return Header{}, &FrameError{StatusConnectionError, err}
	}
	if binary.LittleEndian.Uint32(r.head[:]) != Magic {
		return Header{}, &FrameError{Status: StatusInvalidHeader}
	}
	if _, err := io.ReadFull(&r.r, r.head[4:6]); err != nil {
		return Header{}, &FrameError{StatusConnectionError, err}
	}
	// The announced number of bytes is read before it is judged, as the original does:
	// a size above 30 whose bytes never come is a connection error.
	size := int(binary.LittleEndian.Uint16(r.head[4:]))
	if size != announcedSize {
		if _, err := io.CopyN(io.Discard, &r.r, int64(size)); err != nil {
			return Header{}, &FrameError{StatusConnectionError, err}
		}
		return Header{}, &FrameError{Status: StatusInvalidHeader}
	}
	if _, err := io.ReadFull(&r.r, r.head[6:]); err != nil {
		return Header{}, &FrameError{StatusConnectionError, err}
	}
	h, err := ParseHeader(&r.head)
	if err != nil {
		return Header{}, &FrameError{Status: StatusOf(err)}
	}
	if h.BodyLen > r.bodyLimit {
		return h, &FrameError{Status: StatusBodySizeExceedsLimit}
	}
	return h, nil
}

// ReadRest reads body and authentication field of the frame that h opens.
func (r *Reader) ReadRest(h Header) (Request, error) {
	if err := r.fill(int(h.BodyLen) + int(h.AuthLen)); err != nil {
		return Request{}, &FrameError{StatusConnectionError, err}
	}
	req := Request{Header: h, Body: r.buf[:h.BodyLen:h.BodyLen], Auth: r.buf[h.BodyLen:]}
	switch {
	case h.ContentType != 0:
		return req, &FrameError{Status: StatusContentType}
	case h.AcceptType != 0:
		return req, &FrameError{Status: StatusAcceptType}
	case !h.AuthType.Known():
		return req, &FrameError{Status: StatusAuthenticatorDoesNotExist}
	}
	return req, nil
}

// fill reads n bytes into the buffer, which grows only as bytes arrive.
func (r *Reader) fill(n int) error {
	if cap(r.buf) > keepBuffer && n <= keepBuffer {
		r.buf = nil
	}
	r.buf = r.buf[:0]
	for len(r.buf) < n {
		step := min(n-len(r.buf), max(chunk, len(r.buf)))
		have := len(r.buf)
		if cap(r.buf) < have+step {
			grown := append(make([]byte, 0, have+step), r.buf...)
			clear(r.buf)
			r.buf = grown
		}
		r.buf = r.buf[:have+step]
		if _, err := io.ReadFull(&r.r, r.buf[have:]); err != nil {
			return err
		}
	}
	return nil
}

// Wipe overwrites the last frame's body and authentication field, wherever the Reader
// had them.
func (r *Reader) Wipe() {
	clear(r.buf[:cap(r.buf)])
	r.r.wipe()
}

// AppendRequest appends a whole request frame to b. The lengths of h are set from body
// and auth, which must fit their fields.
func AppendRequest(b []byte, h Header, body, auth []byte) ([]byte, error) {
	if uint64(len(body)) > math.MaxUint32 || len(auth) > MaxAuthLen {
		return b, StatusBodySizeExceedsLimit
	}
	h.BodyLen, h.AuthLen = uint32(len(body)), uint16(len(auth)) //nolint:gosec // compared above
	b = h.Append(b)
	b = append(b, body...)
	return append(b, auth...), nil
}

// AppendResponse appends a whole response frame to b; content, accept and auth type of a
// response are always 0.
func AppendResponse(b []byte, h Header, body []byte) ([]byte, error) {
	if uint64(len(body)) > math.MaxUint32 {
		return b, StatusResponseTooLarge
	}
	h.ContentType, h.AcceptType, h.AuthType, h.AuthLen = 0, 0, 0, 0
	h.BodyLen = uint32(len(body)) //nolint:gosec // compared above
	return append(h.Append(b), body...), nil
}

// ReadResponse reads a response frame: the client's side of a Reader. It refuses what
// the original's clients refuse, and an unknown status.
func (r *Reader) ReadResponse() (Header, []byte, error) {
	h, err := r.ReadHeader()
	if err != nil {
		return Header{}, nil, err
	}
	if !h.Status.Known() || h.ContentType != 0 {
		return h, nil, &FrameError{Status: StatusInvalidHeader}
	}
	if err := r.fill(int(h.BodyLen) + int(h.AuthLen)); err != nil {
		return h, nil, &FrameError{StatusConnectionError, err}
	}
	return h, r.buf[:h.BodyLen:h.BodyLen], nil
}
