package house_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

var vendored = regexp.MustCompile(`vendor/([^\s*]+)/\*`)

// TestCopyrightNamesEveryModule: the packages carry the modules of go.mod, and their
// copyright file says whose each of them is.
func TestCopyrightNamesEveryModule(t *testing.T) {
	var named []string
	for _, m := range vendored.FindAllStringSubmatch(read(t, "debian/copyright"), -1) {
		named = append(named, m[1])
	}
	covers := func(n, module string) bool { return n == module || strings.HasPrefix(module, n+"/") }
	modules := []string{}
	for _, r := range readGoMod(t).Require {
		modules = append(modules, r.Path)
		if !slices.ContainsFunc(named, func(n string) bool { return covers(n, r.Path) }) {
			t.Errorf("debian/copyright does not name vendor/%s", r.Path)
		}
	}
	for _, n := range named {
		if !slices.ContainsFunc(modules, func(m string) bool { return covers(n, m) }) {
			t.Errorf("debian/copyright names vendor/%s, which go.mod does not require", n)
		}
	}
}
