package bus

import (
	"encoding/binary"
	"fmt"
)

// reader takes values from a message. The first failure sticks.
type reader struct {
	b     []byte
	at    int
	order binary.ByteOrder
	err   error
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: "+format, append([]any{ErrMalformed}, args...)...)
	}
}

func (r *reader) take(n int) []byte {
	if r.err != nil || n > len(r.b)-r.at {
		r.fail("it ends inside a value")
		return make([]byte, min(n, 8))
	}
	r.at += n
	return r.b[r.at-n : r.at]
}

func (r *reader) align(n int) { r.take(-r.at & (n - 1)) }

func (r *reader) byte() byte { return r.take(1)[0] }

func (r *reader) uint32() uint32 {
	r.align(4)
	return r.order.Uint32(r.take(4))
}

func (r *reader) string() string { return r.terminated(int(min(r.uint32(), maxPart+1))) }

func (r *reader) signature() string { return r.terminated(int(r.byte())) }

// terminated reads a text and the zero byte after it.
func (r *reader) terminated(n int) string {
	s := string(r.take(n))
	if r.byte() != 0 {
		r.fail("a text has no end")
	}
	if r.err != nil {
		return ""
	}
	return s
}

// variant reads a value with its type, which header fields have: texts and numbers.
// Containers belong to no field of the specification.
func (r *reader) variant() (text string, number uint32) {
	switch kind := r.signature(); kind {
	case "s", "o":
		return r.string(), 0
	case "g":
		return r.signature(), 0
	case "u", "i", "b", "h":
		return "", r.uint32()
	case "y":
		return "", uint32(r.byte())
	case "q", "n":
		r.align(2)
		return "", uint32(r.order.Uint16(r.take(2)))
	case "x", "t", "d":
		r.align(8)
		r.take(8)
		return "", 0
	default:
		r.fail("a header field has the type %q", kind)
		return "", 0
	}
}
