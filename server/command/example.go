package command

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
)

// ExampleConfig is a configuration file with every option of run: what it is, and its default behind a comment sign.
func ExampleConfig() string {
	b := &strings.Builder{}
	b.WriteString(`# The options of parsec-server, each with its default. A line without the # before its name sets
# an option. For root and the service the file is /etc/parsec-server/config.toml; all commands
# read it. The command line goes before the environment, and that before this file.
# Written by go generate ./server/command.
`)
	f := pflag.NewFlagSet("", pflag.ContinueOnError)
	(&runOptions{}).flags(f)
	f.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "config" {
			return
		}
		_, usage := pflag.UnquoteUsage(f)
		fmt.Fprintf(b, "\n# %s\n#%s = %s\n", usage, f.Name, exampleValue(f))
	})
	return b.String()
}

// exampleValue is the default of an option in TOML.
func exampleValue(f *pflag.Flag) string {
	_, number := strconv.ParseFloat(f.DefValue, 64)
	switch {
	case repeats(f):
		return "[]"
	case f.Value.Type() == "string" || number != nil && f.DefValue != "true" && f.DefValue != "false":
		return strconv.Quote(f.DefValue)
	}
	return f.DefValue
}
