package store

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"time"
)

// How much one commit of SQLite takes with it: waiting for the disk costs the same for one job and for many.
const (
	maxGroup = 128
	maxHeld  = 10 * time.Millisecond
)

// How commits of SQLite wait for the disk.
const (
	waiting    = "PRAGMA synchronous = FULL"
	notWaiting = "PRAGMA synchronous = NORMAL"
)

// job is a function that writes, and what became of it.
type job struct {
	f func(*Tx) error
	// note says that the outcome may be lost with the machine.
	note bool
	tx   *Tx
	err  error
	done chan struct{}
}

func (s *sqlite) write(ctx context.Context, _ []Lock, f func(*Tx) error) error {
	return s.queue(ctx, &job{f: f, done: make(chan struct{})})
}

// note is write for what fails with this process when the machine fails. What waits for the disk later makes it durable too.
func (s *sqlite) note(ctx context.Context, f func(*Tx) error) error {
	return s.queue(ctx, &job{f: f, note: true, done: make(chan struct{})})
}

// queue has the writer do a job.
func (s *sqlite) queue(ctx context.Context, j *job) error {
	select {
	case s.jobs <- j:
	case <-ctx.Done():
		return ctx.Err()
	case <-s.stop:
		return ErrUnavailable
	}
	<-j.done // it is short, and its outcome must be known
	if j.tx != nil {
		for _, f := range j.tx.after {
			_ = f() // of a lock: nothing is lost
		}
	}
	return j.err
}

// run is the one writer.
func (s *sqlite) run() {
	for first := []*job{}; ; {
		if len(first) == 0 {
			select {
			case j := <-s.jobs:
				first = append(first, j)
			case <-s.stop:
				return
			}
		}
		first = s.group(first)
	}
}

// group runs jobs, and those that wait meanwhile, in one transaction of SQLite. Each sees what those before it wrote;
// one that fails is undone alone. It waits for the disk unless there are nothing but notes in it. It returns the jobs that the next group begins with.
func (s *sqlite) group(first []*job) (next []*job) {
	all, note := s.gather(first)
	err := s.begin(note)
	if err == nil {
		all, next = s.jobsOf(all, note)
		if err = s.writer.run(commit); err != nil {
			_ = s.writer.run(rollback) // it may have ended already
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
	return next
}

// gather adds the jobs that wait now, and says whether all are notes.
func (s *sqlite) gather(all []*job) (_ []*job, note bool) {
	for len(all) < maxGroup {
		select {
		case j := <-s.jobs:
			all = append(all, j)
			continue
		default:
		}
		break
	}
	return all, !slices.ContainsFunc(all, func(j *job) bool { return !j.note })
}

// begin begins a transaction whose commit waits for the disk, or not.
func (s *sqlite) begin(note bool) error {
	if note != s.notes {
		text := waiting
		if note {
			text = notWaiting
		}
		if err := s.writer.Run(text); err != nil {
			return err
		}
		s.notes = note
	}
	return s.writer.run(beginWriting)
}

// jobsOf runs jobs, and those that come meanwhile while there is room and time. It returns those that had their turn, and those that had not: a
// job that must wait for the disk, where nobody does, and all others when the transaction is lost.
func (s *sqlite) jobsOf(all []*job, note bool) (done, next []*job) {
	for began, i := time.Now(), 0; ; i++ {
		if i == len(all) {
			if i == maxGroup || time.Since(began) > maxHeld {
				return all, nil
			}
			select {
			case j := <-s.jobs:
				if note && !j.note {
					return all, []*job{j}
				}
				all = append(all, j)
			default:
				return all, nil
			}
		}
		if !s.perform(all[i]) {
			return all[:i+1], all[i+1:]
		}
	}
}

// perform runs one job between savepoints, the first of which waits until something is written. It reports false when
// the transaction is gone with all jobs in it, which SQLite does of itself when the disk fails or is full.
func (s *sqlite) perform(j *job) bool {
	began := false
	s.writer.before = func() error {
		began = true
		return s.writer.run(savepoint)
	}
	j.tx = &Tx{conn: s.writer, write: true}
	j.err = guarded(j.f, j.tx)
	s.writer.before = nil
	if !began {
		return true
	}
	var lost error
	if j.err != nil {
		lost = s.writer.run(rollbackPoint)
	}
	if lost == nil {
		lost = s.writer.run(releasePoint)
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
