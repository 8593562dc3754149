package tokentest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Shim is a library that passes calls on to SoftHSM2, counts them, and misbehaves as its
// rules say. testdata/shim.c lists the rules.
type Shim struct {
	tb testing.TB
	// Library is the path to configure.
	Library    string
	rules, log string
}

// NewShim makes a shim before SoftHSM2, for this process and those that it starts.
func NewShim(tb testing.TB) *Shim {
	tb.Helper()
	dir := tb.TempDir()
	s := &Shim{tb: tb, Library: shimLibrary(tb), rules: filepath.Join(dir, "rules"), log: filepath.Join(dir, "log")}
	if t, ok := tb.(interface{ Setenv(key, value string) }); ok {
		t.Setenv("SHIM_LIBRARY", Library)
		t.Setenv("SHIM_RULES", s.rules)
		t.Setenv("SHIM_LOG", s.log)
	}
	return s
}

// Set replaces the rules.
func (s *Shim) Set(rules ...string) {
	s.tb.Helper()
	next := s.rules + ".new" // the library sees the old rules or the new ones
	if err := os.WriteFile(next, []byte(strings.Join(rules, "\n")+"\n"), 0o600); err != nil {
		s.tb.Fatal(err)
	}
	if err := os.Rename(next, s.rules); err != nil {
		s.tb.Fatal(err)
	}
}

// Count returns how often a function was called.
func (s *Shim) Count(function string) int {
	s.tb.Helper()
	b, err := os.ReadFile(s.log)
	if err != nil && !os.IsNotExist(err) {
		s.tb.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(b)) {
		if strings.TrimSpace(line) == function {
			n++
		}
	}
	return n
}

// Env is the environment for processes that do not have this one's.
func (s *Shim) Env() []string {
	return []string{"SHIM_LIBRARY=" + Library, "SHIM_RULES=" + s.rules, "SHIM_LOG=" + s.log}
}
