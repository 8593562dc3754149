package mpack

import (
	"math"

	"github.com/tinylib/msgp/msgp"
)

// MaxDepth is how deep a value that nobody knows may be nested.
const MaxDepth = 32

// Skip reads one value of any kind and forgets it.
func (r *Reader) Skip() { r.skip(MaxDepth) }

func (r *Reader) skip(depth int) {
	if depth == 0 {
		r.Fail(ErrDepth)
		return
	}
	if !r.fits() {
		return
	}
	n := 0
	switch msgp.NextType(r.rest) {
	case msgp.MapType:
		n = 2 * r.Map(math.MaxInt32)
	case msgp.ArrayType:
		n = r.Array(math.MaxInt32)
	default:
		r.done(msgp.Skip(r.rest))
	}
	for ; n > 0 && r.err == nil; n-- {
		r.skip(depth - 1)
	}
}
