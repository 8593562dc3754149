package house_test

import (
	"encoding/json"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// goMod is what this file needs of `go mod edit -json`.
type goMod struct {
	Require []struct {
		Path     string
		Indirect bool
	}
	Replace, Exclude, Retract []any
}

func readGoMod(t *testing.T) goMod {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "mod", "edit", "-json").Output()
	if err != nil {
		t.Fatal(err)
	}
	m := goMod{}
	if err := json.Unmarshal(out, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestNoReplace(t *testing.T) {
	m := readGoMod(t)
	if len(m.Replace) > 0 || len(m.Exclude) > 0 {
		t.Errorf("go.mod has replace %v, exclude %v: others who import the module would not get them", m.Replace, m.Exclude)
	}
}

// TestDependenciesAreDocumented compares go.mod with docs/dependencies.md: every module
// is in one of its tables with nothing left empty, and nothing else is.
func TestDependenciesAreDocumented(t *testing.T) {
	const document = "docs/dependencies.md"
	direct, indirect := map[string]bool{}, map[string]bool{}
	for _, r := range readGoMod(t).Require {
		if r.Indirect {
			indirect[r.Path] = true
		} else {
			direct[r.Path] = true
		}
	}
	for heading, want := range map[string]map[string]bool{"## Direct": direct, "## Indirect": indirect} {
		got := map[string]bool{}
		for _, row := range table(t, document, heading) {
			got[strings.Trim(row["Module"], "`")] = true
			for column, cell := range row {
				if cell == "" {
					t.Errorf("%s: %s has nothing in column %q", document, row["Module"], column)
				}
			}
		}
		for _, m := range slices.Sorted(maps.Keys(want)) {
			if !got[m] {
				t.Errorf("%s, %s: %s is in go.mod and not in the table", document, heading, m)
			}
		}
		for _, m := range slices.Sorted(maps.Keys(got)) {
			if !want[m] {
				t.Errorf("%s, %s: %s is in the table and not in go.mod", document, heading, m)
			}
		}
	}
}
