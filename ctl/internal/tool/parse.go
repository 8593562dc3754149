package tool

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// option is an option of the tool or of a subcommand.
type option struct {
	short byte   // 0: none
	long  string // without dashes
	value string // name of the value; empty: a flag
	bits  int    // the value is a number of that many bits; 0: a text
	many  bool   // takes any number of values, and may be repeated
	must  bool
	help  string
}

// command is a subcommand.
type command struct {
	name    string
	about   string
	options []option
	arg     string // name of the one positional argument; empty: none
	bare    bool   // makes its request without set-up
	run     func(context.Context, *run) error
}

// globals are the options before the subcommand.
var globals = []option{
	{'p', "provider", "provider", 8, false, false, "The number of the provider to use, instead of the default one"},
	{'t', "timeout", "timeout", 32, false, false, "How many seconds to wait for an answer; 0 waits for ever"},
}

// parsed is a command line that was understood. Values of global options have their own
// names: list-opcodes has a provider, too.
type parsed struct {
	command *command
	values  map[string][]string // global options
	own     map[string][]string // options of the subcommand
	flags   map[string]bool
	arg     string
}

func (p *parsed) text(name string) string {
	if v := p.own[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// shown is a text to print instead of running anything.
type shown struct {
	text   string
	failed bool
}

func (s *shown) Error() string { return s.text }

// complain is an error in the command line.
func complain(c *command, given []string, format string, args ...any) error {
	text := fmt.Sprintf("error: "+format+"\n\nUSAGE:\n    %s\n\nFor more information try --help\n", append(args, usage(c, given))...)
	return &shown{text, true}
}

func unexpected(c *command, given []string, word string) error {
	return complain(c, given, "Found argument '%s' which wasn't expected, or isn't valid in this context", word)
}

// scanner reads the words of a command line.
type scanner struct {
	words   []string
	command *command // nil before the subcommand
	options []option
	values  map[string][]string
	flags   map[string]bool
	given   []string // long names, in order
	rest    bool     // after "--"
	args    []string
}

func parse(words []string) (*parsed, error) {
	top := &scanner{words: words, options: globals, values: map[string][]string{}, flags: map[string]bool{}}
	if err := top.scan(); err != nil {
		return nil, err
	}
	if len(top.args) == 0 {
		return nil, &shown{help(nil), true}
	}
	name := top.args[0]
	if name == "help" && !top.rest {
		return nil, helpFor(top.words)
	}
	i := slices.IndexFunc(commands, func(c command) bool { return c.name == name })
	if i < 0 || top.rest {
		return nil, unexpected(nil, nil, name)
	}
	c := &commands[i]
	sub := &scanner{words: top.words, command: c, options: c.options, values: map[string][]string{}, flags: map[string]bool{}}
	if err := sub.scan(); err != nil {
		return nil, err
	}
	if err := sub.complete(); err != nil {
		return nil, err
	}
	p := &parsed{command: c, values: top.values, own: sub.values, flags: sub.flags}
	if len(sub.args) > 0 {
		p.arg = sub.args[0]
	}
	return p, errors.Join(top.numbers(), sub.numbers())
}

// helpFor answers the subcommand help.
func helpFor(words []string) error {
	if len(words) == 0 {
		return &shown{help(nil), false}
	}
	i := slices.IndexFunc(commands, func(c command) bool { return c.name == words[0] })
	if i < 0 || len(words) > 1 {
		return &shown{fmt.Sprintf("error: The subcommand '%s' wasn't recognized\n\nUSAGE:\n\tparsec-tool help <subcommands>...\n\nFor more information try --help\n",
			words[len(words)-1]), true}
	}
	return &shown{help(&commands[i]), false}
}

// scan reads words until they end, or until the subcommand.
func (s *scanner) scan() error {
	for len(s.words) > 0 {
		word := s.words[0]
		s.words = s.words[1:]
		var err error
		switch {
		case s.rest || word == "-" || !strings.HasPrefix(word, "-"):
			err = s.positional(word)
			if s.command == nil && err == nil {
				return nil
			}
		case word == "--":
			s.rest = true
		case strings.HasPrefix(word, "--"):
			err = s.long(word)
		default:
			err = s.short(word[1:])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *scanner) positional(word string) error {
	if s.command == nil {
		s.args = append(s.args, word)
		return nil
	}
	if s.command.arg == "" || len(s.args) > 0 {
		return unexpected(s.command, s.given, word)
	}
	s.args = append(s.args, word)
	return nil
}

func findLong(options []option, name string) *option {
	i := slices.IndexFunc(options, func(o option) bool { return o.long == name })
	if i < 0 {
		return nil
	}
	return &options[i]
}

func (s *scanner) long(word string) error {
	name, value, has := strings.Cut(word[2:], "=")
	switch {
	case name == "help" && !has:
		return &shown{help(s.command), false}
	case name == "version" && !has:
		return &shown{versionLine(s.command), false}
	}
	o := findLong(s.options, name)
	switch {
	case o == nil:
		return unexpected(s.command, s.given, "--"+name)
	case o.value == "":
		return s.flag(o) // a value is not looked at, as the original does
	case has:
		return s.store(o, value)
	default:
		return s.following(o)
	}
}

// short reads a cluster of flags, of which the last may be an option with its value.
func (s *scanner) short(cluster string) error {
	for i := range len(cluster) {
		switch cluster[i] {
		case 'h':
			return &shown{help(s.command), false}
		case 'V':
			return &shown{versionLine(s.command), false}
		}
		j := slices.IndexFunc(s.options, func(o option) bool { return o.short != 0 && o.short == cluster[i] })
		if j < 0 {
			return unexpected(s.command, s.given, "-"+cluster[i:i+1])
		}
		o := &s.options[j]
		if o.value != "" {
			if rest := cluster[i+1:]; rest != "" {
				return s.store(o, strings.TrimPrefix(rest, "="))
			}
			return s.following(o)
		}
		if err := s.flag(o); err != nil {
			return err
		}
	}
	return nil
}

func (s *scanner) twice(o *option) error {
	name := "--" + o.long
	if o.value != "" {
		name += " <" + o.value + ">"
	}
	return complain(s.command, s.given, "The argument '%s' was provided more than once, but cannot be used multiple times", name)
}

func (s *scanner) flag(o *option) error {
	if s.flags[o.long] {
		return s.twice(o)
	}
	s.flags[o.long] = true
	s.given = append(s.given, o.long)
	return nil
}

func (s *scanner) store(o *option, value string) error {
	if len(s.values[o.long]) > 0 && !o.many {
		return s.twice(o)
	}
	s.values[o.long] = append(s.values[o.long], value)
	if !slices.Contains(s.given, o.long) {
		s.given = append(s.given, o.long)
	}
	return nil
}

// following takes the value of an option from the words after it.
func (s *scanner) following(o *option) error {
	taken := 0
	if len(s.values[o.long]) > 0 && !o.many {
		return s.twice(o)
	}
	for len(s.words) > 0 && (taken == 0 || o.many) {
		word := s.words[0]
		if len(word) > 1 && word[0] == '-' {
			break
		}
		s.words = s.words[1:]
		if err := s.store(o, word); err != nil {
			return err
		}
		taken++
	}
	switch {
	case taken > 0:
		return nil
	case len(s.words) > 0 && !s.known(s.words[0]):
		s.given = append(s.given, o.long)
		return unexpected(s.command, s.given, s.words[0])
	default:
		s.given = append(s.given, o.long)
		return complain(s.command, s.given, "The argument '--%s <%s>' requires a value but none was supplied", o.long, o.value)
	}
}

// known reports whether a word is an option that there is.
func (s *scanner) known(word string) bool {
	name, _, _ := strings.Cut(strings.TrimPrefix(word, "--"), "=")
	return strings.HasPrefix(word, "--") && (name == "" || findLong(s.options, name) != nil) ||
		slices.ContainsFunc(s.options, func(o option) bool { return o.short != 0 && o.short == word[1] })
}

// complete checks that what must be there is.
func (s *scanner) complete() error {
	var missing []string
	if s.command.arg != "" && len(s.args) == 0 {
		missing = append(missing, "<"+s.command.arg+">")
	}
	for _, o := range s.options {
		if o.must && len(s.values[o.long]) == 0 {
			missing = append(missing, fmt.Sprintf("--%s <%s>", o.long, o.value))
		}
	}
	if missing == nil {
		return nil
	}
	return complain(s.command, s.given, "The following required arguments were not provided:\n    %s", strings.Join(missing, "\n    "))
}

// numbers checks the values of numeric options.
func (s *scanner) numbers() error {
	for _, o := range s.options {
		for _, v := range s.values[o.long] {
			if o.bits == 0 {
				continue
			}
			if reason := badNumber(v, o.bits); reason != "" {
				return &shown{fmt.Sprintf("error: Invalid value for '--%s <%s>': %s\n", o.long, o.value, reason), true}
			}
		}
	}
	return nil
}

func badNumber(v string, bits int) string {
	_, err := strconv.ParseUint(strings.TrimPrefix(v, "+"), 10, bits)
	switch {
	case err == nil:
		return ""
	case v == "":
		return "cannot parse integer from empty string"
	case errors.Is(err, strconv.ErrRange):
		return "number too large to fit in target type"
	default:
		return "invalid digit found in string"
	}
}
