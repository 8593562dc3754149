// Package reference writes the documents of a command line from its tree of commands:
// man pages and Markdown. What it writes depends on the tree alone, so that a test can
// compare it with what is committed.
package reference

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// About is what the documents say that the tree of commands does not.
type About struct {
	// Generator is what writes them, such as go generate ./ctl.
	Generator string
	// Section and Manual are of man pages: 1 and User Commands, 8 and System management.
	Section, Manual string
	// First is what the first man page says besides, in the man macros.
	First string
}

// Files returns all documents by their path below the directory of the reference.
func Files(root *cobra.Command, about About) (map[string][]byte, error) {
	files := map[string][]byte{"README.md": about.markdownIndex(root)}
	for _, c := range visible(root) {
		files[c.Name()+".md"] = about.markdownPage(c)
	}
	walk(root, func(c *cobra.Command) {
		files["man/"+strings.ReplaceAll(c.CommandPath(), " ", "-")+"."+about.Section] = about.man(c)
	})
	for shell, generate := range map[string]func(*strings.Builder) error{
		"bash": func(b *strings.Builder) error { return root.GenBashCompletionV2(b, true) },
		"zsh":  func(b *strings.Builder) error { return root.GenZshCompletion(b) },
		"fish": func(b *strings.Builder) error { return root.GenFishCompletion(b, true) },
	} {
		var b strings.Builder
		if err := generate(&b); err != nil {
			return nil, fmt.Errorf("completion for %s: %w", shell, err)
		}
		files["completion/"+root.Name()+"."+shell] = []byte(b.String())
	}
	return files, nil
}

// visible returns the commands below one that are worth explaining, in order.
func visible(c *cobra.Command) []*cobra.Command {
	found := slices.DeleteFunc(slices.Clone(c.Commands()), func(c *cobra.Command) bool { return c.Hidden || c.Name() == "help" })
	slices.SortFunc(found, func(a, b *cobra.Command) int { return strings.Compare(a.Name(), b.Name()) })
	return found
}

// walk calls fn with a command and all below it.
func walk(c *cobra.Command, fn func(*cobra.Command)) {
	fn(c)
	for _, sub := range visible(c) {
		walk(sub, fn)
	}
}

// option is an option as documents show it.
type option struct {
	short, long, value, usage, fallback string
}

func options(set *pflag.FlagSet) (found []option) {
	set.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		value, usage := pflag.UnquoteUsage(f)
		o := option{short: f.Shorthand, long: f.Name, value: value, usage: usage}
		switch f.DefValue {
		case "", "false", "[]", "0", "-1":
		default:
			o.fallback = f.DefValue
		}
		found = append(found, o)
	})
	return found
}

// form writes an option as it is given.
func (o option) form() string {
	form := "--" + o.long
	if o.short != "" {
		form = "-" + o.short + ", " + form
	}
	if o.value != "" {
		form += " " + strings.ToUpper(o.value)
	}
	return form
}

func (o option) text() string {
	if o.fallback == "" {
		return o.usage
	}
	return fmt.Sprintf("%s (default %s)", o.usage, o.fallback)
}

// long returns what a command says about itself, or at least its one line.
func long(c *cobra.Command) string {
	if c.Long != "" {
		return strings.TrimSpace(c.Long)
	}
	return c.Short + "."
}

// Write replaces everything in a directory by the documents.
func Write(dir string, root *cobra.Command, about About) error {
	files, err := Files(root, about)
	if err != nil {
		return err
	}
	if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o755)); err != nil { //nolint:gosec // documents are for everybody
		return err
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // as above
			return err
		}
		if err := os.WriteFile(path, text, 0o644); err != nil { //nolint:gosec // as above
			return err
		}
	}
	return nil
}
