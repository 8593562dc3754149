package command

import (
	"context"
	"io"
	"net/http"
	"strconv"

	"github.com/spf13/cobra"
)

// organization is one, as the administration API shows it.
type organization struct {
	ID              string  `json:"organization_id"`
	IsBootstrapped  bool    `json:"is_bootstrapped"`
	IsExpired       bool    `json:"is_expired"`
	OutsiderAllowed bool    `json:"user_profile_outsider_allowed"`
	Limit           *uint64 `json:"active_users_limit"`
	ArchivingPeriod int64   `json:"realm_minimum_archiving_period_before_deletion"`
	TOS             *struct {
		URLs      map[string]string `json:"per_locale_urls"`
		UpdatedOn string            `json:"updated_on"`
	} `json:"tos"`
}

// organizations are all of them.
type organizations struct {
	All []organization `json:"organizations"`
}

func (p *Program) orgList() *cobra.Command {
	w := &where{}
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List organisations with their settings",
		Example: "  parsec-server org list\n  parsec-server org list --json",
		Args:    noArguments,
	}
	return p.administers(cmd, w, func(ctx context.Context, _ []string) error {
		found, err := asking[organizations](ctx, p, w, http.MethodGet, "/organizations", nil)
		if err != nil {
			return err
		}
		return p.emit(found, func(out io.Writer) {
			t := newTable(out, "NAME", "STATE", "USERS AT MOST", "OUTSIDERS", "TERMS")
			for _, o := range found.All {
				t.row(o.ID, o.state(), o.limit(), yesNo(o.OutsiderAllowed), yesNo(o.TOS != nil))
			}
			t.flush()
		})
	})
}

func (o *organization) state() string {
	switch {
	case o.IsExpired:
		return "expired"
	case o.IsBootstrapped:
		return "in use"
	}
	return "waits for its first user"
}

func (o *organization) limit() string {
	if o.Limit == nil {
		return "-"
	}
	return strconv.FormatUint(*o.Limit, 10)
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
