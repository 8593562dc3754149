package ctl

import (
	"encoding/hex"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/seed-73b3884f/parsec-agent/client"
	"github.com/seed-73b3884f/parsec-agent/ctl/internal/policy"
)

func (p *Program) hash() *cobra.Command {
	var name, compare string
	cmd := &cobra.Command{
		Use:   "hash [FILE]",
		Short: "Hash a file of up to 1 MiB in the service",
		Long: `Hash a file, or standard input, in the service. For larger files use sha256sum and the
like: key sign hashes by itself.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			alg, err := policy.ParseHash(name)
			if err != nil {
				return &usageError{err}
			}
			expected, err := hex.DecodeString(compare)
			if err != nil {
				return usagef("--compare: not hexadecimal")
			}
			data, err := p.message(oneFile(args), "hash large files on this machine, for instance with sha256sum")
			if err != nil {
				return err
			}
			return p.with(cmd.Context(), func(c *client.Client) error {
				if compare != "" {
					if err := c.HashCompare(cmd.Context(), alg, data, expected); err != nil {
						return err
					}
					return p.confirm("", "the hash matches")
				}
				sum, err := c.HashCompute(cmd.Context(), alg, data)
				if err != nil {
					return err
				}
				return p.emit(map[string]string{"hash": alg.String(), "hex": hex.EncodeToString(sum)}, func(w io.Writer) {
					fmt.Fprintf(w, "%x\n", sum)
				})
			})
		},
	}
	cmd.Flags().StringVar(&name, "hash", "sha256", "the hash `algorithm`")
	cmd.Flags().StringVar(&compare, "compare", "", "compare with this hash, in `hex`, instead of printing")
	choices(cmd, "hash", policy.HashNames()...)
	return cmd
}

// oneFile returns the file named by the arguments, or standard input.
func oneFile(args []string) string {
	if len(args) == 0 {
		return "-"
	}
	return args[0]
}
