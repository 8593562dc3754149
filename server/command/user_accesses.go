package command

import (
	"context"
	"io"
	"net/http"
	"strings"

	"github.com/spf13/cobra"
)

// userAccesses says who may do what.
func (p *Program) userAccesses() *cobra.Command {
	w := &where{}
	var filter string
	cmd := &cobra.Command{
		Use:     "accesses ORGANISATION",
		Short:   "Say who may do what, and where",
		Long:    `Lists users, revoked ones too, with their profiles and their roles in realms.`,
		Example: "  parsec-server user accesses Acme --filter bob",
		Args:    words("ORGANISATION"),
	}
	cmd.Flags().StringVar(&filter, "filter", "", "show only users in whose id, address or name all these `words` are")
	return p.administers(cmd, w, func(ctx context.Context, args []string) error {
		found, err := asking[accessesOf](ctx, p, w, http.MethodGet, inOrganization(args[0], "accesses"), nil)
		if err != nil {
			return err
		}
		found.All = matching(found.All, strings.Fields(filter))
		return p.emit(found, func(out io.Writer) {
			for _, a := range found.All {
				a.print(out)
			}
		})
	})
}

// accessesOf are those of an organisation.
type accessesOf struct {
	All []accesses `json:"users"`
}

// accesses are a user with what they may do.
type accesses struct {
	user

	Profile   string  `json:"profile"`
	CreatedOn string  `json:"created_on"`
	RevokedOn *string `json:"revoked_on"`
	Profiles  []struct {
		Profile string `json:"profile"`
		Since   string `json:"since"`
	} `json:"profiles"`
	Realms []struct {
		Realm string  `json:"realm_id"`
		Role  *string `json:"role"`
		Since string  `json:"since"`
	} `json:"realms"`
}

// matching are those in which all words are found.
func matching(all []accesses, words []string) []accesses {
	found := []accesses{}
	for _, a := range all {
		text, fits := strings.ToLower(a.ID+" "+a.Email+" "+a.Name), true
		for _, w := range words {
			fits = fits && strings.Contains(text, strings.ToLower(w))
		}
		if fits {
			found = append(found, a)
		}
	}
	return found
}

func (a *accesses) print(out io.Writer) {
	state := a.Profile
	if a.RevokedOn != nil {
		state = "REVOKED"
	}
	say(out, "%s <%s> %s (%s)", a.Name, a.Email, a.ID, state)
	for _, p := range a.Profiles {
		say(out, "  %s: profile %s", p.Since, p.Profile)
	}
	if a.RevokedOn != nil {
		say(out, "  %s: revoked", *a.RevokedOn)
	}
	for _, r := range a.Realms {
		role := "no role any more"
		if r.Role != nil {
			role = "role " + *r.Role
		}
		say(out, "  %s: %s in realm %s", r.Since, role, r.Realm)
	}
}
