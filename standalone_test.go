package house_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// traces are what a tree carries away from the machine that it was made on. The patterns
// are written so that they do not match themselves.
var traces = []*regexp.Regexp{
	regexp.MustCompile(`(^|[\s"'=:(])/wor[k]/`),
	regexp.MustCompile(`(^|[\s"'=:(>])/roo[t]/`),
	regexp.MustCompile(`\b(prox[y]|su[m])\.golang\.org\b`),
	regexp.MustCompile(`\b(deb|ftp|security|archive)\.(debia[n]|ubunt[u])\.`),
	regexp.MustCompile(`\b(pyp[i]\.org|npmj[s]\.org|npmj[s]\.com|crate[s]\.io|maven\.or[g]|maven\.apach[e]\.org)\b`),
}

// known are the lines that look like a trace and are none.
var known = map[string]string{
	"interop/peers": "paths inside the tree that it boots",
}

func TestTreeStandsAlone(t *testing.T) {
	for _, path := range files(t) {
		if _, ok := known[path]; ok {
			continue
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if slices.Contains(b[:min(len(b), 8000)], 0) {
			continue // binary
		}
		n := 0
		for line := range strings.Lines(string(b)) {
			n++
			for _, p := range traces {
				if p.MatchString(line) {
					t.Errorf("%s:%d refers to the machine or the registry it came from: %.100s", path, n, line)
				}
			}
		}
	}
}
