package audit

import (
	"log/slog"
	"time"
)

// writer is the state of the goroutine that writes.
type writer struct {
	buf     []byte       // a buffer of pending's size, in turn with it
	backlog []byte       // the part of buf that is still to be written
	syncs   []chan error // whom to tell when it is
	failing bool         // the last write failed
}

// run writes what is pending, until Close.
func (l *Logger) run() {
	defer close(l.done)
	for {
		select {
		case <-l.wake:
		case <-l.quit:
			return
		}
		l.wait(flushDelay)
		for more := true; more; {
			var err error
			if more, err = l.write(); err != nil && !l.wait(retryDelay) {
				return
			}
		}
	}
}

// wait lets records gather, or a sink recover. It reports whether to go on.
func (l *Logger) wait(d time.Duration) bool {
	delay := time.NewTimer(d)
	defer delay.Stop()
	select {
	case <-delay.C:
		return true
	case <-l.full:
		return true
	case <-l.quit:
		return false
	}
}

// write writes the backlog, or else what is pending. It reports whether there is more.
func (l *Logger) write() (more bool, err error) {
	sink, dropped := l.take()
	if dropped.records > 0 {
		l.log.Error("audit_records_dropped",
			slog.Uint64("records", dropped.records), slog.Uint64("refused", dropped.refused))
	}
	w := &l.writer
	w.backlog, err = sink.write(w.backlog)
	l.report(err)
	if err == nil {
		tell(w.syncs, nil)
		w.syncs = nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		tell(append(w.syncs, l.syncs...), err)
		w.syncs, l.syncs = nil, nil
		return true, err
	}
	return len(l.pending) > 0 || len(l.syncs) > 0 || l.dropped.records > 0, nil
}

// take makes what is pending the backlog, when there is none, with the count of what was
// dropped after it, which it returns with the sink of now.
func (l *Logger) take() (*Sink, drops) {
	w := &l.writer
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(w.backlog) > 0 {
		return l.sink, drops{}
	}
	l.pending, w.buf = w.buf[:0], l.pending
	dropped := l.dropped
	if l.dropped = (drops{}); dropped.records > 0 {
		w.buf = dropped.appendTo(w.buf, time.Now())
	}
	w.backlog = w.buf
	w.syncs, l.syncs = l.syncs, nil
	l.stuck = false
	close(l.room)
	l.room = make(chan struct{})
	return l.sink, dropped
}

func tell(syncs []chan error, err error) {
	for _, c := range syncs {
		c <- err
	}
}

// report logs when the sink begins and ceases to fail.
func (l *Logger) report(err error) {
	w := &l.writer
	switch {
	case err != nil && !w.failing:
		l.log.Error("audit_write_failed", slog.Any("error", err))
	case err == nil && w.failing:
		l.log.Warn("audit_write_recovered")
	}
	w.failing = err != nil
}
