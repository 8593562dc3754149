package works

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/agent/agentpb"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// shortest is how many digits of an id are enough to try.
const shortest = 4

// find returns the work that a text means: an id, the first digits of one, or nothing for the only one that is open. The
// caller holds mu.
func (w *Works) find(text string) (*work, error) {
	if err := w.load(); err != nil {
		return nil, err
	}
	w.sweep()
	if one, ok := w.all[text]; ok {
		return one, nil
	}
	var found []*work
	for id, one := range w.all {
		if text == "" && !one.record.ended() || len(text) >= shortest && strings.HasPrefix(id, strings.ToLower(text)) {
			found = append(found, one)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return nil, &wire.Error{
			Status: wire.StatusInvalidArgument, Reason: fmt.Sprintf("%d works of yours fit", len(found)), Remedy: "name one by its id: parsecctl work list",
		}
	case text == "":
		return nil, &wire.Error{Status: wire.StatusDoesNotExist, Reason: "no work of yours waits for anything", Remedy: "parsecctl work list shows those that ended"}
	default:
		return nil, &wire.Error{Status: wire.StatusDoesNotExist, Object: fmt.Sprintf("work %q", text), Reason: "there is no such work", Remedy: "parsecctl work list"}
	}
}

// List describes all works, the oldest first.
func (w *Works) List() ([]*agentpb.Work, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.load(); err != nil {
		return nil, err
	}
	w.sweep()
	all := make([]*agentpb.Work, 0, len(w.all))
	for _, one := range w.all {
		all = append(all, one.message())
	}
	slices.SortFunc(all, func(a, b *agentpb.Work) int {
		if a.GetBegunUnixMs() != b.GetBegunUnixMs() {
			return int(max(-1, min(1, a.GetBegunUnixMs()-b.GetBegunUnixMs())))
		}
		return strings.Compare(a.GetWorkId(), b.GetWorkId())
	})
	return all, nil
}

// Waiting is a work that does not run, with what is needed to run it again.
type Waiting struct {
	ID, Key, Device string
	Kind            Kind
}

// Find returns the work that a text means.
func (w *Works) Find(text string) (Waiting, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	one, err := w.find(text)
	if err != nil {
		return Waiting{}, err
	}
	r := &one.record
	return Waiting{r.ID, r.Key, r.Device, r.Kind}, nil
}

// Waiting returns the open works that do not run.
func (w *Works) Waiting() ([]Waiting, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.load(); err != nil {
		return nil, err
	}
	w.sweep()
	var all []Waiting
	for id, one := range w.all {
		if r := &one.record; !r.ended() && one.flow == nil {
			all = append(all, Waiting{id, r.Key, r.Device, r.Kind})
		}
	}
	slices.SortFunc(all, func(a, b Waiting) int { return strings.Compare(a.ID, b.ID) })
	return all, nil
}

// Resume runs a work that waits.
func (w *Works) Resume(id string, run Run) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	one, err := w.find(id)
	if err != nil || one.record.ended() {
		return err
	}
	return w.start(one, run)
}

// Hold says what a work that does not run waits for.
func (w *Works) Hold(id string, why error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if one := w.all[id]; one != nil && one.flow == nil && !one.record.ended() {
		one.waits = failure(why, false)
		w.changed(one)
	}
}

// Fail ends a work that does not run and never will.
func (w *Works) Fail(id string, why error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if one := w.all[id]; one != nil && one.flow == nil && !one.record.ended() {
		w.end(one, nil, why, false)
	}
}

// Answer gives the answer to the question of a step. already says that the step was answered before, or its question taken
// back, and that nothing was looked at.
func (w *Works) Answer(text string, step uint32, given Given) (already bool, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	one, err := w.find(text)
	if err != nil {
		return false, err
	}
	switch {
	case step == 0 || step > one.step:
		return false, &wire.Error{
			Status: wire.StatusInvalidArgument, Object: one.object(), Reason: fmt.Sprintf("it has not asked anything in step %d", step), Remedy: "parsecctl work watch shows what it asks",
		}
	case one.question == nil || step < one.step:
		return true, nil
	}
	if err := one.take(given); err != nil {
		return false, about(one.object(), err)
	}
	one.question, one.take = nil, nil
	close(one.answered)
	w.changed(one)
	return false, nil
}

func (w *work) object() string { return fmt.Sprintf("work %q", w.record.ID[:8]) }

// about adds the object to an error that names none.
func about(object string, err error) error {
	named := wire.Error{Status: wire.StatusOf(err), Err: err, Reason: err.Error()}
	if detail, ok := err.(*wire.Error); ok { //nolint:errorlint // one that is wrapped has its text around it
		named = *detail
	}
	if named.Object == "" {
		named.Object = object
	}
	return &named
}

// Settle is how long a cancelled work may take to undo what it began before Cancel returns all the same.
const Settle = 10 * time.Second

// Cancel ends a work; its flow undoes what it can. One that has ended stays as it is, or is forgotten.
func (w *Works) Cancel(ctx context.Context, text string, forget bool) (*agentpb.Work, error) {
	w.mu.Lock()
	one, err := w.find(text)
	if err != nil {
		w.mu.Unlock()
		return nil, err
	}
	f := one.flow
	if f == nil && !one.record.ended() {
		w.end(one, nil, cancellation(nil), true)
	}
	w.mu.Unlock()
	if f != nil {
		f.cancel(w.options.Cancelled)
		select {
		case <-f.done:
		case <-ctx.Done():
		case <-time.After(Settle):
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	m := one.message()
	if forget && one.record.ended() {
		return m, w.forget(one.record.ID)
	}
	return m, nil
}

// Watch calls each with a work as it is, and again after each change, with the notices that came since, until the work has
// ended or does not run, each returns an error or ctx ends.
func (w *Works) Watch(ctx context.Context, text string, each func(m *agentpb.Work, since []*agentpb.Notice, last bool) error) error {
	seen := uint32(0)
	w.mu.Lock()
	one, err := w.find(text)
	w.mu.Unlock()
	if err != nil {
		return err
	}
	for {
		w.mu.Lock()
		m, changed := one.message(), one.changed
		var since []*agentpb.Notice
		for _, n := range one.notices {
			if n.GetNumber() > seen {
				since = append(since, n)
				seen = n.GetNumber()
			}
		}
		last := one.record.ended() || one.flow == nil
		w.mu.Unlock()
		if err := each(m, since, last); err != nil || last {
			return err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
