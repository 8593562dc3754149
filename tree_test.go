// Package house_test holds what is true of the whole tree: which room may import which,
// that every package says what it is, what the module depends on and why, that documents
// are current, and that nothing in the tree refers to the machine it was made on.
package house_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/seed-73b3884f/parsec-agent"

// notOurs are directories of the top that a build or a tool makes.
var notOurs = []string{".git", ".tools", "bin", "dist"}

// files returns the paths of all files of the tree whose name ends in one of the
// suffixes, or of all files without one.
func files(t *testing.T, suffixes ...string) []string {
	t.Helper()
	found := []string{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && slices.Contains(notOurs, path) {
			return fs.SkipDir
		}
		matches := func(s string) bool { return strings.HasSuffix(path, s) }
		if d.Type().IsRegular() && (len(suffixes) == 0 || slices.ContainsFunc(suffixes, matches)) {
			found = append(found, filepath.ToSlash(path))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

var passedOver = regexp.MustCompile(`(^|/)[._]`)

// source is one parsed Go file.
type source struct {
	path, dir string
	test      bool
	ast       *ast.File
}

// sources parses every Go file of the tree, whatever its build constraints are, with
// the given mode. Like the go command it passes over what begins with a dot or an
// underscore.
func sources(t *testing.T, mode parser.Mode) []source {
	t.Helper()
	all := []source{}
	for _, path := range files(t, ".go") {
		if passedOver.MatchString(path) {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, mode)
		if err != nil {
			t.Fatal(err)
		}
		dir := filepath.ToSlash(filepath.Dir(path))
		all = append(all, source{path, dir, strings.HasSuffix(path, "_test.go"), f})
	}
	if len(all) == 0 {
		t.Fatal("no Go file found")
	}
	return all
}

// table returns the rows of the first Markdown table below a heading of a document, a
// map from column title to cell each.
func table(t *testing.T, document, heading string) []map[string]string {
	t.Helper()
	_, text, found := strings.Cut("\n"+read(t, document), "\n"+heading+"\n")
	if !found {
		t.Fatalf("%s has no heading %q", document, heading)
	}
	var titles []string
	rows := []map[string]string{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case !strings.HasPrefix(line, "|") && titles == nil:
		case !strings.HasPrefix(line, "|"):
			return rows
		case titles == nil:
			titles = cells(line)
		case !strings.HasPrefix(line, "|---"):
			row := map[string]string{}
			for i, c := range cells(line) {
				row[titles[i]] = c
			}
			rows = append(rows, row)
		}
	}
	return rows
}

func cells(line string) []string {
	parts := strings.Split(strings.Trim(line, "|"), "|")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return parts
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
