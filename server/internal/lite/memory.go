package lite

import (
	"unsafe"

	"modernc.org/libc"
	"modernc.org/libc/sys/types"
)

// pointer is the size of a pointer.
const pointer = unsafe.Sizeof(uintptr(0))

// span is memory of SQLite.
type span struct {
	p uintptr
	n int
}

// bytes is the memory, for as long as SQLite leaves it alone.
func (s span) bytes() []byte {
	return unsafe.Slice(*(**byte)(unsafe.Pointer(&s.p)), s.n) //nolint:gosec // the library's allocator gave it
}

// after is what follows n bytes.
func (s span) after(n int) span { return span{s.p + uintptr(n), s.n - n} }

// address reads a pointer that SQLite returned.
func address(p uintptr) uintptr {
	return **(**uintptr)(unsafe.Pointer(&p)) //nolint:gosec // memory for one pointer
}

// maxRoom is how much memory for arguments is kept, least how much there is at least.
const (
	leastRoom = 4 << 10
	maxRoom   = 64 << 10
)

// room is memory for the arguments of one statement at a time.
type room struct{ span }

// get returns memory for n bytes. What was in it before is gone.
func (r *room) get(tls *libc.TLS, n int) (span, error) {
	if r.p == 0 || n > r.n || r.n > maxRoom { // a null pointer would be a null value
		r.free(tls)
		size := max(n, leastRoom)
		if r.p = libc.Xmalloc(tls, types.Size_t(size)); r.p == 0 {
			return span{}, errMemory
		}
		r.n = size
	}
	return r.span, nil
}

func (r *room) free(tls *libc.TLS) {
	if r.p != 0 {
		libc.Xfree(tls, r.p)
	}
	r.span = span{}
}
