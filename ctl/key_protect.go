package ctl

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/seed-73b3884f/parsec-agent/client"
	"github.com/seed-73b3884f/parsec-agent/ctl/internal/terminal"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
)

func (p *Program) keyProtect() *cobra.Command {
	var r client.ProtectRequest
	var compatible, encrypted bool
	cmd := &cobra.Command{
		Use:   "protect [--encrypted|--compatible] NAME...|--all",
		Short: "Choose how software keys are stored",
		Long: `Rewrite stored software keys: encrypted under the agent's root key (the default), or in the
plain form of the original service, which must be done before that service is put back.
No key is ever absent in between. --all takes every key of yours; of administrators,
everybody's.`,
		Args: cobra.ArbitraryArgs,
		ValidArgsFunction: func(cmd *cobra.Command, _ []string, word string) ([]string, cobra.ShellCompDirective) {
			return p.completeKeys(cmd, nil, word)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case encrypted && compatible:
				return usagef("--encrypted and --compatible exclude each other")
			case r.All && len(args) > 0:
				return usagef("name keys, or give --all, but not both")
			case !r.All && len(args) == 0:
				return usagef("name keys, or give --all")
			}
			r.Form = "encrypted"
			if compatible {
				r.Form = "compatible"
			}
			for _, name := range args {
				r.Names = append(r.Names, psa.KeyName(name))
			}
			return p.with(cmd.Context(), func(c *client.Client) error { return p.runProtect(cmd.Context(), c, r) })
		},
	}
	cmd.Flags().BoolVar(&encrypted, "encrypted", false, "encrypt under the agent's root key (the default)")
	cmd.Flags().BoolVar(&compatible, "compatible", false, "store in the plain form of the original service")
	cmd.Flags().BoolVar(&r.All, "all", false, "all keys")
	return cmd
}

func (p *Program) runProtect(ctx context.Context, c *client.Client, r client.ProtectRequest) error {
	bar := terminal.NewProgress(p.Err, p.global.quiet, r.Form, 0, false)
	defer bar.Finish()
	result := protectResult{Form: r.Form, batch: newBatch()}
	err := c.Protect(ctx, r, func(now client.Progress) {
		bar.Set(now.Done, now.Total)
		result.count(now)
	})
	if err != nil {
		return err
	}
	bar.Finish()
	result.Done = len(result.Problems) == 0
	return p.finishBatch(result.batch, "stored "+r.Form, result)
}

// protectResult is the JSON result of key protect.
type protectResult struct {
	Done bool   `json:"done"`
	Form string `json:"form"`
	batch
}
