package rules

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// topics are lists of certificates as a database has them.
type topics map[topicOf][]tables.Signed

// state is the list of a topic as of a moment.
func (all topics) state(t topicOf, last trust.DateTime) []tables.Signed {
	return slices.DeleteFunc(slices.Clone(all[t]), func(s tables.Signed) bool { return s.On.After(last) })
}

// between is what a database would be asked for.
func between(all []tables.Signed, after *trust.DateTime, until trust.DateTime) [][]byte {
	found := [][]byte{}
	for _, s := range all {
		if (after == nil || s.On.After(*after)) && !s.On.After(until) {
			found = append(found, s.Signed)
		}
	}
	return found
}

// TestRememberedIsWhatTheDatabaseHas: whatever is asked for in whatever order, on new states and on older ones, is as in the database.
func TestRememberedIsWhatTheDatabaseHas(t *testing.T) {
	start, err := trust.DateTimeOf(time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		r, all, size := &Remembered{}, topics{}, rapid.SampledFrom([]int{10, maxRemembered / 5}).Draw(t, "size")
		moment := func(name string, most int) trust.DateTime {
			return start.Add(time.Duration(rapid.IntRange(0, most).Draw(t, name)) * time.Second)
		}
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			key := topicOf{org: rapid.Int64Range(1, 2).Draw(t, "organisation"), redacted: rapid.Bool().Draw(t, "redacted")}
			list := all[key]
			switch rapid.IntRange(0, 6).Draw(t, "what") {
			case 0:
				r.Forget(rapid.Int64Range(0, 2).Draw(t, "forgotten"), nil)
			case 1, 2:
				at := start.Add(time.Duration(len(list)+1) * time.Second)
				for range rapid.IntRange(1, 2).Draw(t, "certificates") { // of one moment
					all[key] = append(all[key], tables.Signed{On: at, Signed: make([]byte, size+len(all[key]))})
				}
			default:
				if len(list) == 0 {
					continue
				}
				last := list[rapid.IntRange(0, len(list)-1).Draw(t, "state")].On
				state := all.state(key, last)
				var after *trust.DateTime
				if rapid.Bool().Draw(t, "since") {
					since := moment("after", len(list)+2)
					after = &since
				}
				until := last
				if rapid.Bool().Draw(t, "former") {
					until = moment("until", len(list)+2)
				}
				got, err := r.certificates(key, after, until, last, func(after *trust.DateTime) ([]tables.Signed, error) {
					return slices.DeleteFunc(slices.Clone(state), func(s tables.Signed) bool { return after != nil && !s.On.After(*after) }), nil
				})
				want := between(state, after, until)
				if err != nil || !slices.EqualFunc(got, want, func(a, b []byte) bool { return len(a) == len(b) }) {
					t.Fatalf("%d certificates, %v, want %d", len(got), err, len(want))
				}
			}
			if r.size > maxRemembered/2 {
				t.Fatalf("%d bytes are remembered", r.size)
			}
		}
	})
}
