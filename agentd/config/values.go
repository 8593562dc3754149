package config

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// scalar returns a key's value of type T, or the fallback when it is absent or wrong.
func scalar[T any](s *section, key, expected string, fallback T) T {
	v, ok := s.take(key)
	if !ok {
		return fallback
	}
	t, ok := v.(T)
	if !ok {
		s.fail(key, "expected %s, found %s", expected, kind(v))
		return fallback
	}
	return t
}

func (s *section) text(key, fallback string) string { return scalar(s, key, "a string", fallback) }
func (s *section) flag(key string, fallback bool) bool {
	return scalar(s, key, "a boolean", fallback)
}

func (s *section) requiredText(key string) string {
	if !s.require(key) {
		return ""
	}
	return s.text(key, "")
}

// count returns an integer from low to high. What the original takes is capped at high by
// the callers, which pass math.MaxInt64.
func (s *section) count(key string, fallback, low, high int64) int64 {
	n := scalar(s, key, "an integer", fallback)
	switch {
	case n < 0 && low >= 0:
		s.fail(key, "%d is negative", n)
	case n < low:
		s.fail(key, "%d is less than %d", n, low)
	case n > high:
		s.fail(key, "%d is more than %d", n, high)
	default:
		return n
	}
	return fallback
}

// size32 returns a size in bytes that the original holds in a machine word.
func (s *section) size32(key string, fallback uint32) uint32 {
	n := s.count(key, int64(fallback), 0, math.MaxInt64)
	return uint32(min(n, math.MaxUint32)) //nolint:gosec // within range by min and count
}

const maxMillis = math.MaxInt64 / int64(time.Millisecond)

// millis returns a duration given in milliseconds.
func (s *section) millis(key string, fallback time.Duration, low int64) time.Duration {
	n := s.count(key, fallback.Milliseconds(), low, math.MaxInt64)
	return time.Duration(min(n, maxMillis)) * time.Millisecond
}

// choice returns one of the options, or the fallback when the key is absent or wrong.
func (s *section) choice(key, fallback string, options ...string) string {
	v := s.text(key, fallback)
	if _, isText := s.values[key].(string); !isText || slices.Contains(options, v) {
		return v
	}
	remedy := ""
	if near := nearest(v, options); near != "" {
		remedy = fmt.Sprintf("did you mean %q?", near)
	}
	s.r.fail(s.at(key), fmt.Sprintf("%q is not one of %s", v, strings.Join(options, ", ")), remedy)
	return fallback
}

// absPath returns an absolute path. A relative one starts at the working directory, as it
// does for the original.
func (s *section) absPath(key, fallback string) string {
	p := s.text(key, fallback)
	switch {
	case p == "":
		if _, given := s.take(key); given {
			s.fail(key, "the path is empty")
		}
		return fallback
	case strings.ContainsRune(p, 0):
		s.fail(key, "the path holds a NUL character")
		return fallback
	case filepath.IsAbs(p):
		return filepath.Clean(p)
	}
	abs, err := filepath.Abs(p)
	if err != nil {
		s.fail(key, "cannot make %q absolute: %v", p, err)
		return fallback
	}
	s.r.warn(s.at(key), fmt.Sprintf("relative to the working directory, thus %s", abs), "write an absolute path")
	return abs
}

// texts returns an array of strings.
func (s *section) texts(key string, fallback []string) []string {
	v, ok := s.take(key)
	if !ok {
		return fallback
	}
	array, ok := v.([]any)
	if !ok {
		s.fail(key, "expected an array of strings, found %s", kind(v))
		return fallback
	}
	all := make([]string, 0, len(array))
	for _, e := range array {
		t, ok := e.(string)
		if !ok {
			s.fail(key, "expected an array of strings, found %s in it", kind(e))
			return fallback
		}
		all = append(all, t)
	}
	return all
}
