package ctl

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-73b3884f/parsec-agent/client"
)

func (p *Program) userGroup() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "user",
		Short: "List the people of an organisation, invite them, change what they may do, revoke them",
		Long: `List the people of the organisation of an unlocked device, invite somebody, change a profile,
revoke somebody. Profiles are admin (invites and revokes), standard (has workspaces) and
outsider (takes part in workspaces of others only, and sees nobody).

USER is an e-mail address, an id or the first digits of one.`,
	}
	d := deviceFlag(cmd)
	cmd.AddCommand(p.userList(d), p.userInvite(d), p.userUpdate(d), p.userRevoke(d))
	return cmd
}

type userDeviceView struct {
	ID        string    `json:"id"`
	Label     string    `json:"label"`
	Created   time.Time `json:"created"`
	CreatedBy string    `json:"created_by,omitempty"`
	Purpose   string    `json:"purpose"`
}

// userView is the JSON form of a person.
type userView struct {
	ID        string           `json:"id"`
	Email     string           `json:"email"`
	Name      string           `json:"name"`
	Profile   string           `json:"profile"`
	Created   time.Time        `json:"created"`
	CreatedBy string           `json:"created_by,omitempty"`
	Revoked   *time.Time       `json:"revoked,omitempty"`
	RevokedBy string           `json:"revoked_by,omitempty"`
	Frozen    bool             `json:"frozen,omitempty"`
	Self      bool             `json:"self,omitempty"`
	Devices   []userDeviceView `json:"devices"`
}

func viewUser(u client.User) userView {
	v := userView{
		ID: u.ID, Email: u.Email, Name: u.Name, Profile: u.Profile, Created: u.Created.UTC(), CreatedBy: u.CreatedBy,
		Revoked: optional(u.Revoked), RevokedBy: u.RevokedBy, Frozen: u.Frozen, Self: u.Self, Devices: []userDeviceView{},
	}
	for _, d := range u.Devices {
		v.Devices = append(v.Devices, userDeviceView{d.ID, d.Label, d.Created.UTC(), d.CreatedBy, d.Purpose})
	}
	return v
}

func (v *userView) who() string {
	if v.Email != "" {
		return v.Email
	}
	return shortID(v.ID)
}

// state says what is special about a person.
func (v *userView) state() string {
	var s []string
	if v.Self {
		s = append(s, "you")
	}
	if v.Frozen {
		s = append(s, "frozen")
	}
	if v.Revoked != nil {
		s = append(s, "revoked "+v.Revoked.Local().Format(minutes)+" by "+v.RevokedBy)
	}
	return orDash(strings.Join(s, ", "))
}

func (p *Program) userList(d *deviceChoice) *cobra.Command {
	var revoked bool
	cmd := &cobra.Command{
		Use:   "list [USER]",
		Short: "List the people of an organisation, with their devices",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.withAny(cmd.Context(), func(c *client.Client) error { return p.runUserList(cmd.Context(), c, d.text, one(args), revoked) })
		},
	}
	cmd.Flags().BoolVar(&revoked, "revoked", false, "list those who were revoked too")
	return cmd
}

func (p *Program) runUserList(ctx context.Context, c *client.Client, device, user string, revoked bool) error {
	all, view, err := c.ListUsers(ctx, device, user, revoked)
	if err != nil {
		return err
	}
	views := []userView{}
	for _, u := range all {
		views = append(views, viewUser(u))
	}
	result := map[string]any{"users": views, "connection": viewConnection(view)}
	return p.emit(result, func(w io.Writer) {
		t := newTable(w, "ID", "E-MAIL", "NAME", "PROFILE", "DEVICES", "CERTIFIED BY", "STATE")
		for i := range views {
			v := &views[i]
			by := v.CreatedBy
			if by == "" {
				by = "the root key"
			}
			t.row(shortID(v.ID), v.Email, v.Name, v.Profile, v.labels(), by, v.state())
		}
		t.flush()
		if view.State != "online" {
			fmt.Fprintln(w, printable(fmt.Sprintf("This is as of %s; the connection is %s.", ago(view.Viewed), view.State)))
		}
	})
}

func (v *userView) labels() string {
	var all []string
	for _, d := range v.Devices {
		all = append(all, d.Label)
	}
	return strings.Join(all, ", ")
}

func (p *Program) userInvite(d *deviceChoice) *cobra.Command {
	var o inviteOptions
	cmd := &cobra.Command{
		Use:   "invite EMAIL",
		Short: "Invite somebody into the organisation",
		Long: `Invite somebody into the organisation, and print the link for them. Who has the link can take
part in the greeting, but joins only if you hear their codes and they hear yours: call them
and run "invite greet EMAIL" while they run "invite claim LINK", or use the original client.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.withAny(cmd.Context(), func(c *client.Client) error {
				return p.runInvite(cmd.Context(), c, d.text, client.InvitationRequest{Email: args[0], SendMail: o.mail}, o)
			})
		},
	}
	o.flags(cmd)
	return cmd
}

func (p *Program) userUpdate(d *deviceChoice) *cobra.Command {
	var profile string
	cmd := &cobra.Command{
		Use:   "update USER",
		Short: "Change the profile of somebody",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			to := strings.ToUpper(profile)
			if !slices.Contains(profiles, to) {
				return usagef("say what the user is to be: --profile admin, standard or outsider")
			}
			return p.withAny(cmd.Context(), func(c *client.Client) error {
				u, already, err := c.UpdateUser(cmd.Context(), d.text, args[0], to)
				if err != nil {
					return err
				}
				return p.sayUser(u, already, "has the profile "+u.Profile)
			})
		},
	}
	cmd.Flags().StringVar(&profile, "profile", "", "the new `profile`: admin, standard or outsider")
	return cmd
}

func (p *Program) userRevoke(d *deviceChoice) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "revoke USER",
		Short: "Take everything from somebody, for good",
		Long: `Revoke somebody: none of their devices is of any use any more, for good. The same person can
be invited anew, as another user. What they have read they keep.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.withAny(cmd.Context(), func(c *client.Client) error { return p.runUserRevoke(cmd.Context(), c, d.text, args[0], yes) })
		},
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return cmd
}

func (p *Program) runUserRevoke(ctx context.Context, c *client.Client, device, user string, yes bool) error {
	found, _, err := c.ListUsers(ctx, device, user, true)
	if err != nil {
		return err
	}
	if len(found) != 1 {
		return usagef("%s fit %q", counted(len(found), "user"), user)
	}
	v := viewUser(found[0])
	if err := p.sure(ctx, yes, fmt.Sprintf("Revoke %s (%s), %s, for good?", v.who(), v.Name, counted(len(v.Devices), "device"))); err != nil {
		return err
	}
	u, already, err := c.RevokeUser(ctx, device, v.ID)
	if err != nil {
		return err
	}
	return p.sayUser(u, already, "is revoked")
}

// sayUser confirms what became of a user.
func (p *Program) sayUser(u client.User, already bool, what string) error {
	v := viewUser(u)
	if already {
		what += " already"
	}
	p.say("%s %s", v.who(), what)
	return p.emitJSON(map[string]any{"user": v, "already": already})
}
