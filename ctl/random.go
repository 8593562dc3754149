package ctl

import (
	"context"
	"encoding/hex"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/seed-73b3884f/parsec-agent/client"
)

func (p *Program) random() *cobra.Command {
	var format string
	var to sink
	cmd := &cobra.Command{
		Use:   "random N",
		Short: "Print N random bytes of the provider",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := strconv.ParseUint(args[0], 10, 32)
			if err != nil {
				return usagef("%q is no number of bytes", args[0])
			}
			enc, err := parseEncoding(format)
			if err != nil {
				return err
			}
			return p.with(cmd.Context(), func(c *client.Client) error { return p.runRandom(cmd.Context(), c, n, enc, to) })
		},
	}
	cmd.Flags().StringVar(&format, "format", "hex", "hex, base64 or raw")
	outputFlags(cmd, &to)
	choices(cmd, "format", "hex", "base64", "raw")
	return cmd
}

func (p *Program) runRandom(ctx context.Context, c *client.Client, n uint64, enc encoding, to sink) error {
	b, err := c.GenerateRandom(ctx, n)
	if err != nil {
		return err
	}
	defer clear(b)
	to.secret = true
	if p.global.json && to.stdout() {
		return p.emit(map[string]any{"bytes": n, "hex": hex.EncodeToString(b)}, func(io.Writer) {})
	}
	return p.deliver(to, enc.encode(b), enc != encodeRaw)
}

func parseEncoding(name string) (encoding, error) {
	switch e := encoding(name); e {
	case encodeHex, encodeBase64, encodeRaw:
		return e, nil
	default:
		return "", usagef("no format is called %q; there are hex, base64 and raw", name)
	}
}

// outputFlags adds -o and --force.
func outputFlags(cmd *cobra.Command, to *sink) {
	cmd.Flags().StringVarP(&to.path, "output", "o", "", "write to a `file` instead of standard output")
	cmd.Flags().BoolVar(&to.force, "force", false, "replace an existing file")
}

// choices offers the values of an option to the shell.
func choices(cmd *cobra.Command, flag string, values ...string) {
	err := cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
	if err != nil {
		panic(err) // a wrong name in this program
	}
}
