package ctl

import (
	"bytes"
	"context"

	"github.com/spf13/cobra"

	"github.com/seed-73b3884f/parsec-agent/client"
)

// maxSequesterKey bounds the file with the key of an authority, in bytes.
const maxSequesterKey = 64 << 10

func (p *Program) orgBootstrap() *cobra.Command {
	var a answers
	var sequester string
	cmd := &cobra.Command{
		Use:   "bootstrap ADDRESS",
		Short: "Make an organisation, with you as its first user",
		Long: `Make an organisation, with you as its first user and administrator. ADDRESS comes from
whoever runs the server, in the form parsec3://… or https://…; it holds a token, so rather
type it into a file for "-", which is standard input, where others see your commands.

The organisation's root key is made in the agent, signs you and this device, and is thrown
away. You are asked who you are and how to protect the device, unless options say so.

With --sequester-key a sequester authority is set up, whose services can read all that is
stored: its public key, in PEM or DER, can be given now and never again.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.withAny(cmd.Context(), func(c *client.Client) error {
				return p.runBootstrap(cmd.Context(), c, args[0], sequester, &a)
			})
		},
	}
	a.flags(cmd)
	a.detailFlags(cmd, true)
	a.protectionFlags(cmd)
	cmd.Flags().StringVar(&sequester, "sequester-key", "", "a `file` with the public key of a sequester authority")
	return cmd
}

func (p *Program) runBootstrap(ctx context.Context, c *client.Client, address, sequester string, a *answers) error {
	address, err := p.address(address)
	if err != nil {
		return err
	}
	b := client.Bootstrap{Address: address, Details: a.withLabel()}
	if sequester != "" {
		if b.SequesterKey, err = p.read(sequester, maxSequesterKey); err != nil {
			return err
		}
	}
	w, already, err := c.BeginBootstrap(ctx, b)
	if err != nil {
		return err
	}
	if already {
		p.say("this had begun before and goes on")
	}
	return p.finishWork(ctx, c, w, a)
}

// maxAddress bounds an address, in bytes.
const maxAddress = 8 << 10

// address is an address of the command line, or with "-" the first line of standard input.
func (p *Program) address(arg string) (string, error) {
	if arg != "-" {
		return arg, nil
	}
	b, err := p.read(arg, maxAddress)
	defer clear(b)
	line, _, _ := bytes.Cut(b, []byte("\n"))
	return string(bytes.TrimSpace(line)), err
}
