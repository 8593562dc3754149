package ctl

import (
	"bytes"
	"context"
	"errors"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-73b3884f/parsec-agent/client"
	"github.com/seed-73b3884f/parsec-agent/ctl/internal/terminal"
)

// unlockResult is the JSON result of provider unlock.
type unlockResult struct {
	Provider string     `json:"provider"`
	Token    string     `json:"token"`
	Already  bool       `json:"already,omitempty"` // it was unlocked before
	Until    *time.Time `json:"until,omitempty"`   // when the PIN is forgotten
}

// pinSource says where a PIN comes from: the terminal, if nothing else is said.
type pinSource struct {
	file string
	fd   int // below 0: not from a descriptor
	pad  bool
}

func (p *Program) providerUnlock() *cobra.Command {
	from := pinSource{fd: -1}
	var lastTry bool
	cmd := &cobra.Command{
		Use:   "unlock NAME",
		Short: "Give the PIN of a provider's token to the agent",
		Long: `Give the PIN of a token to the agent, which logs in with it and keeps it, in locked memory
only, for later logins to the same token: until "provider lock", the end of the agent or
the time that its configuration says (user_pin_lifetime).

The PIN is asked for on the terminal, or read from the first line of a file ("-" is standard
input). A PIN that the token refused once is not sent again, and the last try that a
token has is used only with --last-try: if that PIN is wrong, the token locks itself.

This is for providers with user_pin_prompt = true, and for administrators or who the
configuration names (unlock_users, unlock_groups).`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: p.completeProviders,
		RunE: func(cmd *cobra.Command, args []string) error {
			pin, err := p.askPIN(cmd.Context(), from, args[0])
			if err != nil {
				return err
			}
			defer clear(pin)
			r := client.UnlockRequest{Instance: args[0], PIN: pin, PINPad: from.pad, LastTry: lastTry}
			return p.with(cmd.Context(), func(c *client.Client) error { return p.runUnlock(cmd.Context(), c, r) })
		},
	}
	cmd.Flags().StringVar(&from.file, "pin-file", "", "read the PIN from the first line of `FILE`")
	cmd.Flags().IntVar(&from.fd, "pin-fd", -1, "read the PIN from file `descriptor` N")
	cmd.Flags().BoolVar(&from.pad, "pin-pad", false, "give no PIN: the token asks on its own PIN pad")
	cmd.Flags().BoolVar(&lastTry, "last-try", false, "use the token's last try as well")
	return cmd
}

// askPIN returns the PIN, nil for a PIN pad.
func (p *Program) askPIN(ctx context.Context, from pinSource, provider string) ([]byte, error) {
	sources := 0
	for _, given := range []bool{from.file != "", from.fd >= 0, from.pad} {
		if given {
			sources++
		}
	}
	var pin []byte
	var err error
	switch {
	case sources > 1:
		return nil, usagef("--pin-file, --pin-fd and --pin-pad exclude each other")
	case from.pad:
		p.say("type the PIN on the PIN pad")
		return nil, nil
	case from.file != "" || from.fd >= 0:
		pin, err = p.firstLine(from.file, from.fd)
	default:
		pin, err = terminal.Passphrase(ctx, printable("PIN of the token of "+provider), false)
	}
	if err != nil {
		return nil, noTerminal(err, "the PIN", "--pin-file or --pin-fd")
	}
	if len(pin) == 0 {
		return nil, usagef("the PIN is empty")
	}
	return pin, nil
}

// firstLine returns the first line of a file, or of a descriptor where none is named.
func (p *Program) firstLine(file string, fd int) (line []byte, err error) {
	if file != "" {
		line, err = p.read(file, terminal.MaxPassphrase+2) // with a line end
	} else {
		line, err = terminal.PassphraseFrom(fd)
	}
	line, _, _ = bytes.Cut(line, []byte("\n"))
	return bytes.TrimSuffix(line, []byte("\r")), err
}

// noTerminal says how else to answer where there is no terminal.
func noTerminal(err error, what, instead string) error {
	if errors.Is(err, terminal.ErrNoTerminal) {
		return usagef("there is no terminal to ask for %s: give it with %s", what, instead)
	}
	return err
}

func (p *Program) runUnlock(ctx context.Context, c *client.Client, r client.UnlockRequest) error {
	out, err := c.Unlock(ctx, r)
	if err != nil {
		return err
	}
	result := unlockResult{Provider: r.Instance, Token: out.Token, Already: out.Already}
	state := "is unlocked"
	if out.Already {
		state = "was unlocked before; the PIN was not looked at"
	}
	if !out.Until.IsZero() {
		result.Until = &out.Until
		state += ", until " + out.Until.Format(time.DateTime)
	}
	p.say("provider %q: %s %s", r.Instance, out.Token, state)
	return p.emit(result, func(io.Writer) {})
}

func (p *Program) providerLock() *cobra.Command {
	return &cobra.Command{
		Use:               "lock NAME",
		Short:             "Have the agent forget the PIN of a provider's token and log out",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: p.completeProviders,
		RunE: p.service(func(ctx context.Context, c *client.Client, args []string) error {
			if err := c.Lock(ctx, args[0]); err != nil {
				return err
			}
			return p.confirm("", "provider %q is locked", args[0])
		}),
	}
}

// completeProviders offers the names of provider instances to the shell.
func (p *Program) completeProviders(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	err := p.with(cmd.Context(), func(c *client.Client) error {
		info, err := c.Info(cmd.Context())
		for _, s := range info.Providers {
			names = append(names, s.Name)
		}
		return err
	})
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
