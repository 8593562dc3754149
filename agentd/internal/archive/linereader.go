package archive

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

var (
	errUnfinished = errors.New("the last line has no end")
	errLong       = fmt.Errorf("a line is longer than %d bytes", maxLine)
)

// firstBuffer is the size that a line buffer starts with, in bytes.
const firstBuffer = 16 << 10

// A lineReader cuts a stream into lines and leaves none of it behind: unlike that of
// bufio.Reader, its buffer can be wiped.
type lineReader struct {
	r io.Reader
	// buf[start:end] is what was read and not yet returned; buf[start:searched] has no
	// line feed.
	buf                  []byte
	start, searched, end int
	err                  error
}

// next returns the next line without its line feed, which the caller may wipe and which
// is valid until the next call. At the end it is io.EOF, or errUnfinished.
func (l *lineReader) next() ([]byte, error) {
	for {
		if i := bytes.IndexByte(l.buf[l.searched:l.end], '\n'); i >= 0 {
			line := l.buf[l.start : l.searched+i]
			if len(line) > maxLine {
				return nil, errLong
			}
			l.start, l.searched = l.searched+i+1, l.searched+i+1
			return line, nil
		}
		l.searched = l.end
		switch {
		case l.end-l.start > maxLine:
			return nil, errLong
		case errors.Is(l.err, io.EOF) && l.end > l.start:
			return nil, errUnfinished
		case l.err != nil:
			return nil, l.err
		}
		l.fill()
	}
}

// fill reads once, after making room: it moves what is left to the front, and doubles the
// buffer when a line fills it.
func (l *lineReader) fill() {
	left := l.end - l.start
	switch {
	case left == len(l.buf):
		bigger := make([]byte, max(2*len(l.buf), firstBuffer))
		copy(bigger, l.buf)
		clear(l.buf)
		l.buf = bigger
	case l.start > 0:
		copy(l.buf, l.buf[l.start:l.end])
		clear(l.buf[left:l.end])
	}
	l.start, l.searched, l.end = 0, left, left
	n, err := l.r.Read(l.buf[l.end:])
	l.end += n
	l.err = err
}

// wipe overwrites what the buffer holds.
func (l *lineReader) wipe() { clear(l.buf) }
