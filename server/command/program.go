package command

import (
	"context"
	"io"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

// Program is one run of parsec-server.
type Program struct {
	In       io.Reader
	Out, Err io.Writer
	Version  string
	// Getenv is the environment.
	Getenv func(string) string
	// Now is the time of an export, time.Now if it is nil.
	Now func() time.Time

	json bool
}

// waits is how many goroutines may wait for a disk, at least, while others use all processors: the scheduler takes one that is in a system call for one that works until it
// looks again, up to ten milliseconds later.
const waits = 4

// Main runs parsec-server with the arguments after its name and returns the exit status.
func Main(args []string, version string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(max(2*runtime.NumCPU(), runtime.NumCPU()+waits))
	}
	p := &Program{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Version: version, Getenv: os.Getenv}
	return p.Run(ctx, args)
}

// Run runs one command.
func (p *Program) Run(ctx context.Context, args []string) int {
	root := p.Root() //nolint:contextcheck // commands get theirs from ExecuteContext
	root.SetArgs(paired(append(slices.Clone(args), moreArguments(p.Getenv)...)))
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitDone
	}
	return p.fail(err)
}

// Root returns the tree of commands.
func (p *Program) Root() *cobra.Command {
	root := &cobra.Command{
		Use:   "parsec-server",
		Short: "Serve the organisations of workspaces",
		Args:  noArguments,
		RunE: func(*cobra.Command, []string) error {
			return usagef("parsec-server needs a command: see parsec-server --help")
		},
		SilenceErrors:     true,
		SilenceUsage:      true,
		Version:           p.Version,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	root.SetOut(p.Out)
	root.SetErr(p.Err)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &usageError{err} })
	root.AddCommand(
		p.run(), p.orgGroup(), p.userGroup(), p.realmGroup(), p.sequester(), p.tokenGroup(), p.audit(), p.doctor(),
		p.migrate(), p.backup(), p.restore(), p.importing(), p.blocks(),
	)
	return root
}

// noArguments refuses words that no option takes.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("%s does not know %q: see %s --help", cmd.CommandPath(), args[0], cmd.CommandPath())
	}
	return nil
}
