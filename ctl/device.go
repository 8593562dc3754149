package ctl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-73b3884f/parsec-agent/client"
	"github.com/seed-73b3884f/parsec-agent/ctl/internal/terminal"
)

// deviceChoice is the device that --device names; empty for the only one.
type deviceChoice struct{ text string }

func (p *Program) deviceGroup() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "device",
		Short: "Unlock, protect and move your devices of workspaces",
		Long: `Unlock, protect and move your devices: what makes this machine part of an organisation.

--device names one by its id or the first digits of it, its organisation, its label, both
as ORGANISATION/LABEL, your e-mail address, or the host of its server. It can be left out
where you have one device only.`,
	}
	var d deviceChoice
	cmd.PersistentFlags().StringVar(&d.text, "device", "", "the device, by `id, organisation or label`")
	cmd.AddCommand(p.deviceList(&d), p.deviceUnlock(&d), p.deviceLock(&d), p.deviceProtect(&d), p.deviceImport(), p.deviceExport(&d), p.deviceRecovery(&d), p.deviceInvite(&d))
	return cmd
}

// deviceView is an entry of JSON results about devices.
type deviceView struct {
	ID           string          `json:"id"`
	Organization string          `json:"organization"`
	Label        string          `json:"label"`
	Server       string          `json:"server"`
	User         string          `json:"user"`
	Email        string          `json:"email"`
	Name         string          `json:"name"`
	State        string          `json:"state"`
	Protection   protectionView  `json:"protection"`
	Pending      *protectionView `json:"pending,omitempty"`
	Created      time.Time       `json:"created"`
	Protected    time.Time       `json:"protected"`
	InPlace      bool            `json:"in_place,omitempty"`
}

type protectionView struct {
	Kind     string `json:"kind"`
	Code     bool   `json:"code,omitempty"`
	Provider string `json:"provider,omitempty"`
}

func viewDevice(d client.Device) deviceView {
	v := deviceView{
		ID: d.ID, Organization: d.Organization, Label: d.Label, Server: d.Server, User: d.User, Email: d.Email, Name: d.Name, State: d.State,
		Protection: protectionView(d.Protection), Created: d.Created.UTC(), Protected: d.Protected.UTC(), InPlace: d.InPlace,
	}
	if d.Pending != nil {
		pending := protectionView(*d.Pending)
		v.Pending = &pending
	}
	return v
}

// String describes a protection for people.
func (v protectionView) String() string {
	s := v.Kind
	if v.Provider != "" {
		s += " (" + v.Provider + ")"
	}
	if v.Code {
		s += " + code"
	}
	return s
}

func deviceName(d client.Device) string { return d.Organization + "/" + d.Label }

// shortID is as many digits of an id as a person wants to type.
func shortID(id string) string { return id[:min(len(id), 8)] }

func (p *Program) deviceList(choice *deviceChoice) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List your devices, how they are protected and whether they are unlocked",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.withAny(cmd.Context(), func(c *client.Client) error { return p.runDeviceList(cmd.Context(), c, choice.text) })
		},
	}
}

// damagedView is a file that cannot be read.
type damagedView struct {
	File   string `json:"file"`
	Reason string `json:"reason"`
}

func (p *Program) runDeviceList(ctx context.Context, c *client.Client, text string) error {
	found, damaged, err := c.ListDevices(ctx, text)
	if err != nil {
		return err
	}
	views, bad := []deviceView{}, []damagedView{}
	for _, d := range found {
		views = append(views, viewDevice(d))
	}
	for _, d := range damaged {
		bad = append(bad, damagedView(d))
	}
	return p.emit(map[string]any{"devices": views, "damaged": bad}, func(w io.Writer) {
		t := newTable(w, "ID", "ORGANISATION", "LABEL", "PERSON", "PROTECTION", "STATE")
		for _, v := range views {
			protection := v.Protection.String()
			if v.Pending != nil {
				protection += ", new: " + v.Pending.String()
			}
			t.row(shortID(v.ID), v.Organization, v.Label, v.Email, protection, v.State)
		}
		t.flush()
		for _, d := range bad {
			fmt.Fprintln(w, printable(d.File+": "+d.Reason))
		}
	})
}

// passwords says where a password comes from: the terminal, if nothing else is said.
type passwords struct {
	file string
	fd   int // below 0: not from a descriptor
}

func (s *passwords) flags(cmd *cobra.Command, what string) {
	s.fd = -1
	cmd.Flags().StringVar(&s.file, "password-file", "", "read the "+what+" from the first line of `FILE`")
	cmd.Flags().IntVar(&s.fd, "password-fd", -1, "read the "+what+" from file `descriptor` N")
}

func (s *passwords) given() bool { return s.file != "" || s.fd >= 0 }

// password returns what a person types; fresh asks for a new one, twice.
func (p *Program) password(ctx context.Context, from passwords, prompt string, fresh bool) ([]byte, error) {
	var secret []byte
	var err error
	switch {
	case from.file != "" && from.fd >= 0:
		return nil, usagef("--password-file and --password-fd exclude each other")
	case from.given():
		secret, err = p.firstLine(from.file, from.fd)
	default:
		secret, err = terminal.Passphrase(ctx, printable(prompt), fresh)
	}
	if err != nil {
		return nil, noTerminal(err, "the password", "--password-file or --password-fd")
	}
	if len(secret) == 0 {
		return nil, usagef("the password is empty")
	}
	return secret, nil
}

// the finds the one device that a text means, before anybody is asked for a password.
func (p *Program) the(ctx context.Context, c *client.Client, text string) (client.Device, error) {
	found, _, err := c.ListDevices(ctx, text)
	switch {
	case err != nil:
		return client.Device{}, err
	case len(found) == 1:
		return found[0], nil
	case len(found) == 0:
		return client.Device{}, advise(errors.New("you have no device here"), "parsecctl device import FILE takes one of the original client")
	}
	var names []string
	for _, d := range found {
		names = append(names, shortID(d.ID)+" ("+deviceName(d)+")")
	}
	return client.Device{}, usagef("%d devices fit, name one with --device: %s", len(found), strings.Join(names, ", "))
}
