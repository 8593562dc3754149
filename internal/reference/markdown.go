package reference

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// notice stands at the top of every Markdown page.
func (a About) notice() string {
	return "<!-- Written by " + a.Generator + ": change the commands, not this file. -->\n\n"
}

func (a About) markdownIndex(root *cobra.Command) []byte {
	var b strings.Builder
	b.WriteString(a.notice())
	fmt.Fprintf(&b, "# %s\n\n%s\n\n## Commands\n\n| Command | |\n|---|---|\n", root.Name(), paragraphs(long(root)))
	for _, c := range visible(root) {
		if !c.HasSubCommands() {
			fmt.Fprintf(&b, "| [`%s`](%s.md) | %s |\n", c.CommandPath(), c.Name(), cell(c.Short))
		}
		for _, sub := range visible(c) {
			fmt.Fprintf(&b, "| [`%s`](%s.md#%s) | %s |\n", sub.CommandPath(), c.Name(), anchor(sub), cell(sub.Short))
		}
	}
	if common := options(root.PersistentFlags()); len(common) > 0 {
		b.WriteString("\n## Options of every command\n\n")
		markdownOptions(&b, common)
	}
	b.WriteString("\nMan pages are in [man](man), completion scripts in [completion](completion).\n")
	return []byte(b.String())
}

func (a About) markdownPage(c *cobra.Command) []byte {
	var b strings.Builder
	b.WriteString(a.notice())
	fmt.Fprintf(&b, "# %s\n", c.CommandPath())
	if !c.HasSubCommands() {
		markdownCommand(&b, c)
	} else {
		fmt.Fprintf(&b, "\n%s.\n", c.Short)
	}
	for _, sub := range visible(c) {
		fmt.Fprintf(&b, "\n## %s\n", sub.CommandPath())
		markdownCommand(&b, sub)
	}
	if root := c.Root(); len(options(root.PersistentFlags())) > 0 {
		fmt.Fprintf(&b, "\nOptions of every command: [%s](README.md#options-of-every-command).\n", root.Name())
	}
	return []byte(b.String())
}

func markdownCommand(b *strings.Builder, c *cobra.Command) {
	fmt.Fprintf(b, "\n    %s\n\n%s\n", c.UseLine(), paragraphs(long(c)))
	if len(c.Aliases) > 0 {
		fmt.Fprintf(b, "\nAlso called `%s`.\n", strings.Join(c.Aliases, "`, `"))
	}
	if own := options(c.LocalNonPersistentFlags()); len(own) > 0 {
		b.WriteString("\n")
		markdownOptions(b, own)
	}
	if c.Example != "" {
		b.WriteString("\nExamples:\n\n")
		for line := range strings.Lines(c.Example) {
			b.WriteString("  " + strings.TrimRight(line, "\n") + "\n")
		}
	}
}

func markdownOptions(b *strings.Builder, list []option) {
	b.WriteString("| Option | |\n|---|---|\n")
	for _, o := range list {
		fmt.Fprintf(b, "| `%s` | %s |\n", o.form(), cell(o.text()))
	}
}

// cell makes text fit for a cell of a table.
func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

// anchor is the place of a command's heading on its page.
func anchor(c *cobra.Command) string { return strings.ReplaceAll(c.CommandPath(), " ", "-") }

// paragraphs turns help text into Markdown: what is indented there stays as it is.
func paragraphs(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "  ") {
			b.WriteString("  ")
		}
		b.WriteString(line)
	}
	return b.String()
}
