package works

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/seed-73b3884f/parsec-agent/proto/agent/agentpb"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errCancelled = errors.New("cancelled")

func open(t *testing.T, dir string) *Works {
	t.Helper()
	w := New(Options{Dir: dir, Cancelled: errCancelled, Logger: slog.New(slog.DiscardHandler)})
	t.Cleanup(w.Close)
	return w
}

func spec(key string) Spec { return Spec{Kind: KindClaim, Key: key, Subject: "an invitation to Acme"} }

// asks is a flow that asks one question, and tells before and after.
func asks(ctx context.Context, c *Conversation) (*Result, error) {
	c.Tell(&agentpb.Notice{Kind: "waiting"})
	var heard string
	err := c.Ask(ctx, &agentpb.Question{Kind: "choose-code", Codes: []string{"AAAA", "BBBB"}}, func(g Given) error {
		if g.GetCode() != "AAAA" && g.GetCode() != "BBBB" {
			return wire.Errorf(wire.StatusInvalidArgument, "it is none of those")
		}
		heard = g.GetCode()
		return nil
	})
	if err != nil {
		return nil, err
	}
	c.Tell(&agentpb.Notice{Kind: "done"})
	return &Result{Server: "s", Organization: heard, Device: strings.Repeat("ab", 16)}, nil
}

// until watches a work until it is in a state.
func until(t *testing.T, w *Works, id string, want State) *agentpb.Work {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var got *agentpb.Work
	found := errors.New("found")
	err := w.Watch(ctx, id, func(m *agentpb.Work, _ []*agentpb.Notice, _ bool) error {
		got = m
		if m.GetState() == string(want) {
			return found
		}
		return nil
	})
	if !errors.Is(err, found) {
		t.Fatalf("the work is %v, %v; want %s", got, err, want)
	}
	return got
}

func answer(code string) Given { return Given{Answer: &agentpb.Answer{Code: code}} }

func TestLife(t *testing.T) {
	w := open(t, filepath.Join(t.TempDir(), "works"))
	m, already, err := w.Begin(spec("k"), asks)
	if err != nil || already {
		t.Fatal(already, err)
	}
	id := m.GetWorkId()
	if m := until(t, w, id, StateAsking); m.GetQuestion().GetStep() != 1 || m.GetNotice().GetKind() != "waiting" {
		t.Fatalf("%v", m)
	}
	if again, already, err := w.Begin(spec("k"), asks); err != nil || !already || again.GetWorkId() != id {
		t.Fatalf("%v, %v, %v", again, already, err)
	}
	if _, err := w.Answer(id, 2, answer("AAAA")); wire.StatusOf(err) != wire.StatusInvalidArgument {
		t.Errorf("a step that was not asked: %v", err)
	}
	if _, err := w.Answer(id, 0, answer("AAAA")); wire.StatusOf(err) != wire.StatusInvalidArgument {
		t.Errorf("no step: %v", err)
	}
	if _, err := w.Answer(id, 1, answer("CCCC")); wire.StatusOf(err) != wire.StatusInvalidArgument || !strings.Contains(err.Error(), id[:8]) {
		t.Errorf("an answer that was not asked for: %v", err)
	}
	until(t, w, id[:6], StateAsking)
	if already, err := w.Answer("", 1, answer("BBBB")); err != nil || already {
		t.Fatal(already, err)
	}
	if m := until(t, w, id, StateDone); m.GetResult().GetOrganization() != "BBBB" || m.GetDeviceId() == "" || m.GetEndedUnixMs() == 0 {
		t.Fatalf("%v", m)
	}
	if already, err := w.Answer(id, 1, answer("AAAA")); err != nil || !already {
		t.Error("an answer that comes again:", already, err)
	}
	if _, err := w.Cancel(t.Context(), id, false); err != nil {
		t.Error(err)
	}
	until(t, w, id, StateDone)
	if _, err := w.Cancel(t.Context(), id, true); err != nil {
		t.Error(err)
	}
	if all, err := w.List(); err != nil || len(all) != 0 {
		t.Error(all, err)
	}
	if _, err := w.Answer(id, 1, answer("AAAA")); wire.StatusOf(err) != wire.StatusDoesNotExist {
		t.Error(err)
	}
	if next, already, err := w.Begin(spec("k"), asks); err != nil || already || next.GetWorkId() == id {
		t.Error(next, already, err)
	}
}

