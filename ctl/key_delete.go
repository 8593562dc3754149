package ctl

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-73b3884f/parsec-agent/client"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
)

func (p *Program) keyDelete() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "delete NAME...",
		Short: "Destroy keys",
		Long:  "Destroy keys, for good. On a terminal you are asked first.",
		Args:  cobra.MinimumNArgs(1),
		ValidArgsFunction: func(cmd *cobra.Command, _ []string, word string) ([]string, cobra.ShellCompDirective) {
			return p.completeKeys(cmd, nil, word)
		},
		RunE: p.service(func(ctx context.Context, c *client.Client, args []string) error {
			// All are looked up before the first is destroyed.
			var views []*client.Client
			for _, name := range args {
				view, _, err := p.locate(ctx, c, name)
				if err != nil {
					return err
				}
				views = append(views, view)
			}
			if err := p.sure(ctx, yes, fmt.Sprintf("Destroy %s (%s)?", counted(len(args), "key"), strings.Join(args, ", "))); err != nil {
				return err
			}
			for i, name := range args {
				if err := views[i].DestroyKey(ctx, psa.KeyName(name)); err != nil {
					return err
				}
				p.say("key %q is destroyed", name)
			}
			if p.global.json {
				return p.emit(map[string]any{"done": true, "keys": args}, nil)
			}
			return nil
		}),
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return cmd
}
