package agentdtest

import "sync"

// keepLog is how much of a process's output is kept, in bytes.
const keepLog = 1 << 20

// log keeps the last of what a process writes.
type log struct {
	mu  sync.Mutex // guards buf
	buf []byte
}

// Write implements io.Writer.
func (l *log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.buf)+len(b) > 2*keepLog {
		l.buf = append(l.buf[:0], l.buf[len(l.buf)-keepLog/2:]...)
	}
	l.buf = append(l.buf, b...)
	return len(b), nil
}

// String returns what is kept.
func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.buf)
}
