package tool

import (
	"fmt"
	"slices"
	"strings"
)

func versionLine(c *command) string {
	if c == nil {
		return "parsec-tool " + version + "\n"
	}
	return "parsec-tool-" + c.name + " " + version + "\n"
}

// usage returns the form of a command, or of what was given of it.
func usage(c *command, given []string) string {
	if c == nil {
		if len(given) > 0 {
			return "parsec-tool" + forms(globals, given)
		}
		return "parsec-tool [OPTIONS] <SUBCOMMAND>"
	}
	parts := []string{"parsec-tool", c.name}
	optional := slices.ContainsFunc(given, func(name string) bool {
		o := findLong(c.options, name)
		return o != nil && !o.must
	})
	if !optional {
		parts = append(parts, kinds(c)...)
	}
	if c.arg != "" {
		parts = append(parts, "<"+c.arg+">")
	}
	named := slices.Compact(slices.Clone(given))
	for _, o := range c.options {
		if o.must && !slices.Contains(named, o.long) {
			named = append(named, o.long)
		}
	}
	return strings.Join(parts, " ") + forms(c.options, named)
}

// kinds says that there are flags and options that need not be given.
func kinds(c *command) (parts []string) {
	if slices.ContainsFunc(c.options, func(o option) bool { return o.value == "" }) {
		parts = append(parts, "[FLAGS]")
	}
	if slices.ContainsFunc(c.options, func(o option) bool { return o.value != "" && !o.must }) {
		parts = append(parts, "[OPTIONS]")
	}
	return parts
}

func forms(options []option, names []string) string {
	var b strings.Builder
	for _, name := range names {
		if o := findLong(options, name); o != nil {
			b.WriteString(" --" + o.long)
			if o.value != "" {
				b.WriteString(" <" + o.value + ">")
			}
			if o.many {
				b.WriteString("...")
			}
		}
	}
	return b.String()
}

// help returns the explanation of a command, or of the tool.
func help(c *command) string {
	var b strings.Builder
	options := globals
	b.WriteString(versionLine(c))
	if c == nil {
		b.WriteString("parsecctl of parsec-agent, called as parsec-tool\n")
	} else {
		options = c.options
		b.WriteString(c.about + "\n")
	}
	fmt.Fprintf(&b, "\nUSAGE:\n    %s\n", usage(c, nil))
	flags := [][2]string{{"-h, --help", "Explains the command"}, {"-V, --version", "Prints the version"}}
	var valued [][2]string
	for _, o := range options {
		row := [2]string{o.form(), o.help}
		if o.value == "" {
			flags = append(flags, row)
		} else {
			valued = append(valued, row)
		}
	}
	section(&b, "FLAGS", flags)
	section(&b, "OPTIONS", valued)
	if c == nil {
		section(&b, "SUBCOMMANDS", summaries())
	} else if c.arg != "" {
		section(&b, "ARGS", [][2]string{{"<" + c.arg + ">", ""}})
	}
	return b.String()
}

func summaries() (rows [][2]string) {
	for _, c := range commands {
		rows = append(rows, [2]string{c.name, c.about})
	}
	rows = append(rows, [2]string{"help", "Explains a command"})
	slices.SortFunc(rows, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
	return rows
}

func (o option) form() string {
	form := "    --" + o.long
	if o.short != 0 {
		form = "-" + string(o.short) + ", --" + o.long
	}
	if o.value != "" {
		form += " <" + o.value + ">"
	}
	if o.many {
		form += "..."
	}
	return form
}

func section(b *strings.Builder, title string, rows [][2]string) {
	if len(rows) == 0 {
		return
	}
	width := 0
	for _, r := range rows {
		width = max(width, len(r[0]))
	}
	fmt.Fprintf(b, "\n%s:\n", title)
	for _, r := range rows {
		b.WriteString(strings.TrimRight(fmt.Sprintf("    %-*s    %s", width, r[0], r[1]), " ") + "\n")
	}
}
