package ctl

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-73b3884f/parsec-agent/client"
	"github.com/seed-73b3884f/parsec-agent/ctl/internal/outfile"
)

// orgStatusOptions are the options of org status.
type orgStatusOptions struct {
	brief  bool
	export string
}

func (p *Program) orgStatus(d *deviceChoice) *cobra.Command {
	var o orgStatusOptions
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show how an organisation stands, and who certified whom, up to the root key",
		Long: `Show how the organisation of an unlocked device stands: how it is connected, how old the view
is, the pinned root key, and the chain of trust: who certified whom, by which device and
when, who was revoked by whom. Everything of the chain was verified by the agent, from the
root key on; a server can hide what is new, and the age of the view says since when.

--export writes the certificates themselves into a file that an auditor can verify without
this agent's word: its first line is the address of the organisation with its root key, and

  parsecctl inspect --root "$(head -n 1 FILE)" FILE

judges each by all rules. Compare the fingerprint with somebody's in the organisation.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.withAny(cmd.Context(), func(c *client.Client) error { return p.runOrgStatus(cmd.Context(), c, d.text, o) })
		},
	}
	cmd.Flags().BoolVar(&o.brief, "brief", false, "leave out who certified whom")
	cmd.Flags().StringVar(&o.export, "export", "", "write the certificates to `FILE`, for an auditor")
	return cmd
}

// linkView is a certificate of the chain of trust.
type linkView struct {
	Kind       string    `json:"kind"`
	Time       time.Time `json:"time"`
	User       string    `json:"user"`
	Device     string    `json:"device,omitempty"`
	Email      string    `json:"email,omitempty"`
	Name       string    `json:"name,omitempty"`
	Label      string    `json:"label,omitempty"`
	Profile    string    `json:"profile,omitempty"`
	Purpose    string    `json:"purpose,omitempty"`
	Author     string    `json:"author,omitempty"` // device; absent for the root key
	AuthorUser string    `json:"author_user,omitempty"`
}

// orgStatusView is the JSON result of org status.
type orgStatusView struct {
	Organization orgView    `json:"organization"`
	Device       deviceView `json:"device"`
	Profile      string     `json:"profile"`
	Chain        []linkView `json:"chain"`
}

func (p *Program) runOrgStatus(ctx context.Context, c *client.Client, device string, o orgStatusOptions) error {
	s, err := c.OrgStatus(ctx, device, client.OrgOptions{Chain: !o.brief, Certificates: o.export != ""})
	if err != nil {
		return err
	}
	v := orgStatusView{viewOrg(s.Organization), viewDevice(s.Device), s.Profile, []linkView{}}
	for _, l := range s.Links {
		v.Chain = append(v.Chain, linkView{
			l.Kind, l.Time.UTC(), l.User, l.Device, l.Email, l.Name, l.Label, l.Profile, l.Purpose, l.Author, l.AuthorUser,
		})
	}
	if o.export != "" {
		if err := exportChain(o.export, s); err != nil {
			return err
		}
		p.say("%s are in %s", counted(len(s.Certificates), "certificate"), o.export)
	}
	return p.emit(v, func(w io.Writer) { v.print(w, s.Organization.Fingerprint) })
}

// exportChain writes the root key and the certificates, one a line.
func exportChain(path string, s *client.OrgStatus) error {
	var b strings.Builder
	b.WriteString(s.Organization.Root + "\n")
	for _, c := range s.Certificates {
		b.WriteString(base64.StdEncoding.EncodeToString(c) + "\n")
	}
	return outfile.Write(path, []byte(b.String()), outfile.Options{})
}

func (v *orgStatusView) print(w io.Writer, root []byte) {
	t := newTable(w)
	t.row("organisation", v.Organization.Organization)
	t.row("server", v.Organization.Server)
	t.row("device", v.Device.Label+" ("+shortID(v.Device.ID)+") of "+v.Device.Email)
	t.row("profile", v.Profile)
	t.row("root key", fingerprint(root))
	if v.Organization.Pinned != nil {
		t.row("pinned", v.Organization.Pinned.Local().Format(minutes))
	}
	v.Organization.Connection.print(t)
	t.flush()
	if len(v.Chain) == 0 {
		return
	}
	fmt.Fprintln(w)
	t = newTable(w, "WHEN", "CERTIFIED", "BY")
	names := v.names()
	for _, l := range v.Chain {
		t.row(l.Time.Local().Format("2006-01-02 15:04:05"), l.text(), names.author(l))
	}
	t.flush()
}

// names are what people and devices are called, by their ids.
type names map[string]string

func (v *orgStatusView) names() names {
	n := names{}
	for _, l := range v.Chain {
		switch l.Kind {
		case "user":
			n[l.User] = l.who()
		case "device":
			n[l.Device] = l.Label
		}
	}
	return n
}

func (l *linkView) who() string {
	if l.Email != "" {
		return l.Email
	}
	return shortID(l.User)
}

// text says what a certificate is about.
func (l *linkView) text() string {
	switch l.Kind {
	case "user":
		return fmt.Sprintf("%s (%s) as %s", l.who(), l.Name, l.Profile)
	case "device":
		text := fmt.Sprintf("device %s (%s) of %s", l.Label, shortID(l.Device), l.who())
		if l.Purpose != "" && l.Purpose != "STANDARD" {
			text += ", for " + strings.ToLower(strings.ReplaceAll(l.Purpose, "_", " "))
		}
		return text
	case "profile":
		return fmt.Sprintf("%s as %s from now on", l.who(), l.Profile)
	case "revocation":
		return l.who() + " revoked"
	default:
		return l.Kind
	}
}

// author says who signed.
func (n names) author(l linkView) string {
	if l.Author == "" {
		return "the root key"
	}
	device, user := n[l.Author], n[l.AuthorUser]
	if device == "" {
		device = shortID(l.Author)
	}
	if user == "" {
		user = shortID(l.AuthorUser)
	}
	return user + ", device " + device + " (" + shortID(l.Author) + ")"
}
