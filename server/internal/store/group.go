package store

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"
)

// How much one commit of SQLite takes with it: waiting for the disk costs the same for one job and for many.
const (
	maxGroup = 128
	maxHeld  = 10 * time.Millisecond
)

// job is a function that writes, and what became of it.
type job struct {
	f    func(*Tx) error
	tx   *Tx
	err  error
	done chan struct{}
}

func (s *sqlite) write(ctx context.Context, _ []Lock, f func(*Tx) error) error {
	j := &job{f: f, done: make(chan struct{})}
	select {
	case s.jobs <- j:
	case <-ctx.Done():
		return ctx.Err()
	case <-s.stop:
		return ErrUnavailable
	}
	<-j.done // it is short, and its outcome must be known
	return j.err
}

// run is the one writer.
func (s *sqlite) run() {
	for {
		select {
		case j := <-s.jobs:
			s.group(j)
		case <-s.stop:
			return
		}
	}
}

// group runs a job, and those that wait meanwhile, in one transaction of SQLite. Each sees what those before it wrote;
// one that fails is undone alone.
func (s *sqlite) group(first *job) {
	all := []*job{first}
	err := s.writer.run(context.Background(), beginWriting)
	if err == nil {
		all = s.jobsOf(first)
		if err = s.writer.run(context.Background(), commit); err != nil {
			_ = s.writer.run(context.Background(), rollback) // it may have ended already
		}
	}
	for _, j := range all {
		if err != nil && j.err == nil {
			j.err = fmt.Errorf("cannot commit: %w", sqliteFault(err))
		}
		if j.err == nil {
			for _, m := range j.tx.emitted {
				s.deliver(m)
			}
		}
		close(j.done)
	}
}

func (s *sqlite) jobsOf(j *job) []*job {
	all := []*job{}
	for began := time.Now(); ; {
		whole := s.perform(j)
		all = append(all, j)
		if !whole || len(all) == maxGroup || time.Since(began) > maxHeld {
			return all
		}
		select {
		case j = <-s.jobs:
		default:
			return all
		}
	}
}

// perform runs one job between savepoints, the first of which waits until something is written. It reports false when
// the transaction is gone with all jobs in it, which SQLite does of itself when the disk fails or is full.
func (s *sqlite) perform(j *job) bool {
	began := false
	s.writer.before = func() error {
		began = true
		return s.writer.run(context.Background(), savepoint)
	}
	j.tx = &Tx{conn: s.writer, write: true}
	j.err = guarded(j.f, j.tx)
	s.writer.before = nil
	if !began {
		return true
	}
	var lost error
	if j.err != nil {
		lost = s.writer.run(context.Background(), rollbackPoint)
	}
	if lost == nil {
		lost = s.writer.run(context.Background(), releasePoint)
	}
	if lost != nil && j.err == nil {
		j.err = sqliteFault(lost)
	}
	return lost == nil
}

// guarded turns a panic into an error: the writer belongs to everybody.
func guarded(f func(*Tx) error, tx *Tx) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("a transaction panicked: %v\n%s", p, debug.Stack())
		}
	}()
	return f(tx)
}
