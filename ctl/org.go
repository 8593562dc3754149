package ctl

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-73b3884f/parsec-agent/client"
)

// deviceFlag lets a command or group name a device.
func deviceFlag(cmd *cobra.Command) *deviceChoice {
	d := &deviceChoice{}
	cmd.PersistentFlags().StringVar(&d.text, "device", "", "the device, by `id, organisation or label`")
	return d
}

func (p *Program) orgGroup() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "org",
		Short: "Make an organisation, see how yours stand and whom they trust",
		Long: `Make an organisation, and see how yours stand: whether the server answers, how old the view
is, and the chain of trust from the root key on.

The root key of an organisation is pinned when you join it. Another one under the same name
is refused until you forget the organisation; a server that lost what it gave before, as one
restored from a backup, is refused until you accept that.`,
	}
	d := deviceFlag(cmd)
	cmd.AddCommand(p.orgBootstrap(), p.orgList(), p.orgStatus(d), p.orgAcceptRollback(d), p.orgAcceptTerms(d), p.orgForget())
	return cmd
}

// connectionView is the JSON form of how a device stands with its server.
type connectionView struct {
	State  string     `json:"state"`
	Reason string     `json:"reason,omitempty"`
	Remedy string     `json:"remedy,omitempty"`
	Since  *time.Time `json:"since,omitempty"`
	Viewed *time.Time `json:"viewed,omitempty"`
	Clock  string     `json:"clock,omitempty"`
	Terms  string     `json:"terms,omitempty"`
}

func viewConnection(c client.Connection) connectionView {
	return connectionView{c.State, c.Reason, c.Remedy, optional(c.Since), optional(c.Viewed), c.Clock, c.Terms}
}

// print writes how a device stands with its server, for people.
func (v connectionView) print(t *table) {
	t.row("connection", v.State)
	if v.Reason != "" {
		t.row("", v.Reason)
	}
	if v.Remedy != "" {
		t.row("", "try: "+v.Remedy)
	}
	viewed := "never"
	if v.Viewed != nil {
		viewed = v.Viewed.Local().Format(minutes) + ", " + ago(*v.Viewed)
	}
	t.row("view", viewed)
	if v.Clock != "" {
		t.row("clock", v.Clock)
	}
	for line := range strings.Lines(v.Terms) {
		t.row("new terms", strings.TrimSpace(line))
	}
}

// orgView is the JSON form of an organisation.
type orgView struct {
	Organization string         `json:"organization"`
	Server       string         `json:"server"`
	Root         string         `json:"root,omitempty"`
	Fingerprint  string         `json:"fingerprint"`
	Pinned       *time.Time     `json:"pinned,omitempty"`
	Devices      []string       `json:"devices"`
	Connection   connectionView `json:"connection"`
}

func viewOrg(o client.Organization) orgView {
	v := orgView{o.Name, o.Server, o.Root, hex.EncodeToString(o.Fingerprint), optional(o.Pinned), o.Devices, viewConnection(o.Connection)}
	if v.Devices == nil {
		v.Devices = []string{}
	}
	return v
}

// fingerprint writes one in groups, so that people can compare it.
func fingerprint(b []byte) string {
	s := hex.EncodeToString(b)
	var groups []string
	for len(s) > 4 {
		groups, s = append(groups, s[:4]), s[4:]
	}
	return strings.Join(append(groups, s), " ")
}

func (p *Program) orgList() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the organisations whose root keys are pinned, and how they are connected",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.withAny(cmd.Context(), func(c *client.Client) error { return p.runOrgList(cmd.Context(), c) })
		},
	}
}

