package wire

import "io"

// ahead is a small read-ahead buffer: a usual request arrives with one system call, an
// idle connection costs little. Unlike bufio's it can be wiped, for what passes through
// it may be a private key.
type ahead struct {
	r      io.Reader
	buf    [512]byte
	lo, hi int // buf[lo:hi] is read and not yet taken
}

// maxEmptyReads is how often a reader may return nothing before it counts as broken.
const maxEmptyReads = 100

// fill reads once into the empty buffer.
func (a *ahead) fill() error {
	a.lo, a.hi = 0, 0
	for range maxEmptyReads {
		n, err := a.r.Read(a.buf[:])
		a.hi = n
		if n > 0 {
			return nil // an error will come again with the next read
		}
		if err != nil {
			return err
		}
	}
	return io.ErrNoProgress
}

// await blocks until at least one byte is buffered.
func (a *ahead) await() error {
	if a.lo < a.hi {
		return nil
	}
	return a.fill()
}

// buffered returns what is read and not yet taken.
func (a *ahead) buffered() []byte { return a.buf[a.lo:a.hi] }

// Read implements io.Reader; what is larger than the buffer bypasses it.
func (a *ahead) Read(p []byte) (int, error) {
	if a.lo == a.hi {
		if len(p) >= len(a.buf) {
			return a.r.Read(p)
		}
		if err := a.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, a.buf[a.lo:a.hi])
	a.lo += n
	return n, nil
}

// wipe overwrites all that was taken.
func (a *ahead) wipe() {
	clear(a.buf[:a.lo])
	clear(a.buf[a.hi:])
}
