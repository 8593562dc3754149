// Package outbox does what commands leave for later: mails and webhooks. Nothing in it lasts longer than the process, and nobody waits for it
// who does not want to.
//
// A Box may be used concurrently.
package outbox

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// ErrFull says that too much waits already.
var ErrFull = errors.New("too much waits to be sent")

// ErrClosed says that the server ends.
var ErrClosed = errors.New("the server ends")

// finalError is a failure after which nothing is tried again.
type finalError struct{ error }

func (e finalError) Unwrap() error { return e.error }

// Final marks a failure that would come again.
func Final(err error) error { return finalError{err} }

// Options bound a box.
type Options struct {
	// Most is how many jobs may be there at once, those that wait to be tried again too.
	Most int
	// Workers is how many are done at once.
	Workers int
	// Time is how long one attempt may take.
	Time time.Duration
	// Pauses are those after the first attempt, the second one and so on; after the last the job is given up.
	Pauses []time.Duration
	Log    *slog.Logger
}

// Job is something to do. Its name is logged and holds no secret.
type Job struct {
	Name string
	Do   func(context.Context) error
}

// Counts are what became of jobs since the start, for metrics.
type Counts struct{ Done, Failed, GivenUp, Refused uint64 }

// Box holds jobs and does them.
type Box struct {
	o     Options
	ready chan *item // never full: it has room for all jobs
	ctx   context.Context
	end   context.CancelFunc
	work  sync.WaitGroup

	settled chan struct{} // has something when a job left or waits

	mu     sync.Mutex // guards the fields below
	held   int
	timers map[*item]*time.Timer
	closed bool

	done, failed, givenUp, refused atomic.Uint64
}

// item is a job that is held, with how often it was tried.
type item struct {
	Job

	tried int
	first chan error
}

// New starts the workers of a box.
func New(o Options) *Box {
	ctx, end := context.WithCancel(context.Background())
	b := &Box{o: o, ready: make(chan *item, o.Most), ctx: ctx, end: end, settled: make(chan struct{}, 1), timers: map[*item]*time.Timer{}}
	for range o.Workers {
		b.work.Go(b.run)
	}
	return b
}

// Put takes a job. The channel gets what became of the first attempt; nobody need read it.
func (b *Box) Put(j Job) (<-chan error, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.closed:
		return nil, ErrClosed
	case b.held == b.o.Most:
		b.refused.Add(1)
		return nil, ErrFull
	}
	b.held++
	i := &item{Job: j, first: make(chan error, 1)}
	b.ready <- i
	return i.first, nil
}

// Len returns how many jobs are there, and Counts what became of others.
func (b *Box) Len() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.held
}

// Counts returns what became of jobs.
func (b *Box) Counts() Counts {
	return Counts{Done: b.done.Load(), Failed: b.failed.Load(), GivenUp: b.givenUp.Load(), Refused: b.refused.Load()}
}

func (b *Box) run() {
	for {
		select {
		case <-b.ctx.Done():
			return
		case i := <-b.ready:
			b.try(i)
		}
	}
}

func (b *Box) try(i *item) {
	ctx, cancel := context.WithTimeout(b.ctx, b.o.Time)
	defer cancel()
	err := i.Do(ctx)
	if i.tried++; i.tried == 1 {
		i.first <- err
	}
	if err == nil {
		b.done.Add(1)
		b.drop()
		return
	}
	b.failed.Add(1)
	if _, final := errors.AsType[finalError](err); final || i.tried > len(b.o.Pauses) {
		b.o.Log.Warn("given up", "what", i.Name, "attempts", i.tried, "error", err)
		b.givenUp.Add(1)
		b.drop()
		return
	}
	b.o.Log.Warn("failed, and is tried again", "what", i.Name, "attempts", i.tried, "pause", b.o.Pauses[i.tried-1], "error", err)
	b.later(i)
}

func (b *Box) drop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.held--
	b.settle()
}

// settle wakes whoever closes the box.
func (b *Box) settle() {
	select {
	case b.settled <- struct{}{}:
	default:
	}
}

// later has a job tried again, unless the box is closed: then it only counts as one that waits.
func (b *Box) later(i *item) {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer b.settle()
	if b.closed {
		b.timers[i] = nil
		return
	}
	b.timers[i] = time.AfterFunc(b.o.Pauses[i.tried-1], func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.timers, i)
		b.ready <- i
	})
}

// Close waits for attempts that run, until the context ends, and forgets all other jobs. It says how many.
func (b *Box) Close(ctx context.Context) {
	b.mu.Lock()
	b.closed = true
	for _, t := range b.timers {
		t.Stop()
	}
	b.mu.Unlock()
	for b.busy() && ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-b.settled:
		}
	}
	b.end()
	b.work.Wait()
	if n := b.Len(); n > 0 {
		b.o.Log.Warn("what waited to be sent is forgotten", "jobs", n)
	}
}

// busy reports whether a job waits for its first attempt, or runs.
func (b *Box) busy() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.held > len(b.timers)
}
