package ctl

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/seed-73b3884f/parsec-agent/client"
	"github.com/seed-73b3884f/parsec-agent/ctl/internal/terminal"
)

func (p *Program) clientGroup() *cobra.Command {
	cmd := &cobra.Command{Use: "client", Short: "Administer the applications that own keys"}
	cmd.AddCommand(p.clientList(), p.clientDelete())
	return cmd
}

func (p *Program) clientList() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the applications that own keys (administrators)",
		Args:  cobra.NoArgs,
		RunE: p.service(func(ctx context.Context, c *client.Client, _ []string) error {
			found, err := c.ListClients(ctx)
			if err != nil {
				return err
			}
			if found == nil {
				found = []string{}
			}
			return p.emit(map[string]any{"clients": found}, func(w io.Writer) {
				for _, name := range found {
					fmt.Fprintln(w, printable(name))
				}
			})
		}),
	}
}

func (p *Program) clientDelete() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "delete NAME",
		Short: "Destroy all keys of an application (administrators)",
		Long: `Destroy all keys of an application, for good. On a terminal you are asked first.

The application is known by the name that its authenticator gives it: with Unix peer
credentials the user id in decimal.`,
		Args: cobra.ExactArgs(1),
		RunE: p.service(func(ctx context.Context, c *client.Client, args []string) error {
			if err := p.sure(ctx, yes, fmt.Sprintf("Destroy all keys of client %q?", args[0])); err != nil {
				return err
			}
			if err := c.DeleteClient(ctx, args[0]); err != nil {
				return err
			}
			return p.confirm("", "client %q: all keys are destroyed", args[0])
		}),
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return cmd
}

// consent asks for what only a person can decide: without one, --yes says that somebody did.
func (p *Program) consent(ctx context.Context, yes bool, question string) error {
	if !yes && (!terminal.Is(p.In) || !terminal.Is(p.Err)) {
		return advise(errors.New("nothing was done: nobody is there to be asked"), "give --yes once a person has decided")
	}
	return p.sure(ctx, yes, question)
}

// sure asks before something is destroyed, if there is a person to ask.
func (p *Program) sure(ctx context.Context, yes bool, question string) error {
	if yes || !terminal.Is(p.In) || !terminal.Is(p.Err) {
		return nil
	}
	ok, err := terminal.Confirm(ctx, printable(question))
	if err == nil && !ok {
		err = advise(fmt.Errorf("nothing was done"), "answer y, or give --yes")
	}
	return err
}
