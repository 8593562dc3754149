package command

import (
	"strings"

	"github.com/spf13/cobra"
)

// words wants so many words after a command.
func words(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == len(names) {
			return nil
		}
		return usagef("%d words are given where %d are expected: the form is %s %s", len(args), len(names), cmd.CommandPath(), strings.Join(names, " "))
	}
}

// group is a command that only holds others.
func group(use, short string, commands ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Args: noArguments}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return usagef("%s needs a command: see %s --help", cmd.CommandPath(), cmd.CommandPath())
	}
	cmd.AddCommand(commands...)
	return cmd
}