func (p *Program) runOrgList(ctx context.Context, c *client.Client) error {
	all, err := c.ListOrganizations(ctx)
	if err != nil {
		return err
	}
	views := []orgView{}
	for _, o := range all {
		views = append(views, viewOrg(o))
	}
	return p.emit(map[string]any{"organizations": views}, func(w io.Writer) {
		t := newTable(w, "ORGANISATION", "SERVER", "DEVICES", "CONNECTION", "ROOT KEY")
		for i, v := range views {
			t.row(v.Organization, v.Server, fmt.Sprint(len(v.Devices)), v.Connection.State, fingerprint(all[i].Fingerprint[:min(8, len(all[i].Fingerprint))])+" …")
		}
		t.flush()
	})
}

func (p *Program) orgAcceptRollback(d *deviceChoice) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "accept-rollback",
		Short: "Go on with a server that lost what it gave before",
		Long: `Go on with a server that lost certificates which it gave before, as one that was restored from
a backup. It looks the same when a server hides something, such as that somebody was
revoked: ask whoever runs it first. That you accepted it is recorded.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := p.consent(cmd.Context(), yes, "Forget what the server does not have any more, and go on with what it says?"); err != nil {
				return err
			}
			return p.withAny(cmd.Context(), func(c *client.Client) error {
				now, err := c.AcceptRollback(cmd.Context(), d.text)
				if err != nil {
					return err
				}
				p.say("the rollback is accepted; the connection is %s", now.State)
				return p.emitJSON(map[string]any{"connection": viewConnection(now)})
			})
		},
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return cmd
}

func (p *Program) orgAcceptTerms(d *deviceChoice) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "accept-terms",
		Short: "Show the new terms of service of the server, and accept them",
		Long: `Show where the new terms of service of the server are to be read, one address for each
language, and accept them: the server lets nobody of the organisation in who has not. You are
asked after the addresses are shown. They are accepted for all your devices in the
organisation; terms that change meanwhile are not.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.withAny(cmd.Context(), func(c *client.Client) error { return p.runAcceptTerms(cmd.Context(), c, d.text, yes) })
		},
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return cmd
}

func (p *Program) runAcceptTerms(ctx context.Context, c *client.Client, device string, yes bool) error {
	s, err := c.OrgStatus(ctx, device, client.OrgOptions{})
	if err != nil {
		return err
	}
	now := s.Organization.Connection
	switch {
	case now.State == "must_accept_terms" && now.Terms == "":
		return advise(fmt.Errorf("the server of %q wants new terms of service to be accepted, and does not say which", s.Organization.Name), "repeat it when the server can be reached")
	case now.Terms == "":
		p.say("the server of %q waits for no terms to be accepted", s.Organization.Name)
		return p.emitJSON(map[string]any{"connection": viewConnection(now)})
	}
	for line := range strings.Lines(now.Terms) {
		p.say("%s", strings.TrimSpace(line))
	}
	if err := p.consent(ctx, yes, "Have you read these terms, and do you accept them?"); err != nil {
		return err
	}
	if now, err = c.AcceptTerms(ctx, device, now.TermsChanged); err != nil {
		return err
	}
	p.say("the terms are accepted; the connection is %s", now.State)
	return p.emitJSON(map[string]any{"connection": viewConnection(now)})
}

func (p *Program) orgForget() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "forget ORGANISATION",
		Short: "Give up the pin of an organisation's root key, and what is kept of it",
		Long: `Give up the pin of an organisation's root key, and the certificates that are kept of it.
Devices stay. Whatever root key is met next under that name is pinned anew: compare its
fingerprint with somebody's in the organisation.

ORGANISATION is its name, or HOST/NAME where several servers have one.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := p.consent(cmd.Context(), yes, "Give up the pinned root key of "+args[0]+"?"); err != nil {
				return err
			}
			return p.withAny(cmd.Context(), func(c *client.Client) error {
				o, err := c.ForgetOrganization(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				p.say("organisation %q on %s is forgotten; its root key had the fingerprint %s", o.Name, o.Server, fingerprint(o.Fingerprint))
				return p.emitJSON(map[string]any{"organization": viewOrg(o)})
			})
		},
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return cmd
}
