package command

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/seed-73b3884f/parsec-agent/trust"
)

// counted are users of a profile.
type counted struct {
	Active  uint64 `json:"active"`
	Revoked uint64 `json:"revoked"`
}

// usage is what an organisation has, as the administration API shows it.
type usage struct {
	ID           string             `json:"organization_id"`
	Realms       uint64             `json:"realms"`
	DataSize     uint64             `json:"data_size"`
	MetadataSize uint64             `json:"metadata_size"`
	Users        uint64             `json:"users"`
	ActiveUsers  uint64             `json:"active_users"`
	PerProfile   map[string]counted `json:"users_per_profile_detail"`
}

// usages are those of all organisations.
type usages struct {
	All []usage `json:"stats"`
}

func (p *Program) orgStats() *cobra.Command {
	w, at := &where{}, ""
	cmd := &cobra.Command{
		Use:     "stats [NAME]",
		Short:   "Count users, workspaces and bytes of organisations",
		Example: "  parsec-server org stats\n  parsec-server org stats Acme --json\n  parsec-server org stats --at 2026-01-01T00:00:00Z",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usagef("%d words are given where one name is expected: the form is %s [NAME]", len(args), cmd.CommandPath())
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&at, "at", "", "what they had at a `moment`, in RFC 3339")
	return p.administers(cmd, w, func(ctx context.Context, args []string) error {
		found, err := p.usages(ctx, w, args, at)
		if err != nil {
			return err
		}
		return p.emit(found, func(out io.Writer) {
			t := newTable(out, "NAME", "ACTIVE USERS", "REVOKED", "WORKSPACES", "DATA", "METADATA")
			for _, u := range found.All {
				t.row(u.ID, strconv.FormatUint(u.ActiveUsers, 10), strconv.FormatUint(u.Users-u.ActiveUsers, 10), strconv.FormatUint(u.Realms, 10), size(u.DataSize), size(u.MetadataSize))
			}
			t.flush()
		})
	})
}

func (p *Program) usages(ctx context.Context, w *where, args []string, at string) (all usages, err error) {
	query := ""
	if at != "" {
		if _, err := trust.ParseDateTime(at); err != nil {
			return all, usagef("--at %q: a moment such as 2026-01-01T00:00:00Z is expected", at)
		}
		if len(args) > 0 {
			return all, usagef("--at is for all organisations")
		}
		query = "?at=" + url.QueryEscape(at)
	}
	if len(args) == 0 {
		return asking[usages](ctx, p, w, http.MethodGet, "/stats"+query, nil)
	}
	one, err := asking[usage](ctx, p, w, http.MethodGet, inOrganization(args[0], "stats"), nil)
	one.ID = args[0]
	return usages{[]usage{one}}, err
}
