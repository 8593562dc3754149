//go:build interop

package reference

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// count is what happened to things of one kind.
type count struct {
	ours, theirs      int // made by us and read by the reference, and the other way
	accepted, refused int // damaged: both accept, both refuse
	differ            int // a row of the table
}

// tally counts what was compared, by kind, and how often a row of the table was met.
type tally struct {
	kinds []string
	count map[string]*count
	met   map[string]int
}

func newTally() *tally { return &tally{count: map[string]*count{}, met: map[string]int{}} }

func (t *tally) of(kind string) *count {
	if t.count[kind] == nil {
		t.kinds, t.count[kind] = append(t.kinds, kind), &count{}
	}
	return t.count[kind]
}

// atLeast is how many objects, and how many damaged ones, a whole run compares.
const atLeast = 20_000

// report prints what was compared, and holds a whole run to its numbers and to the table.
func (t *tally) report(tb testing.TB) {
	tb.Helper()
	b, sum := strings.Builder{}, count{}
	line := func(kind string, c count) {
		fmt.Fprintf(&b, "%-46s %7d %7d %9d %9d %9d\n", kind, c.ours, c.theirs, c.accepted, c.refused, c.differ)
	}
	for _, kind := range t.kinds {
		c := *t.count[kind]
		line(kind, c)
		sum.ours, sum.theirs, sum.accepted = sum.ours+c.ours, sum.theirs+c.theirs, sum.accepted+c.accepted
		sum.refused, sum.differ = sum.refused+c.refused, sum.differ+c.differ
	}
	line("all", sum)
	for _, r := range rows {
		fmt.Fprintf(&b, "met %6d times: %s\n", t.met[r.input], r.input)
	}
	tb.Logf("%-46s %7s %7s %9s %9s %9s\n%s", "kind", "ours", "theirs", "accepted", "refused", "differ", b.String())
	if !whole() {
		return
	}
	if made, damaged := sum.ours+sum.theirs, sum.accepted+sum.refused+sum.differ; min(made, damaged) < atLeast {
		tb.Errorf("%d objects and %d damaged ones were compared, fewer than %d", made, damaged, atLeast)
	}
	for _, r := range rows {
		if t.met[r.input] == 0 {
			tb.Errorf("nothing met the row %q", r.input)
		}
	}
	for _, kind := range t.kinds {
		if c := t.count[kind]; c.ours+c.theirs == 0 && !slices.Contains(onlyDamaged, kind) {
			tb.Errorf("nothing of kind %s was compared", kind)
		}
	}
}

// onlyDamaged are kinds of which there is no whole one.
var onlyDamaged = []string{"odd signature", "odd sealed box", "sealing for an odd key"}

// whole reports whether this is a whole run.
func whole() bool { return os.Getenv("PARSEC_SOAK") != "" }

// rounds is how often something is done: fewer times than in a whole run.
func rounds(usual, soak int) int {
	if whole() {
		return soak
	}
	return usual
}

// seed is PARSEC_SEED, or the time: it is printed, so that a finding can be repeated.
func seed(t *testing.T) uint64 {
	t.Helper()
	n := uint64(time.Now().UnixNano())
	if text := os.Getenv("PARSEC_SEED"); text != "" {
		var err error
		if n, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("PARSEC_SEED: %v", err)
		}
	}
	t.Logf("PARSEC_SEED=%d repeats this run", n)
	return n
}
