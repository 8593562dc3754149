package exclusive_test

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/kim"
	"github.com/seed-73b3884f/parsec-agent/kim/internal/exclusive"
	"github.com/seed-73b3884f/parsec-agent/kim/kimtest"
)

type state struct{ opened, again, closed int }

func opener(s *state, fail error) exclusive.Opener[*state] {
	return exclusive.Opener[*state]{
		Open:  func() (*state, error) { s.opened++; return s, fail },
		Again: func(s *state) error { s.again++; return fail },
		Close: func(s *state) error { s.closed++; return nil },
	}
}

func TestAcquire(t *testing.T) {
	var table exclusive.Table[*state]
	lock := filepath.Join(t.TempDir(), "lock")
	var s state
	fail := errors.New("no")
	if _, err := table.Acquire("a", lock, opener(&s, fail)); !errors.Is(err, fail) {
		t.Fatal(err)
	}
	first, err := table.Acquire("a", lock, opener(&s, nil))
	if err != nil {
		t.Fatalf("a failed opening keeps the lock: %v", err)
	}
	second, err := table.Acquire("a", lock, opener(&state{}, nil))
	if err != nil || second.State != &s || s.again != 1 {
		t.Fatalf("the state is not shared: %v", err)
	}
	if _, err := table.Acquire("a", lock, opener(&state{}, fail)); !errors.Is(err, fail) {
		t.Errorf("a failed sharing: %v", err)
	}
	if _, err := table.Acquire("b", lock, opener(&state{}, nil)); !errors.Is(err, kim.ErrLocked) {
		t.Errorf("the lock is not held: %v", err)
	}
	for range 2 { // the second Close counts nothing
		if err := first.Close(); err != nil || s.closed != 0 {
			t.Errorf("closed %d times with one opening left: %v", s.closed, err)
		}
	}
	if err := second.Close(); err != nil || s.closed != 1 || s.opened != 2 {
		t.Errorf("%+v, %v", s, err)
	}
	kimtest.LockFile(t, lock)() // free again
}

func TestNoDirectory(t *testing.T) {
	var table exclusive.Table[*state]
	var s state
	if _, err := table.Acquire("a", filepath.Join(t.TempDir(), "missing", "lock"), opener(&s, nil)); err == nil || s.opened != 0 {
		t.Errorf("opened %d times without a lock: %v", s.opened, err)
	}
}
