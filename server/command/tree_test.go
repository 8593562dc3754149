package command_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/seed-73b3884f/parsec-agent/internal/reference"
	"github.com/seed-73b3884f/parsec-agent/server/command"
)

// walk calls f with every command of the tree.
func walk(c *cobra.Command, f func(*cobra.Command)) {
	f(c)
	for _, sub := range c.Commands() {
		walk(sub, f)
	}
}

func tree() *cobra.Command {
	return (&command.Program{Version: "unknown", Getenv: func(string) string { return "" }}).Root()
}

// TestEveryCommandIsStrict: each command explains itself and its options, and takes only the words that it knows.
func TestEveryCommandIsStrict(t *testing.T) {
	walk(tree(), func(c *cobra.Command) {
		path := c.CommandPath()
		if c.RunE == nil || c.Args == nil || c.Args(c, []string{"a", "b", "c", "d", "e", "f", "g"}) == nil {
			t.Errorf("%s takes any number of words, or cannot run", path)
		}
		if c.Short == "" || strings.HasSuffix(c.Short, ".") {
			t.Errorf("%s: short text %q", path, c.Short)
		}
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if f.Usage == "" && !f.Hidden {
				t.Errorf("%s --%s says nothing", path, f.Name)
			}
		})
	})
}

// TestReferenceIsCurrent compares the committed documents with the tree of commands.
func TestReferenceIsCurrent(t *testing.T) {
	want, err := reference.Files(tree(), command.Reference)
	if err != nil {
		t.Fatal(err)
	}
	const dir = "../../docs/server-cli"
	for name, text := range want {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != string(text) {
			t.Errorf("%s is not current (%v): run go generate ./server/command", name, err)
		}
	}
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if name, _ := filepath.Rel(dir, path); err == nil && !d.IsDir() && want[name] == nil {
			t.Errorf("%s belongs to no command: run go generate ./server/command", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
