package command

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
)

// truth is a value that is true or false in the words that the original takes.
type truth struct{ to *bool }

// Set takes a word.
func (t truth) Set(word string) error {
	switch strings.ToLower(strings.TrimSpace(word)) {
	case "1", "true", "t", "yes", "y", "on":
		*t.to = true
	case "0", "false", "f", "no", "n", "off":
		*t.to = false
	default:
		return fmt.Errorf("%q is neither true nor false", word)
	}
	return nil
}

func (t truth) String() string {
	return strconv.FormatBool(t.to != nil && *t.to)
}

// Type is what help shows.
func (truth) Type() string { return "bool" }

// flag declares an option that is true when it is there.
func (o *runOptions) flag(f *pflag.FlagSet, to *bool, name, help string) {
	f.VarPF(truth{to}, name, "", help).NoOptDefVal = "true"
}

// rateName is the one option that has two values.
const rateName = "validation-email-rate-limit"

// paired puts the two values of the option that has two together, as an option of ours has one.
func paired(args []string) []string {
	joined := []string{}
	for i := 0; i < len(args); i++ {
		if args[i] == "--"+rateName && i+2 < len(args) {
			joined = append(joined, args[i]+"="+args[i+1]+" "+args[i+2])
			i += 2
			continue
		}
		joined = append(joined, args[i])
	}
	return joined
}

// moreArguments are those of the variable PARSEC_CMD_ARGS, with variables in them expanded; unknown ones stay.
func moreArguments(getenv func(string) string) []string {
	words := strings.Fields(getenv("PARSEC_CMD_ARGS"))
	for i, w := range words {
		words[i] = variable.ReplaceAllStringFunc(w, func(name string) string {
			if value := getenv(strings.Trim(name, "${}")); value != "" {
				return value
			}
			return name
		})
	}
	return words
}

var variable = regexp.MustCompile(`\$(\w+|\{\w+\})`)

// splitEscaped splits at commas that no backslash stands before.
func splitEscaped(text string) []string {
	parts, part, escaped := []string{}, strings.Builder{}, false
	for _, c := range text {
		switch {
		case escaped:
			if c != ',' && c != '\\' {
				part.WriteByte('\\')
			}
			part.WriteRune(c)
			escaped = false
		case c == '\\':
			escaped = true
		case c == ',':
			parts = append(parts, part.String())
			part.Reset()
		default:
			part.WriteRune(c)
		}
	}
	if escaped {
		part.WriteByte('\\')
	}
	return append(parts, part.String())
}
