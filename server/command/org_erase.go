package command

import (
	"context"
	"io"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"
)

// removal says whether all was removed.
type removal struct {
	Complete bool `json:"complete"`
}

func (p *Program) orgErase() *cobra.Command {
	w, yes := &where{}, false
	cmd := &cobra.Command{
		Use:   "erase NAME",
		Short: "Remove an organisation for good",
		Long: `Removes an organisation with all its users, workspaces and data. From the beginning on nobody finds it any more. Its rows go at
once, some at a time; its blocks are removed from the block store by the server, within some hours, and until then no
organisation with its name can be made. What was interrupted goes on when the command is given again, or by itself.

The name has to be typed, unless --yes is given. To close an organisation and keep its data: parsec-server org update NAME --expired yes.`,
		Example: "  parsec-server org erase Acme\n  parsec-server org erase Acme --yes",
		Args:    words("NAME"),
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return p.administers(cmd, w, func(ctx context.Context, args []string) error {
		if err := p.sure(yes, "Erasing the organisation "+args[0], args[0]); err != nil {
			return err
		}
		gone, err := asking[removal](ctx, p, w, http.MethodDelete, inOrganization(args[0])+"?confirm="+url.QueryEscape(args[0]), nil)
		if err != nil {
			return err
		}
		return p.emit(gone, func(out io.Writer) {
			say(out, "The organisation %s is erased; the server removes its blocks.", args[0])
		})
	})
}
