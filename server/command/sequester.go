package command

import "github.com/spf13/cobra"

// sequester are the commands about services of an organisation's sequester.
func (p *Program) sequester() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "sequester",
		Short: "Sign certificates of sequester services",
		Long: `The sequester of an organisation are services that get a copy of every key. Its authority, whose public key was made known when the
organisation was bootstrapped, signs who they are; its private key belongs on no server.`,
		Args: noArguments,
		RunE: func(*cobra.Command, []string) error {
			return usagef("parsec-server sequester needs a command: see parsec-server sequester --help")
		},
	}
	cmd.AddCommand(p.generateService(), p.generateRevocation())
	return cmd
}
