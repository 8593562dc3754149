package frame

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/ck"
)

// sizeField is the length of a frame's length field.
const sizeField = 4

// ErrTooLarge is returned for a frame that exceeds MaxSize.
var ErrTooLarge = errors.New("the frame is too large")

// Append appends the request as a frame.
func (r *Request) Append(b []byte) ([]byte, error) {
	start := len(b)
	b = binary.LittleEndian.AppendUint32(append(b, 0, 0, 0, 0), r.ID)
	b = binary.LittleEndian.AppendUint16(b, uint16(r.Op))
	b = binary.LittleEndian.AppendUint64(b, r.Slot)
	b = binary.LittleEndian.AppendUint32(b, r.Count)
	b = binary.LittleEndian.AppendUint32(b, r.Flags)
	b = appendMechanism(b, r.Mechanism)
	b = appendList(b, r.Object, appendAttribute)
	b = appendList(b, r.Template, appendAttribute)
	b = appendList(b, r.Private, appendAttribute)
	b = appendBytes(appendBytes(appendBytes(b, r.Data), r.Signature), r.PIN)
	return finish(b, start)
}

// Append appends the response as a frame.
func (r *Response) Append(b []byte) ([]byte, error) {
	start := len(b)
	b = binary.LittleEndian.AppendUint32(append(b, 0, 0, 0, 0), r.ID)
	b = appendString(b, r.Function)
	b = binary.LittleEndian.AppendUint64(b, uint64(r.Result))
	b = appendString(b, r.Text)
	b = binary.LittleEndian.AppendUint32(b, r.Count)
	b = appendBytes(b, r.Data)
	b = appendList(b, r.Slots, appendSlot)
	b = appendList(b, r.Mechanisms, appendMechanismInfo)
	b = appendList(b, r.Objects, func(b []byte, o []Attribute) []byte { return appendList(b, o, appendAttribute) })
	return finish(b, start)
}

func finish(b []byte, start int) ([]byte, error) {
	n := len(b) - start - sizeField
	if n > MaxSize {
		clear(b[start:])
		return nil, fmt.Errorf("%w: %d bytes, %d are the most", ErrTooLarge, n, MaxSize)
	}
	binary.LittleEndian.PutUint32(b[start:], uint32(n)) //nolint:gosec // MaxSize fits
	return b, nil
}

// DecodeRequest decodes what follows the length field. The result refers to b.
func DecodeRequest(b []byte) (*Request, error) {
	d := &reader{b: b}
	r := &Request{ID: d.u32(), Op: Op(d.u16()), Slot: d.u64(), Count: d.u32(), Flags: d.u32(), Mechanism: d.mechanism()}
	r.Object, r.Template, r.Private = d.attributes(), d.attributes(), d.attributes()
	r.Data, r.Signature, r.PIN = d.bytes(), d.bytes(), d.bytes()
	if err := d.end(); err != nil {
		return nil, err
	}
	if r.ID == 0 || r.Op == 0 || r.Op >= opEnd {
		return nil, fmt.Errorf("%w: request %d asks for operation %d", ErrMalformed, r.ID, r.Op)
	}
	return r, nil
}

// DecodeResponse decodes what follows the length field. The result refers to b.
func DecodeResponse(b []byte) (*Response, error) {
	d := &reader{b: b}
	r := &Response{ID: d.u32(), Function: d.string(), Result: ck.RV(d.u64()), Text: d.string(), Count: d.u32(), Data: d.bytes()}
	r.Slots = list(d, 75, d.slot)
	r.Mechanisms = list(d, 32, d.mechanismInfo)
	r.Objects = list(d, 4, d.attributes)
	if err := d.end(); err != nil {
		return nil, err
	}
	return r, nil
}

// Read reads one frame and returns what follows its length field. Memory grows with the
// bytes that arrive. io.EOF means that the peer closed between frames.
func Read(r io.Reader) ([]byte, error) {
	var size [sizeField]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint32(size[:])
	if n > MaxSize {
		return nil, fmt.Errorf("%w: %d bytes are announced", ErrTooLarge, n)
	}
	const step = 64 << 10
	b := make([]byte, 0, min(n, step))
	for uint32(len(b)) < n { //nolint:gosec // bounded by MaxSize
		have := len(b)
		b = append(b, make([]byte, min(int(n)-have, step))...)
		if _, err := io.ReadFull(r, b[have:]); err != nil {
			return nil, fmt.Errorf("%w: it ends after %d of %d bytes: %v", ErrMalformed, have, n, err)
		}
	}
	return b, nil
}
