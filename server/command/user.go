package command

import (
	"context"
	"io"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/seed-73b3884f/parsec-agent/trust"
)

func (p *Program) userGroup() *cobra.Command {
	return group("user", "Administer the users of an organisation", p.userList(), p.userFreeze(true), p.userFreeze(false), p.userAccesses())
}

// user is one, as the administration API shows it.
type user struct {
	ID     string `json:"user_id"`
	Email  string `json:"user_email"`
	Name   string `json:"user_name"`
	Frozen bool   `json:"frozen"`
}

// users are those of an organisation.
type users struct {
	All []user `json:"users"`
}

func (p *Program) userList() *cobra.Command {
	w := &where{}
	cmd := &cobra.Command{
		Use:     "list ORGANISATION",
		Short:   "List the users that are not revoked",
		Example: "  parsec-server user list Acme",
		Args:    words("ORGANISATION"),
	}
	return p.administers(cmd, w, func(ctx context.Context, args []string) error {
		found, err := asking[users](ctx, p, w, http.MethodGet, inOrganization(args[0], "users"), nil)
		if err != nil {
			return err
		}
		return p.emit(found, func(out io.Writer) {
			t := newTable(out, "ID", "ADDRESS", "NAME", "FROZEN")
			for _, u := range found.All {
				t.row(u.ID, u.Email, u.Name, yesNo(u.Frozen))
			}
			t.flush()
		})
	})
}

func (p *Program) userFreeze(frozen bool) *cobra.Command {
	w := &where{}
	cmd := &cobra.Command{
		Use:   "freeze ORGANISATION USER",
		Short: "Let a user in no more, until they are unfrozen",
		Long: `Ends the connections of a user, who is known by id or address, and lets them in no more until they are unfrozen. Their
roles, data and devices stay. Other users are not told.`,
		Example: "  parsec-server user freeze Acme bob@example.com",
		Args:    words("ORGANISATION", "USER"),
	}
	if !frozen {
		cmd.Use, cmd.Short, cmd.Long = "unfreeze ORGANISATION USER", "Let a frozen user in again", ""
		cmd.Example = "  parsec-server user unfreeze Acme bob@example.com"
	}
	return p.administers(cmd, w, func(ctx context.Context, args []string) error {
		body := map[string]any{"frozen": frozen}
		id := trust.UserID{}
		if id.UnmarshalText([]byte(args[1])) == nil {
			body["user_id"] = args[1]
		} else if _, err := trust.NewEmailAddress(args[1]); err == nil {
			body["user_email"] = args[1]
		} else {
			return usagef("%q is neither the id of a user nor an address", args[1])
		}
		u, err := asking[user](ctx, p, w, http.MethodPost, inOrganization(args[0], "users", "freeze"), body)
		if err != nil {
			return err
		}
		word := "frozen"
		if !frozen {
			word = "let in again"
		}
		return p.emit(u, func(out io.Writer) { say(out, "%s (%s) is %s.", u.Name, u.Email, word) })
	})
}
