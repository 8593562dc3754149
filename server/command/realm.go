package command

import (
	"context"
	"io"
	"net/http"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/seed-73b3884f/parsec-agent/trust"
)

func (p *Program) realmGroup() *cobra.Command {
	return group("realm", "Administer realms: what workspaces are to a server", p.realmList(), p.realmDelete(), p.realmExport())
}

// realmView is a realm, as the administration API shows it.
type realmView struct {
	ID           string  `json:"realm_id"`
	CreatedOn    string  `json:"created_on"`
	State        string  `json:"state"`
	DeletionDate *string `json:"deletion_date"`
	Members      uint64  `json:"active_members"`
	Orphaned     *string `json:"orphaned_since"`
	Deletable    string  `json:"deletable"`
	DataSize     uint64  `json:"data_size"`
	MetadataSize uint64  `json:"metadata_size"`
	KeyIndex     uint64  `json:"key_index"`
}

// realmViews are those of an organisation.
type realmViews struct {
	All []realmView `json:"realms"`
}

func (p *Program) realmList() *cobra.Command {
	w, deletable := &where{}, false
	cmd := &cobra.Command{
		Use:   "list ORGANISATION",
		Short: "List realms, and which of them can be deleted",
		Long: `Lists the realms of an organisation. The data of a realm can be deleted when the moment has come for which its owner planned that,
or when all its members are revoked: nobody can open it any more.`,
		Example: "  parsec-server realm list Acme\n  parsec-server realm list Acme --deletable --json",
		Args:    words("ORGANISATION"),
	}
	cmd.Flags().BoolVar(&deletable, "deletable", false, "only those that can be deleted")
	return p.administers(cmd, w, func(ctx context.Context, args []string) error {
		found, err := asking[realmViews](ctx, p, w, http.MethodGet, inOrganization(args[0], "realms"), nil)
		if err != nil {
			return err
		}
		shown := realmViews{[]realmView{}}
		for _, r := range found.All {
			if !deletable || r.Deletable != "" {
				shown.All = append(shown.All, r)
			}
		}
		return p.emit(shown, func(out io.Writer) {
			t := newTable(out, "ID", "STATE", "MEMBERS", "DATA", "METADATA", "CAN BE DELETED")
			for _, r := range shown.All {
				t.row(r.ID, r.State, strconv.FormatUint(r.Members, 10), size(r.DataSize), size(r.MetadataSize), r.why())
			}
			t.flush()
		})
	})
}

// why says why a realm can be deleted.
func (r *realmView) why() string {
	switch {
	case r.Deletable == "deletion_planned" && r.DeletionDate != nil:
		return "planned for " + *r.DeletionDate
	case r.Deletable == "orphaned" && r.Orphaned != nil:
		return "orphaned since " + *r.Orphaned
	case r.Deletable == "":
		return "no"
	}
	return r.Deletable
}

func (p *Program) realmDelete() *cobra.Command {
	w, yes := &where{}, false
	cmd := &cobra.Command{
		Use:   "delete ORGANISATION REALM",
		Short: "Delete the data of a realm that can be deleted",
		Long: `Removes the vlobs, keys and blocks of a realm whose planned deletion is due, or whose members are all revoked. Its certificates stay:
clients need them. Blocks are removed from the block store by the server, within some hours. What was interrupted goes on when the
command is given again, or by itself. The id has to be typed, unless --yes is given.`,
		Example: "  parsec-server realm list Acme --deletable\n  parsec-server realm delete Acme 0123456789abcdef0123456789abcdef",
		Args:    words("ORGANISATION", "REALM"),
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return p.administers(cmd, w, func(ctx context.Context, args []string) error {
		id, err := realmID(args[1])
		if err != nil {
			return err
		}
		if err := p.sure(yes, "Deleting the data of realm "+id.String(), id.String()); err != nil {
			return err
		}
		gone, err := asking[removal](ctx, p, w, http.MethodDelete, inOrganization(args[0], "realms", id.String()), nil)
		if err != nil {
			return err
		}
		return p.emit(gone, func(out io.Writer) { say(out, "The data of realm %s is deleted; the server removes its blocks.", id) })
	})
}

func realmID(text string) (id trust.RealmID, err error) {
	if err := id.UnmarshalText([]byte(text)); err != nil {
		return id, usagef("%q is no id of a realm: 32 hexadecimal digits are expected", text)
	}
	return id, nil
}
