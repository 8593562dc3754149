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
	"github.com/seed-73b3884f/parsec-agent/ctl/internal/qrcode"
)

func (p *Program) inviteGroup() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "invite",
		Short: "Greet who is invited, claim an invitation, list and cancel invitations",
		Long: `Greet who is invited, claim an invitation, list and cancel invitations. "user invite" and
"device invite" make them.

Two people talk, on the phone or in one room, one with "invite greet", the other with
"invite claim" or the original client. Each side says a code of four characters and the
other one chooses it among four: who is in between and changes something is found out. If
the code that you hear is none of the four, say so: nothing is certified then.

INVITATION is the e-mail address of who is invited, the token or its first digits, or the
link.`,
	}
	d := deviceFlag(cmd)
	cmd.AddCommand(p.inviteList(d), p.inviteCancel(d), p.inviteGreet(d), p.inviteClaim())
	return cmd
}

// inviteOptions are the options of what makes an invitation.
type inviteOptions struct{ mail, qr bool }

func (o *inviteOptions) flags(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&o.mail, "mail", false, "have the server send the link by e-mail too")
	cmd.Flags().BoolVar(&o.qr, "qr", false, "show the link as a QR code too")
}

// invitationView is the JSON form of an invitation.
type invitationView struct {
	Token     string    `json:"token"`
	Kind      string    `json:"kind"`
	Status    string    `json:"status"`
	Link      string    `json:"link"`
	Email     string    `json:"email,omitempty"`
	Name      string    `json:"name,omitempty"`
	Created   time.Time `json:"created"`
	CreatedBy string    `json:"created_by,omitempty"`
	Mail      string    `json:"mail,omitempty"`
}

func viewInvitation(i client.Invitation) invitationView {
	return invitationView{i.Token, i.Kind, i.Status, i.Address, i.Email, i.Name, i.Created.UTC(), i.CreatedBy, i.Mail}
}

// about says whom an invitation is for.
func (v *invitationView) about() string {
	switch {
	case v.Email != "":
		return v.Email
	case v.Kind == "device":
		return "a device of yours"
	default:
		return orDash(v.Name)
	}
}

func (p *Program) runInvite(ctx context.Context, c *client.Client, device string, r client.InvitationRequest, o inviteOptions) error {
	i, already, err := c.Invite(ctx, device, r)
	if err != nil {
		return err
	}
	v := viewInvitation(i)
	if already {
		p.say("%s had been invited before; the invitation is the same", v.about())
	}
	if o.mail && v.Mail != "sent" {
		p.say("no mail was sent: %s; pass the link on yourself", v.Mail)
	}
	code := ""
	if o.qr && !p.global.json {
		if code, err = qrcode.Text(v.Link); err != nil {
			return err
		}
	}
	return p.emit(map[string]any{"invitation": v, "already": already}, func(w io.Writer) {
		fmt.Fprintln(w, printable(v.Link))
		fmt.Fprint(w, code)
	})
}

func (p *Program) deviceInvite(choice *deviceChoice) *cobra.Command {
	var o inviteOptions
	cmd := &cobra.Command{
		Use:   "invite",
		Short: "Invite another device of yours into the organisation",
		Long: `Invite another device of yours, and print the link for it. Run "invite greet" here while
"invite claim LINK" runs there, or the original client is given the link; --qr shows it to a camera.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.withAny(cmd.Context(), func(c *client.Client) error {
				return p.runInvite(cmd.Context(), c, choice.text, client.InvitationRequest{OwnDevice: true, SendMail: o.mail}, o)
			})
		},
	}
	o.flags(cmd)
	return cmd
}

func (p *Program) inviteList(d *deviceChoice) *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the invitations that wait for somebody",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.withAny(cmd.Context(), func(c *client.Client) error { return p.runInviteList(cmd.Context(), c, d.text, all) })
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "list those that are finished or cancelled too")
	return cmd
}

func (p *Program) runInviteList(ctx context.Context, c *client.Client, device string, all bool) error {
	found, err := c.ListInvitations(ctx, device, all)
	if err != nil {
		return err
	}
	views := []invitationView{}
	for _, i := range found {
		views = append(views, viewInvitation(i))
	}
	return p.emit(map[string]any{"invitations": views}, func(w io.Writer) {
		t := newTable(w, "TOKEN", "KIND", "FOR", "STATUS", "INVITED", "BY")
		for i := range views {
			v := &views[i]
			t.row(shortID(v.Token), v.Kind, v.about(), v.Status, v.Created.Local().Format(minutes), orDash(v.CreatedBy))
		}
		t.flush()
	})
}

func (p *Program) inviteCancel(d *deviceChoice) *cobra.Command {
	return &cobra.Command{
		Use:   "cancel INVITATION",
		Short: "Cancel an invitation: its link is of no use any more",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.withAny(cmd.Context(), func(c *client.Client) error {
				i, err := c.CancelInvitation(cmd.Context(), d.text, args[0])
				if err != nil {
					return err
				}
				v := viewInvitation(i)
				p.say("the invitation of %s is cancelled", v.about())
				return p.emitJSON(map[string]any{"invitation": v})
			})
		},
	}
}

func (p *Program) inviteGreet(d *deviceChoice) *cobra.Command {
	var a answers
	var profile string
	cmd := &cobra.Command{
		Use:   "greet INVITATION",
		Short: "Greet who is invited, and certify them",
		Long: `Greet who is invited, and certify them. Talk to the person while this runs: you are told what
to say and what to listen for. Before anything is certified you see who they say they are,
and can correct it.

With --json each change is a line on standard output, and answers are read as lines from
--answers-fd: {"step": 3, "code": "AB2C"}, {"step": 3, "none": true}, {"step": 4, "yes": true},
{"step": 5, "details": {"name": …, "email": …, "label": …, "profile": …}}.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			to := strings.ToUpper(profile)
			if to != "" && !slices.Contains(profiles, to) {
				return usagef("a profile is admin, standard or outsider")
			}
			return p.withAny(cmd.Context(), func(c *client.Client) error {
				w, already, err := c.BeginGreet(cmd.Context(), d.text, args[0], to)
				if err != nil {
					return err
				}
				if already {
					p.say("this had begun before and goes on")
				}
				return p.finishWork(cmd.Context(), c, w, &a)
			})
		},
	}
	a.flags(cmd)
	cmd.Flags().StringVar(&profile, "profile", "", "the `profile` to propose: admin, standard or outsider")
	return cmd
}

func (p *Program) inviteClaim() *cobra.Command {
	var a answers
	cmd := &cobra.Command{
		Use:   "claim LINK",
		Short: "Claim an invitation: become a member, or add this device",
		Long: `Claim an invitation, of either form (https://… or parsec3://…), with this machine. "-" reads
the link from standard input. Talk to who invited you while this runs: you are told what to
say and what to listen for.

The keys of the new device are made here and stored under the protection that you choose,
before anybody certifies them. Repeat the command where it was interrupted: it goes on with
the same keys.

Answers of scripts are as with "invite greet"; a password comes from --password-file or
--password-fd, a TPM or token is named by --provider.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			address, err := p.address(args[0])
			if err != nil {
				return err
			}
			return p.withAny(cmd.Context(), func(c *client.Client) error {
				w, already, err := c.BeginClaim(cmd.Context(), address, a.withLabel())
				if err != nil {
					return err
				}
				if already {
					p.say("this had begun before and goes on")
				}
				return p.finishWork(cmd.Context(), c, w, &a)
			})
		},
	}
	a.flags(cmd)
	a.detailFlags(cmd, true)
	a.protectionFlags(cmd)
	return cmd
}
