package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
)

func TestDocument(t *testing.T) {
	t.Parallel()
	sums, err := parseSums(strings.NewReader("a.example/m v1.0.0 h1:x=\na.example/m v1.0.0/go.mod h1:y=\nb.example/n v0.0.1+incompatible h1:z=\n"))
	if err != nil {
		t.Fatal(err)
	}
	info := &debug.BuildInfo{GoVersion: "go1.26.8", Deps: []*debug.Module{
		{Path: "b.example/n", Version: "v0.0.1+incompatible"}, {Path: "a.example/m", Version: "v1.0.0"},
	}}
	doc, err := document("p", "1-1", []*debug.BuildInfo{info, info}, sums)
	if err != nil {
		t.Fatal(err)
	}
	var refs []string
	for _, c := range doc.Components {
		refs = append(refs, c.Ref)
	}
	want := []string{"pkg:golang/a.example/m@v1.0.0", "pkg:golang/b.example/n@v0.0.1%2Bincompatible", "pkg:golang/stdlib@1.26.8"}
	if !slices.Equal(refs, want) {
		t.Errorf("%q, want %q", refs, want)
	}
	if p := doc.Components[0].Properties; len(p) != 1 || p[0].Value != "h1:x=" {
		t.Errorf("%v", p)
	}
	delete(sums, "a.example/m v1.0.0")
	if _, err := document("p", "1-1", []*debug.BuildInfo{info}, sums); err == nil {
		t.Error("a module without a digest is listed")
	}
	if _, err := document("p", "1-1", nil, sums); err == nil {
		t.Error("a document without a program")
	}
}

// TestOfAProgram reads this test as a program.
func TestOfAProgram(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "sbom.json")
	if err := run("p", "1-1", "../../go.sum", out, []string{"/proc/self/exe"}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	var doc bom
	if err := json.Unmarshal(text, &doc); err != nil || doc.Format != "CycloneDX" || len(doc.Components) != 1 || doc.Components[0].Name != "stdlib" {
		t.Errorf("%v %s", err, text)
	}
	if err := run("p", "1-1", "../../go.sum", out, []string{"main.go"}); err == nil {
		t.Error("a text is taken for a program")
	}
}
