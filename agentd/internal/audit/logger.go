package audit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// The bounds of a Logger.
const (
	// flushDelay is how long a record may wait in memory.
	flushDelay = 50 * time.Millisecond
	// retryDelay is the pause after a write that failed.
	retryDelay = time.Second
	// patience is how long a request waits for room.
	patience = 20 * time.Millisecond
	// capacity bounds the bytes that wait; as many may be in the hands of the sink.
	capacity = 256 << 10
	// reserve is the part of the capacity that only refusals use.
	reserve = 64 << 10
	// eager is the number of waiting bytes that ends the delay.
	eager = 64 << 10
	// usualLine is what most lines fit in, on the stack.
	usualLine = 1024
)

// Logger writes records to a sink.
type Logger struct {
	log     *slog.Logger
	enabled atomic.Bool
	wake    chan struct{} // there is something to write
	full    chan struct{} // there is much to write
	quit    chan struct{} // closed by Close
	done    chan struct{} // closed when the writer has ended

	mu      sync.Mutex // guards the fields below
	sink    *Sink
	pending []byte        // whole lines, not yet taken by the writer
	room    chan struct{} // closed when pending is taken
	stuck   bool          // somebody has waited for room in vain
	dropped drops
	syncs   []chan error // whom to tell when all of pending is written
	closed  bool

	writer writer
}

// New returns a Logger that writes to sink; log gets the troubles of the sink.
func New(sink *Sink, log *slog.Logger) *Logger {
	l := &Logger{
		log: log, sink: sink, room: make(chan struct{}),
		wake: make(chan struct{}, 1), full: make(chan struct{}, 1), quit: make(chan struct{}), done: make(chan struct{}),
	}
	l.enabled.Store(sink.w != nil)
	go l.run()
	return l
}

// Record takes a record. It does not keep it.
func (l *Logger) Record(r *Record) {
	if !l.enabled.Load() {
		return
	}
	var space [usualLine]byte
	line := appendRecord(space[:0], r)
	limit := capacity - reserve
	if r.refused() {
		limit = capacity
	}
	l.mu.Lock()
	if len(l.pending)+len(line) > limit && !l.waitForRoom(len(line), limit) {
		l.dropped.add(r)
		l.mu.Unlock()
		return
	}
	before := len(l.pending)
	l.pending = append(l.pending, line...)
	after := len(l.pending)
	l.mu.Unlock()
	if before == 0 {
		signal(l.wake)
	}
	if before < eager && after >= eager {
		signal(l.full)
	}
}

// waitForRoom waits until n bytes fit, and reports whether they do. It is called, and
// returns, with the lock held.
func (l *Logger) waitForRoom(n, limit int) bool {
	if l.stuck || l.closed {
		return false
	}
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for len(l.pending)+n > limit {
		room := l.room
		l.mu.Unlock()
		select {
		case <-room:
			l.mu.Lock()
		case <-deadline.C:
			l.mu.Lock()
			l.stuck = true
			return false
		}
	}
	return true
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Flush waits until everything recorded before is written, or cannot be.
func (l *Logger) Flush(ctx context.Context) error {
	answer := make(chan error, 1)
	l.mu.Lock()
	l.syncs = append(l.syncs, answer)
	l.mu.Unlock()
	signal(l.wake)
	signal(l.full)
	select {
	case err := <-answer:
		return err
	case <-l.done:
		return errors.New("the audit log is closed")
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Switch makes sink the one that takes the records from now on, and closes the old one.
// What the old one could not take goes to the new one.
func (l *Logger) Switch(ctx context.Context, sink *Sink) {
	if err := l.Flush(ctx); err != nil {
		l.log.LogAttrs(ctx, slog.LevelError, "audit_flush_failed", slog.Any("error", err))
	}
	l.mu.Lock()
	old := l.sink
	l.sink = sink
	l.enabled.Store(sink.w != nil && !l.closed)
	l.mu.Unlock()
	if err := old.Close(); err != nil {
		l.log.LogAttrs(ctx, slog.LevelError, "audit_close_failed", slog.Any("error", err))
	}
}

// Close writes what is pending and closes the sink. Records that come later are ignored.
// An error tells that the sink did not take everything before ctx ended.
func (l *Logger) Close(ctx context.Context) error {
	l.mu.Lock()
	again := l.closed
	l.closed = true
	l.enabled.Store(false)
	l.mu.Unlock()
	if again {
		return nil
	}
	flushed := l.Flush(ctx)
	close(l.quit)
	if flushed != nil {
		return fmt.Errorf("audit records are lost: %w", flushed)
	}
	<-l.done
	return l.sink.Close()
}
