package works

import (
	"context"
	"encoding/hex"
	"errors"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/agent/agentpb"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// Run does a work. Its context ends with the cause Options.Cancelled when it is to be undone, and otherwise when it is to
// stop and may go on later.
type Run func(ctx context.Context, c *Conversation) (*Result, error)

// Spec says what a work is about.
type Spec struct {
	Kind Kind
	// Key is the same for what is the same: of two works with one key, only one is open.
	Key string
	// Subject is for people.
	Subject string
	// Device is the one that it works with, if any.
	Device string
}

// flow is a work while it runs.
type flow struct {
	cancel context.CancelCauseFunc
	done   chan struct{}
}

// laterError is a flow that ended before its time and may go on.
type laterError struct{ err error }

func (e *laterError) Error() string { return e.err.Error() }
func (e *laterError) Unwrap() error { return e.err }

// Later marks an error after which a work waits, to be run again, instead of having failed.
func Later(err error) error { return &laterError{err} }

// Begin begins a work, or returns the open one with the same key, which it runs if it waits.
func (w *Works) Begin(s Spec, run Run) (m *agentpb.Work, already bool, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.load(); err != nil {
		return nil, false, err
	}
	w.sweep()
	open := 0
	for _, one := range w.all {
		switch {
		case one.record.ended():
		case one.record.Kind == s.Kind && one.record.Key == s.Key:
			return one.message(), true, w.start(one, run)
		default:
			open++
		}
	}
	if open >= MaxOpen {
		return nil, false, &wire.Error{
			Status: wire.StatusInsufficientMemory, Reason: "too many works of yours have not ended", Remedy: "parsecctl work list, parsecctl work cancel",
		}
	}
	now := w.now()
	one := &work{changed: make(chan struct{}), record: record{
		Version: recordVersion, ID: newID(), Kind: s.Kind, Key: s.Key, Subject: cut(s.Subject), Device: s.Device,
		Begun: milliseconds(now), Deadline: milliseconds(now.Add(w.options.Patience)),
	}}
	if w.closed {
		return nil, false, stopping()
	}
	if err := w.store(&one.record); err != nil {
		return nil, false, err
	}
	w.all[one.record.ID] = one
	if err := w.start(one, run); err != nil {
		return nil, false, err
	}
	return one.message(), false, nil
}

func stopping() error { return &wire.Error{Status: wire.StatusBadState, Reason: errStopping.Error()} }

// start runs a work that does not run. The caller holds mu.
func (w *Works) start(one *work, run Run) error {
	switch {
	case w.closed:
		return stopping()
	case one.flow != nil || run == nil:
		return nil
	}
	ctx, cancel := context.WithCancelCause(w.ctx)
	timer := time.AfterFunc(time.UnixMilli(one.record.Deadline).Sub(w.now()), func() { cancel(w.options.Cancelled) })
	f := &flow{cancel: cancel, done: make(chan struct{})}
	one.flow, one.waits = f, nil
	w.changed(one)
	w.flows.Go(func() {
		defer cancel(nil)
		defer timer.Stop()
		result, err := run(ctx, &Conversation{w, one})
		w.ended(ctx, one, result, err)
	})
	return nil
}

// ended takes what a flow has come to.
func (w *Works) ended(ctx context.Context, one *work, result *Result, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f := one.flow
	one.flow, one.question, one.take = nil, nil, nil
	defer close(f.done)
	cancelled := errors.Is(context.Cause(ctx), w.options.Cancelled)
	_, later := errors.AsType[*laterError](err)
	switch {
	case err == nil:
		w.end(one, result, nil, false)
	case cancelled && w.now().UnixMilli() >= one.record.Deadline:
		w.end(one, nil, expired(), false)
	case cancelled || errors.Is(err, w.options.Cancelled):
		w.end(one, nil, cancellation(err), true)
	case later || ctx.Err() != nil:
		one.waits = failure(err, false)
		w.changed(one)
	default:
		w.end(one, nil, err, false)
	}
}

// cancellation says what became of a work that was cancelled.
func cancellation(err error) error {
	e := &wire.Error{Status: wire.StatusBadState, Reason: "it was cancelled", Err: err}
	if detail, ok := errors.AsType[*wire.Error](err); ok && detail.Reason != "" {
		e.Object, e.Reason, e.Remedy = detail.Object, detail.Reason, detail.Remedy
	}
	return e
}

// end records how a work ended. Where the disk does not take it, the work is over all the same: after a restart it waits
// again. The caller holds mu.
func (w *Works) end(one *work, result *Result, err error, cancelled bool) {
	r := &one.record
	r.Ended = milliseconds(w.now())
	if err != nil {
		r.Failure = failure(err, cancelled)
	} else {
		r.Result = result
		if r.Result == nil {
			r.Result = &Result{}
		}
		if r.Result.Device != "" && r.Device == "" {
			r.Device = r.Result.Device
		}
	}
	if err := w.store(r); err != nil {
		w.options.Logger.Error("work_not_recorded", "work", r.ID, "error", err)
	}
	w.changed(one)
}

// Conversation is what a flow asks and tells through. It is the flow's.
type Conversation struct {
	works *Works
	work  *work
}

// Given is an answer, with what came beside it.
type Given struct {
	*agentpb.Answer
	// Certificate is the one beside the key that the answer names, in DER.
	Certificate []byte
}

// Ask asks a question, whose step it sets, and returns when take has taken an answer. take only looks at the answer; with an
// error the question stays. Ask ends with its context. The question is nobody's to change any more.
func (c *Conversation) Ask(ctx context.Context, q *agentpb.Question, take func(Given) error) error {
	w, one := c.works, c.work
	answered := make(chan struct{})
	w.mu.Lock()
	one.step++
	q.Step = one.step
	one.question, one.take, one.answered = q, take, answered
	w.changed(one)
	w.mu.Unlock()
	select {
	case <-answered:
		return nil
	case <-ctx.Done():
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if one.question == q {
		one.question, one.take = nil, nil
		w.changed(one)
		return context.Cause(ctx)
	}
	return nil // it was answered in the same moment
}

// keptNotices is how many notices are kept for those who watch later.
const keptNotices = 32

// Tell says what happens. The notice is nobody's to change any more.
func (c *Conversation) Tell(n *agentpb.Notice) {
	w, one := c.works, c.work
	w.mu.Lock()
	defer w.mu.Unlock()
	one.number++
	n.Number = one.number
	if len(one.notices) >= keptNotices {
		one.notices = append(one.notices[:0:0], one.notices[1:]...)
	}
	one.notices = append(one.notices, n)
	w.changed(one)
}

// Fingerprint writes one as a record has it.
func Fingerprint(b []byte) string { return hex.EncodeToString(b) }
