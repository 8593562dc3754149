package ctl

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/seed-73b3884f/parsec-agent/client"
	"github.com/seed-73b3884f/parsec-agent/ctl/internal/policy"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

var checks = map[string]psa.Check{
	"use": psa.CheckUse, "generate": psa.CheckGenerate, "import": psa.CheckImport, "derive": psa.CheckDerive,
}

func (p *Program) keyCanDo() *cobra.Command {
	var r policy.Request
	var what string
	cmd := &cobra.Command{
		Use:   "can-do",
		Short: "Ask whether the provider supports a kind of key",
		Long: `Ask whether the provider can generate, import or use keys of a type, use and algorithm.
The exit status is 0 for yes and 1 for no.`,
		Example: `  parsecctl key can-do --type ecc-p384
  parsecctl key can-do --type rsa-3072 --alg rsa-pss:sha512 --check import`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			check, ok := checks[what]
			if !ok {
				return usagef("no check is called %q; there are generate, import, use and derive", what)
			}
			attrs, err := r.Attributes()
			if err != nil {
				return &usageError{err}
			}
			return p.with(cmd.Context(), func(c *client.Client) error {
				err := c.CanDoCrypto(cmd.Context(), check, attrs)
				if err != nil && wire.StatusOf(err) != wire.StatusNotSupported {
					return err
				}
				yes := err == nil
				answer := map[string]any{"can": yes, "check": what, "type": policy.TypeName(attrs), "algorithm": attrs.Alg.String()}
				err = p.emit(answer, func(w io.Writer) {
					word := "no"
					if yes {
						word = "yes"
					}
					fmt.Fprintf(w, "%s: %s %s for %s\n", word, what, policy.TypeName(attrs), attrs.Alg)
				})
				if err == nil && !yes {
					err = &answered{ExitFailed}
				}
				return err
			})
		},
	}
	attributeFlags(cmd, &r, "ecc-p256")
	cmd.Flags().StringVar(&what, "check", "generate", "what to ask for: generate, import, use or derive")
	choices(cmd, "check", "generate", "import", "use", "derive")
	return cmd
}