// TestNotices: who watches learns every notice once, in order, and who comes later the last ones.
func TestNotices(t *testing.T) {
	w := open(t, t.TempDir())
	const all = 3 * keptNotices
	step := make(chan struct{})
	m, _, err := w.Begin(spec("k"), func(ctx context.Context, c *Conversation) (*Result, error) {
		for range all {
			select {
			case <-step:
			case <-ctx.Done():
				return nil, ctx.Err()
			}
			c.Tell(&agentpb.Notice{Kind: "working"})
		}
		return nil, nil //nolint:nilnil // no result is one
	})
	if err != nil {
		t.Fatal(err)
	}
	next, told := uint32(1), 0
	err = w.Watch(t.Context(), m.GetWorkId(), func(_ *agentpb.Work, since []*agentpb.Notice, last bool) error {
		for _, n := range since {
			if n.GetNumber() != next {
				t.Errorf("notice %d, want %d", n.GetNumber(), next)
			}
			next++
		}
		if told++; told <= all {
			step <- struct{}{}
		}
		return nil
	})
	if err != nil || next != all+1 {
		t.Errorf("saw %d notices, %v", next-1, err)
	}
	err = w.Watch(t.Context(), m.GetWorkId(), func(_ *agentpb.Work, since []*agentpb.Notice, last bool) error {
		if len(since) != keptNotices || since[0].GetNumber() != all-keptNotices+1 || !last {
			t.Errorf("%d notices, last %v", len(since), last)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// TestQuestionIsTakenBack has the context of a question end: an answer that comes then changes nothing.
func TestQuestionIsTakenBack(t *testing.T) {
	w := open(t, t.TempDir())
	heard := errors.New("heard")
	back := make(chan context.CancelCauseFunc, 1)
	m, _, err := w.Begin(spec("k"), func(ctx context.Context, c *Conversation) (*Result, error) {
		saying, cancel := context.WithCancelCause(ctx)
		back <- cancel
		err := c.Ask(saying, &agentpb.Question{Kind: "say-code", Code: "AAAA"}, func(Given) error { return nil })
		if !errors.Is(err, heard) {
			return nil, errors.New("not heard")
		}
		<-ctx.Done()
		return nil, ctx.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	until(t, w, m.GetWorkId(), StateAsking)
	(<-back)(heard)
	if m := until(t, w, m.GetWorkId(), StateRunning); m.GetQuestion() != nil {
		t.Errorf("%v", m)
	}
	if already, err := w.Answer("", 1, Given{Answer: &agentpb.Answer{}}); err != nil || !already {
		t.Error(already, err)
	}
}

func TestCancel(t *testing.T) {
	dir := t.TempDir()
	w := open(t, dir)
	undone := false
	m, _, err := w.Begin(spec("k"), func(ctx context.Context, c *Conversation) (*Result, error) {
		<-ctx.Done()
		undone = errors.Is(context.Cause(ctx), errCancelled)
		return nil, ctx.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := w.Cancel(t.Context(), m.GetWorkId(), false)
	if err != nil || got.GetState() != string(StateCancelled) || got.GetDetail().GetReason() != "it was cancelled" || !undone {
		t.Fatalf("%v, %v, undone %v", got, err, undone)
	}
	w.Close()
	if m := until(t, open(t, dir), m.GetWorkId(), StateCancelled); m.GetDetail().GetReason() != "it was cancelled" {
		t.Errorf("%v", m)
	}
}

// TestFailures: what went wrong is on disk; what may go on later waits.
func TestFailures(t *testing.T) {
	dir := t.TempDir()
	w := open(t, dir)
	gone := &wire.Error{Status: wire.StatusDoesNotExist, Object: "invitation", Reason: "it was cancelled by who made it", Remedy: "ask for another"}
	broken, _, err := w.Begin(spec("broken"), func(context.Context, *Conversation) (*Result, error) { return nil, gone })
	if err != nil {
		t.Fatal(err)
	}
	later, _, err := w.Begin(spec("later"), func(context.Context, *Conversation) (*Result, error) { return nil, Later(gone) })
	if err != nil {
		t.Fatal(err)
	}
	done, _, err := w.Begin(spec("done"), func(context.Context, *Conversation) (*Result, error) { return &Result{}, nil })
	if err != nil {
		t.Fatal(err)
	}
	until(t, w, done.GetWorkId(), StateDone)
	until(t, w, later.GetWorkId(), StateWaiting)
	w.Hold(later.GetWorkId(), wire.Errorf(wire.StatusBadState, "the device is locked"))
	if m := until(t, w, later.GetWorkId(), StateWaiting); m.GetDetail().GetReason() != "the device is locked" {
		t.Errorf("%v", m)
	}
	until(t, w, broken.GetWorkId(), StateFailed)
	w.Close()

	w = open(t, dir)
	m := until(t, w, broken.GetWorkId(), StateFailed)
	if d := m.GetDetail(); m.GetStatus() != uint32(wire.StatusDoesNotExist) || d.GetObject() != gone.Object || d.GetReason() != gone.Reason || d.GetRemedy() != gone.Remedy {
		t.Errorf("%v", m)
	}
	if m := until(t, w, later.GetWorkId(), StateWaiting); !strings.Contains(m.GetDetail().GetReason(), "started again") {
		t.Errorf("%v", m)
	}
	if m := until(t, w, done.GetWorkId(), StateDone); m.GetDetail() != nil || m.GetStatus() != 0 {
		t.Errorf("what is done waits for something: %v", m)
	}
	waiting, err := w.Waiting()
	if err != nil || len(waiting) != 1 || waiting[0].ID != later.GetWorkId() || waiting[0].Key != "later" {
		t.Fatalf("%v, %v", waiting, err)
	}
	if err := w.Resume(later.GetWorkId(), asks); err != nil {
		t.Fatal(err)
	}
	until(t, w, later.GetWorkId(), StateAsking)
	w.Fail(later.GetWorkId(), gone) // it runs
	until(t, w, later.GetWorkId(), StateAsking)
}

// TestStop: a flow that the end of the agent interrupts waits afterwards, with what it noted.
func TestStop(t *testing.T) {
	dir := t.TempDir()
	w := open(t, dir)
	m, _, err := w.Begin(spec("k"), func(ctx context.Context, c *Conversation) (*Result, error) {
		return asks(ctx, c)
	})
	if err != nil {
		t.Fatal(err)
	}
	until(t, w, m.GetWorkId(), StateAsking)
	w.Close()
	if _, _, err := w.Begin(spec("other"), asks); wire.StatusOf(err) != wire.StatusBadState {
		t.Error("begun after the end:", err)
	}
	w = open(t, dir)
	waiting, err := w.Waiting()
	if err != nil || len(waiting) != 1 || waiting[0].Key != "k" {
		t.Fatalf("%v, %v", waiting, err)
	}
	if again, already, err := w.Begin(spec("k"), asks); err != nil || !already || again.GetWorkId() != m.GetWorkId() {
		t.Fatal(again, already, err)
	}
	until(t, w, m.GetWorkId(), StateAsking)
}

func TestDeadline(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := New(Options{Dir: dir, Cancelled: errCancelled, Logger: slog.New(slog.DiscardHandler)})
		defer w.Close()
		m, _, err := w.Begin(spec("k"), asks)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(Patience - time.Second)
		if all, err := w.List(); err != nil || all[0].GetState() != string(StateAsking) {
			t.Fatal(all, err)
		}
		time.Sleep(2 * time.Second)
		if all, err := w.List(); err != nil || all[0].GetState() != string(StateFailed) || !strings.Contains(all[0].GetDetail().GetReason(), "time was over") {
			t.Fatal(all, err)
		}
		time.Sleep(MaxAge)
		if all, err := w.List(); err != nil || len(all) != 0 {
			t.Fatal(m, all, err)
		}
	})
	if names, err := os.ReadDir(dir); err != nil || len(names) != 0 {
		t.Error(names, err)
	}
}

func TestLimits(t *testing.T) {
	w := open(t, t.TempDir())
	wait := func(ctx context.Context, _ *Conversation) (*Result, error) { <-ctx.Done(); return nil, ctx.Err() }
	for i := range MaxOpen {
		if _, _, err := w.Begin(spec(string(rune('a'+i))), wait); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := w.Begin(spec("one more"), wait); wire.StatusOf(err) != wire.StatusInsufficientMemory {
		t.Fatal(err)
	}
	all, err := w.List()
	if err != nil || len(all) != MaxOpen {
		t.Fatal(len(all), err)
	}
	if _, err := w.Answer("", 1, Given{Answer: &agentpb.Answer{}}); wire.StatusOf(err) != wire.StatusInvalidArgument {
		t.Error("which one:", err)
	}
	for range 2 * maxRecords {
		all, err := w.List()
		if err != nil {
			t.Fatal(err)
		}
		open := all[len(all)-1]
		if _, err := w.Cancel(t.Context(), open.GetWorkId(), false); err != nil {
			t.Fatal(err)
		}
		if _, _, err := w.Begin(spec("k"+open.GetWorkId()), wait); err != nil && wire.StatusOf(err) != wire.StatusInsufficientMemory {
			t.Fatal(err)
		}
	}
	if all, err := w.List(); err != nil || len(all) > maxRecords {
		t.Error(len(all), err)
	}
}

// TestDamaged: what cannot be read stays, and hinders nobody.
func TestDamaged(t *testing.T) {
	dir := t.TempDir()
	id := strings.Repeat("0", 32)
	for name, content := range map[string]string{id + suffix: "{", "note.txt": "x", strings.Repeat("1", 32) + suffix: string(golden(t))} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w := open(t, dir)
	if all, err := w.List(); err != nil || len(all) != 0 {
		t.Error(all, err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 3 {
		t.Error(left, err)
	}
}

// TestAnswersAtOnce has many answer one step: one answer counts.
func TestAnswersAtOnce(t *testing.T) {
	w := open(t, t.TempDir())
	m, _, err := w.Begin(spec("k"), asks)
	if err != nil {
		t.Fatal(err)
	}
	until(t, w, m.GetWorkId(), StateAsking)
	var mu sync.Mutex
	first := 0
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			already, err := w.Answer(m.GetWorkId(), 1, answer("AAAA"))
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			if !already {
				first++
			}
		})
	}
	wg.Wait()
	if first != 1 {
		t.Errorf("%d answers counted", first)
	}
}
