package command

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-73b3884f/parsec-agent/trust"
)

func (p *Program) tokenGroup() *cobra.Command {
	return group("token", "Give parts of the administration API to others", p.tokenCreate(), p.tokenList(), p.tokenRevoke())
}

// tokenView is a token, as the administration API shows it.
type tokenView struct {
	Name         string   `json:"name"`
	Scopes       []string `json:"scopes"`
	Organization *string  `json:"organization_id"`
	CreatedOn    string   `json:"created_on"`
	ExpiresOn    *string  `json:"expires_on"`
}

func (p *Program) tokenCreate() *cobra.Command {
	w := &where{}
	scopes, organization, expires := []string{}, "", ""
	cmd := &cobra.Command{
		Use:   "create NAME",
		Short: "Make a token of the administration API",
		Long: `Makes a token for some of the administration API, and prints it, once: only its digest is kept. It is sent as
"Authorization: Bearer TOKEN". What is done with it is in the audit log under its name.

  read           look at organisations, their users, realms and statistics
  organizations  make and change organisations and their sequester services
  users          freeze users, reset their one-time codes
  erase          erase organisations, delete realms that can be deleted

A token of one --organization does nothing about others.`,
		Example: `  parsec-server token create monitoring --scope read
  parsec-server token create helpdesk --scope users --organization Acme --expires 720h`,
		Args: words("NAME"),
	}
	cmd.Flags().StringArrayVar(&scopes, "scope", nil, "what it is for: `read, organizations, users or erase`; repeatable")
	cmd.Flags().StringVar(&organization, "organization", "", "the one organisation that it is for, by `name`")
	cmd.Flags().StringVar(&expires, "expires", "", "when it ends: a `moment` in RFC 3339, or a duration such as 720h")
	return p.administers(cmd, w, func(ctx context.Context, args []string) error {
		body := map[string]any{"name": args[0], "scopes": scopes}
		if len(scopes) == 0 {
			return usagef("a token needs a scope: --scope read, organizations, users or erase")
		}
		if organization != "" {
			if _, err := trust.NewOrganizationID(organization); err != nil {
				return usagef("--organization %q: %w", organization, err)
			}
			body["organization_id"] = organization
		}
		if expires != "" {
			end, err := moment(expires, time.Now())
			if err != nil {
				return err
			}
			body["expires_on"] = end
		}
		made, err := asking[struct {
			Token string `json:"token"`
		}](ctx, p, w, http.MethodPost, "/tokens", body)
		if err != nil {
			return err
		}
		return p.emit(made, func(out io.Writer) { say(out, "%s", made.Token) })
	})
}

// moment reads a moment, or a duration from now on.
func moment(text string, now time.Time) (string, error) {
	if d, err := time.ParseDuration(text); err == nil && d > 0 {
		return now.Add(d).UTC().Format(time.RFC3339), nil
	}
	at, err := trust.ParseDateTime(text)
	if err != nil {
		return "", usagef("--expires %q: a moment such as 2030-01-01T00:00:00Z, or a duration such as 720h is expected", text)
	}
	return at.String(), nil
}

func (p *Program) tokenList() *cobra.Command {
	w := &where{}
	cmd := &cobra.Command{Use: "list", Short: "List tokens, but not their secrets", Example: "  parsec-server token list", Args: noArguments}
	return p.administers(cmd, w, func(ctx context.Context, _ []string) error {
		found, err := asking[struct {
			All []tokenView `json:"tokens"`
		}](ctx, p, w, http.MethodGet, "/tokens", nil)
		if err != nil {
			return err
		}
		return p.emit(found, func(out io.Writer) {
			t := newTable(out, "NAME", "SCOPES", "ORGANISATION", "CREATED", "EXPIRES")
			for _, v := range found.All {
				t.row(v.Name, strings.Join(v.Scopes, " "), orDash(v.Organization), v.CreatedOn, orDash(v.ExpiresOn))
			}
			t.flush()
		})
	})
}

func orDash(s *string) string {
	if s == nil {
		return "-"
	}
	return *s
}

func (p *Program) tokenRevoke() *cobra.Command {
	w := &where{}
	cmd := &cobra.Command{Use: "revoke NAME", Short: "End a token at once", Example: "  parsec-server token revoke monitoring", Args: words("NAME")}
	return p.administers(cmd, w, func(ctx context.Context, args []string) error {
		if _, err := asking[struct{}](ctx, p, w, http.MethodDelete, "/tokens/"+url.PathEscape(args[0]), nil); err != nil {
			return err
		}
		return p.confirm("The token %s is revoked.", args[0])
	})
}
