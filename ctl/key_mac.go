package ctl

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/seed-73b3884f/parsec-agent/client"
)

func (p *Program) keyMAC() *cobra.Command {
	var verify string
	cmd := &cobra.Command{
		Use:   "mac NAME [FILE]",
		Short: "Compute or verify the message authentication code of a file",
		Long: `Compute the message authentication code of a file of up to 1 MiB, or of standard input,
and print it in hexadecimal; or verify one. The exit status is 1 when it does not match.`,
		Args:              cobra.RangeArgs(1, 2),
		ValidArgsFunction: p.completeKeys,
		RunE: p.service(func(ctx context.Context, c *client.Client, args []string) error {
			view, info, err := p.locate(ctx, c, args[0])
			if err != nil {
				return err
			}
			alg := info.Attributes.Alg
			if !alg.Kind.MAC() {
				return advise(fmt.Errorf("key %q is for %s, not for authentication codes", args[0], alg), "parsecctl key create NAME --type hmac-sha256")
			}
			expected, err := hex.DecodeString(verify)
			if err != nil {
				return usagef("--verify: not hexadecimal")
			}
			data, err := p.message(oneFile(args[1:]), "")
			if err != nil {
				return err
			}
			if verify != "" {
				if err := view.MACVerify(ctx, info.Name, alg, data, expected); err != nil {
					return err
				}
				return p.confirm(args[0], "the code is good: %s of key %q", alg, args[0])
			}
			mac, err := view.MACCompute(ctx, info.Name, alg, data)
			if err != nil {
				return err
			}
			return p.emit(map[string]string{"key": args[0], "algorithm": alg.String(), "mac": hex.EncodeToString(mac)}, func(w io.Writer) {
				fmt.Fprintf(w, "%x\n", mac)
			})
		}),
	}
	cmd.Flags().StringVar(&verify, "verify", "", "verify this code, in `hex`, instead of computing one")
	return cmd
}
