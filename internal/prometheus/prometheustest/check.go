// Package prometheustest holds metrics against the rules of their format.
package prometheustest

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var (
	commentLine = regexp.MustCompile(`^# (HELP|TYPE) ([a-z_]+) (.+)$`)
	sampleLine  = regexp.MustCompile(`^([a-z_]+)(\{(?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)+\})? ([0-9.e+-]+)$`)
)

// Check wants a text in the format, in which nothing occurs twice. It returns the samples by name and labels.
func Check(t testing.TB, text string) map[string]float64 {
	t.Helper()
	kinds, samples := map[string]string{}, map[string]float64{}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if c := commentLine.FindStringSubmatch(line); c != nil {
			if c[1] == "TYPE" {
				if kinds[c[2]] != "" {
					t.Errorf("a second TYPE of %s", c[2])
				}
				kinds[c[2]] = c[3]
			}
			continue
		}
		s := sampleLine.FindStringSubmatch(line)
		if s == nil {
			t.Fatalf("not a sample: %q", line)
		}
		if kinds[family(s[1], kinds)] == "" {
			t.Errorf("%s has no TYPE before it", s[1])
		}
		if _, twice := samples[s[1]+s[2]]; twice {
			t.Errorf("%s%s occurs twice", s[1], s[2])
		}
		v, err := strconv.ParseFloat(s[3], 64)
		if err != nil || v < 0 {
			t.Errorf("%q", line)
		}
		samples[s[1]+s[2]] = v
	}
	return samples
}

// family is the name that a sample belongs to.
func family(name string, kinds map[string]string) string {
	for _, suffix := range []string{"_bucket", "_sum", "_count"} {
		if base, ok := strings.CutSuffix(name, suffix); ok && kinds[base] == "histogram" {
			return base
		}
	}
	return name
}
