package house_test

import (
	"bytes"
	"flag"
	"go/ast"
	"go/parser"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/interop"
)

var update = flag.Bool("update", false, "rewrite the generated documents")

func TestDifferencesDocumentIsCurrent(t *testing.T) {
	const document = "docs/differences.md"
	b := &bytes.Buffer{}
	if err := interop.WriteDifferences(b); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(document, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if read(t, document) != b.String() {
		t.Errorf("%s is not what interop/differences.go says: run make docs", document)
	}
}

var (
	link       = regexp.MustCompile(`\]\(([^)#\s]+)(?:#[^)\s]*)?\)`)
	codeBlock  = regexp.MustCompile("(?s)```.*?```")
	qualified  = regexp.MustCompile(`\b([a-z0-9_/]+)\.((?:Test|Fuzz|Benchmark)[A-Za-z0-9_]+)`)
	makeTarget = regexp.MustCompile("`make ([a-z-]+)")
)

// documents are the Markdown files that are ours; the specifications of others are not.
func documents(t *testing.T) []string {
	t.Helper()
	all := slices.DeleteFunc(files(t, ".md"), func(p string) bool {
		return strings.HasPrefix(p, "docs/spec/parsec-cloud") || p == "docs/spec/parsec-service.md"
	})
	if len(all) < 10 {
		t.Fatalf("only %d documents found", len(all))
	}
	return all
}

func TestLinksLeadSomewhere(t *testing.T) {
	for _, d := range documents(t) {
		for _, m := range link.FindAllStringSubmatch(codeBlock.ReplaceAllString(read(t, d), ""), -1) {
			if strings.Contains(m[1], "://") || strings.HasPrefix(m[1], "mailto:") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(d), m[1])); err != nil {
				t.Errorf("%s links to %s, which is not there", d, m[1])
			}
		}
	}
}

// TestNamedTestsExist: a document or a row of the difference table that says which test
// shows a promise names one that exists.
func TestNamedTestsExist(t *testing.T) {
	exist := map[string]bool{}
	for _, s := range sources(t, parser.SkipObjectResolution) {
		for _, decl := range s.ast.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && s.test && f.Recv == nil {
				exist[s.dir+"."+f.Name.Name] = true
			}
		}
	}
	named := 0
	for _, d := range documents(t) {
		for _, m := range qualified.FindAllStringSubmatch(read(t, d), -1) {
			named++
			if !exist[m[1]+"."+m[2]] {
				t.Errorf("%s names the test %s, which does not exist", d, m[0])
			}
		}
	}
	if named == 0 {
		t.Error("no document names a test: the pattern is wrong")
	}
}

// TestShownByIsATestOrAVector looks at the evidence of the difference table.
func TestShownByIsATestOrAVector(t *testing.T) {
	vectors := read(t, "testdata/parsec-service.json")
	ids := map[string]bool{}
	for _, d := range interop.Differences {
		if ids[d.ID] {
			t.Errorf("difference %s occurs twice", d.ID)
		}
		ids[d.ID] = true
		if d.Subject == "" || d.Original == "" || d.Ours == "" || d.Reason == "" || len(d.Shown) == 0 {
			t.Errorf("difference %s has an empty field", d.ID)
		}
		for _, s := range d.Shown {
			if !qualified.MatchString(s) && !strings.Contains(vectors, `"name": "`+s+`"`) {
				t.Errorf("difference %s is shown by %s, which is neither a test nor a vector", d.ID, s)
			}
		}
	}
}

// TestMakeTargetsExist: what documents tell people to run is there.
func TestMakeTargetsExist(t *testing.T) {
	makefile := read(t, "Makefile")
	for _, d := range documents(t) {
		for _, m := range makeTarget.FindAllStringSubmatch(read(t, d), -1) {
			if !strings.Contains(makefile, "\n"+m[1]+": ") {
				t.Errorf("%s tells to run make %s, which is no target", d, m[1])
			}
		}
	}
}
