// Program sbom writes the bill of materials of a package, a CycloneDX 1.5 document, from
// the build information that Go programs carry: what is in it is what was linked.
package main

import (
	"bufio"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
)

func main() {
	name := flag.String("name", "", "name of the package")
	version := flag.String("version", "", "version of the package")
	sums := flag.String("sums", "", "go.sum with the digests of the modules")
	out := flag.String("o", "", "file to write")
	flag.Parse()
	if err := run(*name, *version, *sums, *out, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "sbom:", err)
		os.Exit(1)
	}
}

func run(name, version, sums, out string, programs []string) error {
	digests, err := readSums(sums)
	if err != nil {
		return err
	}
	var infos []*debug.BuildInfo
	for _, p := range programs {
		info, err := buildinfo.ReadFile(p)
		if err != nil {
			return fmt.Errorf("cannot read the build information of %s: %w", p, err)
		}
		infos = append(infos, info)
	}
	doc, err := document(name, version, infos, digests)
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(out, append(text, '\n'), 0o644) //nolint:gosec // a public document
}

// readSums returns the digests of a go.sum by "module version".
func readSums(path string) (map[string]string, error) {
	f, err := os.Open(filepath.Clean(path))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return parseSums(f)
}

func parseSums(r io.Reader) (map[string]string, error) {
	sums := map[string]string{}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		if f := strings.Fields(lines.Text()); len(f) == 3 && !strings.HasSuffix(f[1], "/go.mod") {
			sums[f[0]+" "+f[1]] = f[2]
		}
	}
	return sums, lines.Err()
}

// bom is the part of CycloneDX that is written.
type bom struct {
	Format     string      `json:"bomFormat"`
	Spec       string      `json:"specVersion"`
	Version    int         `json:"version"`
	Metadata   metadata    `json:"metadata"`
	Components []component `json:"components"`
}

type metadata struct {
	Component component `json:"component"`
}

type component struct {
	Type       string     `json:"type"`
	Ref        string     `json:"bom-ref"`
	Name       string     `json:"name"`
	Version    string     `json:"version"`
	PURL       string     `json:"purl"`
	Properties []property `json:"properties,omitempty"`
}

type property struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// document lists the modules of all programs, and Go itself. It has neither a time nor a
// serial number: the same programs make the same document.
func document(name, version string, infos []*debug.BuildInfo, sums map[string]string) (*bom, error) {
	purl := "pkg:deb/debian/" + name + "@" + version
	doc := &bom{
		Format: "CycloneDX", Spec: "1.5", Version: 1,
		Metadata: metadata{component{Type: "application", Ref: purl, Name: name, Version: version, PURL: purl}},
	}
	seen := map[string]bool{}
	add := func(c component) {
		if !seen[c.Ref] {
			seen[c.Ref] = true
			doc.Components = append(doc.Components, c)
		}
	}
	for _, info := range infos {
		add(module("stdlib", strings.TrimPrefix(info.GoVersion, "go"), nil))
		for _, m := range info.Deps {
			if m.Replace != nil {
				return nil, fmt.Errorf("module %s is replaced by %s", m.Path, m.Replace.Path)
			}
			sum, ok := sums[m.Path+" "+m.Version]
			if !ok {
				return nil, fmt.Errorf("go.sum has no digest of %s %s", m.Path, m.Version)
			}
			add(module(m.Path, m.Version, []property{{"go:sum", sum}}))
		}
	}
	if len(doc.Components) == 0 {
		return nil, errors.New("no program was named")
	}
	slices.SortFunc(doc.Components, func(a, b component) int { return strings.Compare(a.Ref, b.Ref) })
	return doc, nil
}

func module(path, version string, p []property) component {
	purl := "pkg:golang/" + path + "@" + strings.ReplaceAll(version, "+", "%2B")
	return component{Type: "library", Ref: purl, Name: path, Version: version, PURL: purl, Properties: p}
}
