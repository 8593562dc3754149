package reference

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// man returns the page of a command in the man macros.
func (a About) man(c *cobra.Command) []byte {
	var b strings.Builder
	name := strings.ReplaceAll(c.CommandPath(), " ", "-")
	fmt.Fprintf(&b, ".\\\" Written by %s: change the commands, not this file.\n", a.Generator)
	fmt.Fprintf(&b, ".TH %s %s \"\" \"parsec-agent\" %s\n", quoteMan(strings.ToUpper(name)), a.Section, quoteMan(a.Manual))
	fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n", escapeMan(name), escapeMan(lowerFirst(c.Short)))
	fmt.Fprintf(&b, ".SH SYNOPSIS\n.B %s\n", escapeMan(c.CommandPath()))
	if rest := strings.TrimPrefix(c.UseLine(), c.CommandPath()); c.HasSubCommands() {
		b.WriteString(".I COMMAND\n[option ...]\n")
	} else {
		fmt.Fprintf(&b, "[option ...]%s\n", escapeMan(strings.TrimSuffix(rest, " [flags]")))
	}
	b.WriteString(".SH DESCRIPTION\n" + textMan(long(c)))
	manCommands(&b, c)
	if c.HasParent() {
		manOptions(&b, "OPTIONS", options(c.LocalNonPersistentFlags()))
	}
	manOptions(&b, "OPTIONS OF EVERY COMMAND", options(c.Root().PersistentFlags()))
	if c.Example != "" {
		b.WriteString(".SH EXAMPLES\n.nf\n")
		for line := range strings.Lines(c.Example) {
			b.WriteString(lineMan(strings.TrimPrefix(strings.TrimRight(line, "\n"), "  ")) + "\n")
		}
		b.WriteString(".fi\n")
	}
	if !c.HasParent() {
		b.WriteString(a.First)
	}
	a.manSeeAlso(&b, c)
	return []byte(b.String())
}

func manCommands(b *strings.Builder, c *cobra.Command) {
	if !c.HasSubCommands() {
		return
	}
	b.WriteString(".SH COMMANDS\n")
	for _, sub := range visible(c) {
		fmt.Fprintf(b, ".TP\n.B %s\n%s.\n", escapeMan(sub.CommandPath()), lineMan(sub.Short))
	}
}

func manOptions(b *strings.Builder, title string, list []option) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(b, ".SH %s\n", quoteMan(title))
	for _, o := range list {
		fmt.Fprintf(b, ".TP\n.B %s\n%s\n", escapeMan(o.form()), lineMan(o.text()))
	}
}

func (a About) manSeeAlso(b *strings.Builder, c *cobra.Command) {
	var pages []string
	add := func(c *cobra.Command) {
		pages = append(pages, fmt.Sprintf(".BR %s (%s)", escapeMan(strings.ReplaceAll(c.CommandPath(), " ", "-")), a.Section))
	}
	if c.HasParent() {
		add(c.Parent())
	}
	for _, sub := range visible(c) {
		add(sub)
	}
	if len(pages) > 0 {
		b.WriteString(".SH SEE ALSO\n" + strings.Join(pages, ",\n") + "\n")
	}
}

// textMan turns help text into paragraphs; what is indented there stays as it is.
func textMan(text string) string {
	var b strings.Builder
	indented := false
	for line := range strings.Lines(text + "\n") {
		line = strings.TrimRight(line, "\n")
		switch {
		case line == "":
			b.WriteString(".PP\n")
			continue
		case strings.HasPrefix(line, "  ") && !indented:
			b.WriteString(".nf\n")
			indented = true
		case !strings.HasPrefix(line, "  ") && indented:
			b.WriteString(".fi\n")
			indented = false
		}
		b.WriteString(lineMan(line) + "\n")
	}
	if indented {
		b.WriteString(".fi\n")
	}
	return b.String()
}

// lineMan escapes a line of text, which must not be taken for a request.
func lineMan(s string) string {
	s = escapeMan(s)
	if strings.HasPrefix(s, ".") || strings.HasPrefix(s, "'") {
		return `\&` + s
	}
	return s
}

// escapeMan writes text for troff, whose input is ASCII.
func escapeMan(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\\':
			b.WriteString(`\e`)
		case r == '-':
			b.WriteString(`\-`)
		case r > '~':
			fmt.Fprintf(&b, `\[u%04X]`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func quoteMan(s string) string { return `"` + escapeMan(s) + `"` }

func lowerFirst(s string) string { return strings.ToLower(s[:1]) + s[1:] }
