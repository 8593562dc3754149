package ctl_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/seed-73b3884f/parsec-agent/ctl"
	"github.com/seed-73b3884f/parsec-agent/internal/reference"
)

// walk calls fn with every command of the tree.
func walk(c *cobra.Command, fn func(*cobra.Command)) {
	fn(c)
	for _, sub := range c.Commands() {
		walk(sub, fn)
	}
}

// TestEveryCommandIsStrict looks for what cobra lets pass: a group that takes words which
// are no commands, a command that takes any number of them, one that cannot run.
func TestEveryCommandIsStrict(t *testing.T) {
	loose := []string{"parsecctl help", "parsecctl key protect"} // these look at their words themselves
	walk((&ctl.Program{}).Root(), func(c *cobra.Command) {
		path := c.CommandPath()
		switch {
		case c.RunE == nil:
			t.Errorf("%s cannot run", path)
		case c.HasSubCommands() && c.Args == nil:
			t.Errorf("%s is a group and checks nothing", path)
		case slices.Contains(loose, path):
		case c.Args == nil || c.Args(c, []string{"a", "b", "c", "d", "e", "f", "g", "h"}) == nil && !strings.HasSuffix(c.Use, "..."):
			t.Errorf("%s takes any number of words", path)
		case c.HasSubCommands() && c.Args(c, []string{"nonsense"}) == nil:
			t.Errorf("%s takes words that are no commands", path)
		}
		if c.Short == "" || strings.HasSuffix(c.Short, ".") {
			t.Errorf("%s: short text %q", path, c.Short)
		}
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if f.Usage == "" {
				t.Errorf("%s --%s says nothing", path, f.Name)
			}
		})
	})
}

// TestReferenceIsCurrent compares the committed documents with the tree of commands.
func TestReferenceIsCurrent(t *testing.T) {
	want, err := reference.Files((&ctl.Program{Version: "unknown"}).Root(), ctl.Reference)
	if err != nil {
		t.Fatal(err)
	}
	const dir = "../docs/cli"
	for name, text := range want {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Errorf("%v: run go generate ./ctl", err)
		} else if diff := cmp.Diff(string(text), string(got)); diff != "" {
			t.Errorf("%s is not current, run go generate ./ctl:\n%s", name, diff)
		}
	}
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if name, _ := filepath.Rel(dir, path); err == nil && !d.IsDir() && want[name] == nil {
			t.Errorf("%s belongs to no command: run go generate ./ctl", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
