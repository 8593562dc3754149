package ctl

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-73b3884f/parsec-agent/client"
)

// Program is one run of parsecctl.
type Program struct {
	In       io.Reader
	Out, Err io.Writer
	Version  string
	// Endpoint replaces the choice of a socket, for programs that bring their own.
	Endpoint string

	global globals
}

// globals are the options that every command has.
type globals struct {
	json     bool
	quiet    bool
	socket   string
	provider string
	timeout  time.Duration
	app      string
	token    string
}

// Main runs parsecctl with the arguments after its name and returns the exit status.
// Interrupt and termination signals cancel what is under way.
func Main(args []string, version string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	p := &Program{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Version: version}
	return p.Run(ctx, args)
}

// Run runs one command and returns the exit status.
func (p *Program) Run(ctx context.Context, args []string) int {
	root := p.Root() //nolint:contextcheck // commands get theirs from ExecuteContext
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return ExitDone
	}
	return p.fail(ctx, err)
}

// Root returns the tree of commands.
func (p *Program) Root() *cobra.Command {
	root := &cobra.Command{
		Use:   "parsecctl",
		Short: "Use the keys that the machine's Parsec agent keeps",
		Long: `parsecctl makes, uses and administers keys in a key service that speaks the Parsec
protocol: parsec-agent, or the original Parsec service.

The service is found at --socket, else at the URL in PARSEC_SERVICE_ENDPOINT, else at
the socket of your own agent if one listens, else at /run/parsec/parsec.sock.

Exit status: 0 done, 1 failed, 2 usage, 3 service unreachable, 4 refused, 5 not found,
6 locked.`,
		Args:              cobra.NoArgs,
		RunE:              group,
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	root.SetIn(p.In)
	root.SetOut(p.Out)
	root.SetErr(p.Err)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &usageError{err} })
	flags := root.PersistentFlags()
	flags.BoolVar(&p.global.json, "json", false, "print the result, and errors, as JSON")
	flags.BoolVarP(&p.global.quiet, "quiet", "q", false, "print results only: no confirmations, no progress")
	flags.StringVar(&p.global.socket, "socket", "", "the service's socket: a `path` or unix: URL")
	flags.StringVarP(&p.global.provider, "provider", "p", "", "the provider to use, by `name or number`; default: the key's, or the first listed")
	flags.DurationVar(&p.global.timeout, "timeout", client.DefaultTimeout, "how long to wait for an answer, 0 for ever")
	flags.StringVar(&p.global.app, "application", "", "the application `name`, for services with the Direct authenticator")
	flags.StringVar(&p.global.token, "token-file", "", "a `file` with a JWT-SVID, for services with that authenticator")
	root.AddCommand(
		p.ping(), p.info(), p.doctor(), p.random(), p.hash(), p.inspect(), p.backup(), p.restore(),
		p.providerGroup(), p.authenticatorGroup(), p.clientGroup(), p.keyGroup(), p.deviceGroup(),
		p.orgGroup(), p.userGroup(), p.inviteGroup(), p.recoveryGroup(), p.workGroup(), p.events(),
		p.completion(), p.version(),
	)
	root.SetHelpCommand(helpCommand(root))
	finish(root)
	return root
}

// group is what a command that only holds others does: it explains itself, and is an
// error, for nothing was done.
func group(cmd *cobra.Command, _ []string) error {
	return usagef("%s needs a command: see %s --help", cmd.CommandPath(), cmd.CommandPath())
}

// finish gives every command of the tree what all have.
func finish(cmd *cobra.Command) {
	cmd.DisableAutoGenTag = true
	cmd.DisableFlagsInUseLine = true
	cmd.SuggestionsMinimumDistance = 2
	if cmd.HasParent() && cmd.HasSubCommands() {
		cmd.Args = cobra.NoArgs
		cmd.RunE = group
	}
	if args := cmd.Args; args != nil {
		cmd.Args = func(c *cobra.Command, given []string) error {
			if err := args(c, given); err != nil {
				return explainArgs(c, given, err)
			}
			return nil
		}
	}
	for _, sub := range cmd.Commands() {
		finish(sub)
	}
}

// explainArgs says what is wrong with the words after a command.
func explainArgs(cmd *cobra.Command, given []string, err error) error {
	if cmd.HasSubCommands() && len(given) > 0 {
		e := usagef("%s has no command %q: see %s --help", cmd.CommandPath(), given[0], cmd.CommandPath())
		if near := cmd.SuggestionsFor(given[0]); len(near) > 0 {
			e = usagef("%s has no command %q: did you mean %s?", cmd.CommandPath(), given[0], near[0])
		}
		return e
	}
	return usagef("%w: the form is %s", err, cmd.UseLine())
}

func helpCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:               "help [COMMAND...]",
		Short:             "Explain a command",
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(_ *cobra.Command, args []string) error {
			found, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return usagef("there is no command %q", args)
			}
			return found.Help()
		},
	}
}
