package audit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

// Sink is where lines go. Each has one Logger at a time.
type Sink struct {
	w      io.Writer // nil: nowhere
	closer io.Closer // nil: not ours to close
	prefix []byte    // of each line
	out    []byte    // lines with prefixes
	torn   bool      // what was written last is not the end of a line
}

// Off returns the sink that takes nothing.
func Off() *Sink { return &Sink{} }

// ToLog returns a sink that writes lines to w, such as standard error, each after prefix,
// such as the priority <5> of the journal.
func ToLog(w io.Writer, prefix string) *Sink { return &Sink{w: w, prefix: []byte(prefix)} }

const (
	fileMode = 0o600
	// forbidden are permissions that an audit file of ours does not keep.
	forbidden = 0o027
)

// OpenFile returns a sink that appends to a file, which is created with mode 0600. An
// existing file must be a regular one that belongs to this process' user; others lose
// the permissions to it, except that its group may read.
func OpenFile(path string) (*Sink, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, fileMode) //nolint:gosec // configured
	if err != nil {
		return nil, fmt.Errorf("cannot open the audit file: %w", err)
	}
	s := &Sink{w: f, closer: f}
	if s.torn, err = examine(f); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot use the audit file %s: %w", path, err), f.Close())
	}
	return s, nil
}

// examine makes a file private and reports whether its last line has no end.
func examine(f *os.File) (torn bool, err error) {
	info, err := f.Stat()
	if err != nil {
		return false, err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !info.Mode().IsRegular() || !ok {
		return false, errors.New("it is not a regular file")
	}
	if int(st.Uid) != os.Geteuid() {
		return false, fmt.Errorf("it belongs to uid %d, not to this process' uid %d", st.Uid, os.Geteuid())
	}
	if mode := info.Mode().Perm(); mode&forbidden != 0 {
		if err := f.Chmod(mode &^ forbidden); err != nil {
			return false, err
		}
	}
	if info.Size() == 0 {
		return false, nil
	}
	var last [1]byte
	if _, err := f.ReadAt(last[:], info.Size()-1); err != nil {
		return false, err
	}
	return last[0] != '\n', nil
}

// maxWrite bounds one write to a sink, so that a log does not get one huge message.
const maxWrite = 32 << 10

// write writes whole lines. After an error it returns the lines that were not written
// whole; the next write begins on a new line.
func (s *Sink) write(lines []byte) (rest []byte, err error) {
	if s.w == nil {
		return nil, nil
	}
	for len(lines) > 0 {
		n := s.fill(lines)
		written, err := s.w.Write(s.out)
		if err != nil {
			return skipLines(lines, s.broken(s.out[:written])), err
		}
		s.torn = false
		lines = lines[n:]
	}
	return nil, nil
}

// broken notes that a write ended after done, and returns how many lines are in it.
func (s *Sink) broken(done []byte) int {
	if len(done) == 0 {
		return 0
	}
	n := bytes.Count(done, []byte{'\n'})
	if s.torn {
		n-- // the one that ends the torn line
	}
	s.torn = done[len(done)-1] != '\n'
	return n
}

// fill puts as many lines with their prefixes into out as one write takes, at least one,
// and returns their length without the prefixes.
func (s *Sink) fill(lines []byte) int {
	s.out = s.out[:0]
	if s.torn {
		s.out = append(s.out, '\n')
	}
	n := 0
	for n < len(lines) {
		end := bytes.IndexByte(lines[n:], '\n') + 1
		if n > 0 && len(s.out)+len(s.prefix)+end > maxWrite {
			break
		}
		s.out = append(s.out, s.prefix...)
		s.out = append(s.out, lines[n:n+end]...)
		n += end
	}
	return n
}

func skipLines(lines []byte, n int) []byte {
	for range n {
		lines = lines[bytes.IndexByte(lines, '\n')+1:]
	}
	return lines
}

// Close closes the sink.
func (s *Sink) Close() error {
	if s.closer == nil {
		return nil
	}
	return s.closer.Close()
}
