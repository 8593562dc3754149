package rules_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	. "github.com/seed-73b3884f/parsec-agent/server/servertest"
)

// shorthand is how tables of cells write long answers; other cells are the status of a reply, or one of HTTP.
var shorthand = map[string]string{
	"-":        "author_not_allowed",
	"invalid":  "invalid_certificate",
	"outsider": "author_is_outsider",
	"unfit":    "role_incompatible_with_outsider",
	"owned":    "active_owner_already_exists",
	"archived": "realm_archived",
	"deleted":  "realm_deleted",
	"unshared": "recipient_already_unshared",
	"shared":   "role_already_granted",
	"nobody":   "recipient_not_found",
	"gone":     "recipient_revoked",

	"gone_already":  "enrollment_no_longer_available",
	"unknown":       "greeting_attempt_not_found",
	"cancelled":     "invitation_cancelled",
	"completed":     "invitation_completed",
	"was_cancelled": "invitation_already_cancelled",
	"was_completed": "invitation_already_completed",
	"no_recovery":   "bad_invitation_type",
	"unfit_greeter": "greeter_not_allowed",
}

// table is a text in lines: the columns, then rows of a name and a cell for each column. More than one space ends a name.
type table struct {
	columns []string
	rows    []row
}

type row struct {
	name  string
	cells []string
}

func readTable(t *testing.T, text string) (all table) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(text), "\n")
	all.columns = strings.Fields(lines[0])
	for _, line := range lines[1:] {
		name, cells, _ := strings.Cut(line, "  ")
		r := row{name, strings.Fields(cells)}
		if len(r.cells) != len(all.columns) {
			t.Fatalf("%s has %d cells, not %d", name, len(r.cells), len(all.columns))
		}
		all.rows = append(all.rows, r)
	}
	return all
}

// names are those of all rows.
func (all table) names() (names []string) {
	for _, r := range all.rows {
		names = append(names, r.name)
	}
	return names
}

// with is a copy in which the rows of another table stand in place of those with the same name.
func (all table) with(other table) table {
	all.rows = slices.Clone(all.rows)
	for _, r := range other.rows {
		all.rows[slices.Index(all.names(), r.name)] = r
	}
	return all
}

// holds wants the answer of a cell.
func holds(t *testing.T, cell string, a *Answer, where ...string) {
	t.Helper()
	got := a.Reply
	if a.Status != 200 {
		got = strconv.Itoa(int(a.Status))
	}
	want := cell
	if long, ok := shorthand[cell]; ok {
		want = long
	}
	if got != want {
		t.Errorf("%s: %s, the table says %s", strings.Join(where, ", "), got, want)
	}
}
