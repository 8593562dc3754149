// Package house_test holds the whole tree to its documents: rooms and what they may import, dependencies, generated files, packages, what documents name.
package house_test

import (
	"go/parser"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// room is a row of the table in ARCHITECTURE.md.
type room struct {
	path string
	// may are patterns as of the go command: a package, or with /... all below it too.
	may []string
}

var codeSpan = regexp.MustCompile("`([^`]+)`")

// rooms reads the table that ARCHITECTURE.md shows to people: there is no second one.
func rooms(t *testing.T) []room {
	t.Helper()
	all := []room{}
	for _, row := range table(t, "ARCHITECTURE.md", "## Rooms") {
		r := room{path: strings.Trim(row["Room"], "`")}
		for _, m := range codeSpan.FindAllStringSubmatch(row["May import"], -1) {
			r.may = append(r.may, m[1])
		}
		all = append(all, r)
	}
	if len(all) == 0 {
		t.Fatal("the table of rooms is empty")
	}
	return all
}

// within reports whether a package directory is covered by a pattern.
func within(pattern, dir string) bool {
	base, below := strings.CutSuffix(pattern, "/...")
	return dir == base || below && strings.HasPrefix(dir, base+"/")
}

// home returns the room that a package directory belongs to: the longest path wins.
func home(all []room, dir string) (room, bool) {
	best := room{}
	for _, r := range all {
		if within(r.path+"/...", dir) && len(r.path) > len(best.path) {
			best = r
		}
	}
	return best, best.path != ""
}

func TestEveryPackageHasARoom(t *testing.T) {
	all := rooms(t)
	used := map[string]bool{}
	for _, s := range sources(t, parser.PackageClauseOnly) {
		r, ok := home(all, s.dir)
		if !ok && s.dir != "." {
			t.Errorf("%s is in no room of ARCHITECTURE.md", s.path)
		}
		used[r.path] = true
	}
	for _, r := range all {
		if !used[r.path] {
			t.Errorf("ARCHITECTURE.md shows room %s, which has no Go package", r.path)
		}
	}
}

// TestImportDirection holds product code to the table. Tests, and packages for tests,
// whose names end in test, may import what they test against.
func TestImportDirection(t *testing.T) {
	all := rooms(t)
	for _, s := range sources(t, parser.ImportsOnly) {
		r, _ := home(all, s.dir)
		for _, spec := range s.ast.Imports {
			dir, ours := strings.CutPrefix(strings.Trim(spec.Path.Value, `"`), module+"/")
			if !ours || s.test || strings.HasSuffix(s.dir, "test") || within(r.path+"/...", dir) {
				continue
			}
			if !slices.ContainsFunc(r.may, func(p string) bool { return within(p, dir) }) {
				t.Errorf("%s imports %s, which the table of ARCHITECTURE.md does not let %s do", s.path, dir, r.path)
			}
		}
	}
}

// TestRoomsHaveNoCycle keeps the table itself one-way.
func TestRoomsHaveNoCycle(t *testing.T) {
	all := rooms(t)
	for i, r := range all {
		for _, p := range r.may {
			base, _ := home(all, strings.TrimSuffix(p, "/..."))
			above := slices.ContainsFunc(all[:i], func(o room) bool { return o.path == base.path || within(p, o.path) })
			below := slices.ContainsFunc(all[i:], func(o room) bool { return o.path == base.path || within(p, o.path) })
			if !above || below {
				t.Errorf("room %s may import %s, which does not stand above it in the table", r.path, p)
			}
		}
	}
}

func TestPackageDocs(t *testing.T) {
	docs := map[string]string{}
	names := map[string]string{}
	for _, s := range sources(t, parser.ParseComments|parser.PackageClauseOnly) {
		if s.test && s.dir != "." {
			continue
		}
		names[s.dir] = strings.TrimSuffix(s.ast.Name.Name, "_test")
		if s.ast.Doc != nil {
			docs[s.dir] += s.ast.Doc.Text()
		}
	}
	for dir, name := range names {
		want := "Package " + name
		if name == "main" {
			want = dir[strings.LastIndex(dir, "/")+1:]
		}
		if first, _, _ := strings.Cut(docs[dir], "\n"); !strings.Contains(strings.ToLower(first), strings.ToLower(want)) {
			t.Errorf("%s has no package documentation whose first line names %q", dir, want)
		}
	}
}
