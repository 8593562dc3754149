package command

import (
	"context"
	"net/http"

	"github.com/spf13/cobra"
)

func (p *Program) orgUpdate() *cobra.Command {
	w, s := &where{}, &settingOptions{}
	cmd := &cobra.Command{
		Use:   "update NAME",
		Short: "Change the settings of an organisation",
		Long: `Changes what is given, and leaves the rest as it is. An organisation that is expired is closed to all its users at once, until
it is not expired any more; nothing of it is lost. With new terms of service, users go on once they have accepted them.`,
		Example: `  parsec-server org update Acme --users none
  parsec-server org update Acme --expired yes
  parsec-server org update Acme --terms en=https://example.com/terms --terms fr=https://example.com/conditions`,
		Args: words("NAME"),
	}
	s.flags(cmd.Flags())
	cmd.Flags().StringVar(&s.expired, "expired", "", "whether it is closed: `yes or no`")
	cmd.Flags().BoolVar(&s.noTerms, "no-terms", false, "have no terms of service any more")
	return p.administers(cmd, w, func(ctx context.Context, args []string) error {
		body, err := s.body(cmd.Flags())
		if err != nil {
			return err
		}
		if len(body) == 0 {
			return usagef("nothing is given to change: see %s --help", cmd.CommandPath())
		}
		if _, err := asking[struct{}](ctx, p, w, http.MethodPatch, inOrganization(args[0]), body); err != nil {
			return err
		}
		return p.confirm("The organisation %s is changed.", args[0])
	})
}
