package ctl

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-73b3884f/parsec-agent/client"
)

func (p *Program) recoveryGroup() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "recovery",
		Short: "Let people you trust bring you back, and come back",
		Long: `Let people you trust bring you back when you have lost all your devices: you deal shares to
them, and any who have enough of them together let you in again, each after a call. Nobody
who has fewer learns anything.

"device recovery" writes a recovery file instead, which is enough by itself.`,
	}
	d := deviceFlag(cmd)
	cmd.AddCommand(p.recoverySetup(d), p.recoveryStatus(d), p.recoveryDelete(d), p.recoveryInvite(d), p.recoveryClaim())
	return cmd
}

type holderView struct {
	User    string `json:"user"`
	Email   string `json:"email,omitempty"`
	Name    string `json:"name,omitempty"`
	Shares  int    `json:"shares"`
	Revoked bool   `json:"revoked,omitempty"`
}

// recoveryView is the JSON form of a shared recovery.
type recoveryView struct {
	User      string       `json:"user"`
	Email     string       `json:"email,omitempty"`
	Name      string       `json:"name,omitempty"`
	Own       bool         `json:"own"`
	State     string       `json:"state"`
	Threshold int          `json:"threshold"`
	Created   time.Time    `json:"created"`
	Deleted   *time.Time   `json:"deleted,omitempty"`
	Holders   []holderView `json:"holders"`
}

func viewRecovery(r client.SharedRecovery) recoveryView {
	v := recoveryView{
		User: r.User, Email: r.Email, Name: r.Name, Own: r.Own, State: r.State, Threshold: r.Threshold, Created: r.Created.UTC(), Deleted: optional(r.Deleted),
		Holders: []holderView{},
	}
	for _, h := range r.Holders {
		v.Holders = append(v.Holders, holderView(h))
	}
	return v
}

// recoveryStates say what the states mean.
var recoveryStates = map[string]string{
	"valid":    "all who hold shares are members",
	"reduced":  "some who hold shares are revoked; the others suffice",
	"unusable": "too few are left who hold shares: delete it and set it up anew",
	"deleted":  "deleted",
}

func (v *recoveryView) write(w io.Writer) {
	whose := "Your recovery"
	if !v.Own {
		whose = "The recovery of " + v.Email + ", of which you hold shares"
	}
	fmt.Fprintln(w, printable(fmt.Sprintf("%s: %s. It takes %s of:", whose, recoveryStates[v.State], counted(v.Threshold, "share"))))
	t := newTable(w, "E-MAIL", "NAME", "SHARES", "STATE")
	for _, h := range v.Holders {
		state := "-"
		if h.Revoked {
			state = "revoked"
		}
		t.row(orDash(h.Email), orDash(h.Name), strconv.Itoa(h.Shares), state)
	}
	t.flush()
}

func (p *Program) emitRecovery(r client.SharedRecovery) error {
	v := viewRecovery(r)
	return p.emit(map[string]any{"recovery": v}, v.write)
}

func (p *Program) recoverySetup(d *deviceChoice) *cobra.Command {
	var threshold int
	cmd := &cobra.Command{
		Use:   "setup --threshold N USER[=SHARES]...",
		Short: "Deal shares of your recovery",
		Long: `Deal shares of your recovery to members of the organisation, one to each or as many as you
say, 255 at most. Any of them who have N together let you in again, so choose N such that it
still works when somebody has left, and that you trust any N of them.

USER is an e-mail address, an id or the first digits of one. What was set up before is
deleted first: "recovery delete".`,
		Example: "  parsecctl recovery setup --threshold 2 bob@example.com carol@example.com dave@example.com",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			holders, err := readHolders(args)
			if err != nil {
				return err
			}
			if threshold < 1 || threshold > 255 {
				return usagef("say how many shares are to be enough: --threshold 1 to 255")
			}
			return p.withAny(cmd.Context(), func(c *client.Client) error {
				r, err := c.SetUpRecovery(cmd.Context(), d.text, threshold, holders)
				if err != nil {
					return err
				}
				return p.emitRecovery(r)
			})
		},
	}
	cmd.Flags().IntVarP(&threshold, "threshold", "t", 0, "how many shares bring you back")
	return cmd
}

// readHolders reads USER or USER=SHARES.
func readHolders(args []string) ([]client.Holder, error) {
	all := make([]client.Holder, 0, len(args))
	for _, arg := range args {
		user, number, given := strings.Cut(arg, "=")
		h := client.Holder{User: user, Shares: 1}
		if given {
			n, err := strconv.ParseUint(number, 10, 8)
			if err != nil || n == 0 {
				return nil, usagef("%q: the number of shares is 1 to 255", arg)
			}
			h.Shares = int(n)
		}
		if user == "" {
			return nil, usagef("%q names nobody", arg)
		}
		all = append(all, h)
	}
	return all, nil
}

func (p *Program) recoveryStatus(d *deviceChoice) *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Show your recovery, and those of which you hold shares",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.withAny(cmd.Context(), func(c *client.Client) error { return p.runRecoveryStatus(cmd.Context(), c, d.text) })
		},
	}
}

func (p *Program) runRecoveryStatus(ctx context.Context, c *client.Client, device string) error {
	all, err := c.ListRecoveries(ctx, device)
	if err != nil {
		return err
	}
	views := []recoveryView{}
	for _, r := range all {
		views = append(views, viewRecovery(r))
	}
	return p.emit(map[string]any{"recoveries": views}, func(w io.Writer) {
		if len(views) == 0 {
			fmt.Fprintln(w, "No recovery is set up, and you hold no share of another one.")
		}
		for i := range views {
			views[i].write(w)
		}
	})
}

func (p *Program) recoveryDelete(d *deviceChoice) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "delete",
		Short: "Make the shares of your recovery useless",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.withAny(cmd.Context(), func(c *client.Client) error {
				if err := p.sure(cmd.Context(), yes, "Make all shares of your recovery useless?"); err != nil {
					return err
				}
				r, err := c.DeleteRecovery(cmd.Context(), d.text)
				if err != nil {
					return err
				}
				p.say("the shares of your recovery are useless now")
				return p.emitJSON(map[string]any{"recovery": viewRecovery(r)})
			})
		},
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return cmd
}

func (p *Program) recoveryInvite(d *deviceChoice) *cobra.Command {
	var o inviteOptions
	cmd := &cobra.Command{
		Use:   "invite USER",
		Short: "Invite somebody back, of whose recovery you hold shares",
		Long: `Invite somebody back who has lost all devices and of whose recovery you hold shares, and print
the link for them. Then everybody whose shares are needed runs "invite greet TOKEN", one
after the other, on the phone with who runs "recovery claim LINK".`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.withAny(cmd.Context(), func(c *client.Client) error {
				return p.runInvite(cmd.Context(), c, d.text, client.InvitationRequest{RecoveryOf: args[0], SendMail: o.mail}, o)
			})
		},
	}
	o.flags(cmd)
	return cmd
}

func (p *Program) recoveryClaim() *cobra.Command {
	var a answers
	var file string
	var opens passwords
	cmd := &cobra.Command{
		Use:   "claim LINK | --file FILE",
		Short: "Come back after all devices were lost",
		Long: `Come back after all devices were lost: with the link of somebody who holds shares of your
recovery, or with a recovery file and its passphrase. This machine becomes a new device of
yours.

With a link you talk to one holder after the other, and are told what to say and what to
listen for. What they handed over is kept: repeat the command where it was interrupted.

The passphrase of a recovery file is asked for, or read from --passphrase-file or
--passphrase-fd; a password of the new device comes from --password-file or --password-fd,
a TPM or token is named by --provider.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if (file != "") == (len(args) == 1) {
				return usagef("name the link, or --file FILE")
			}
			return p.withAny(cmd.Context(), func(c *client.Client) error {
				w, already, err := p.beginRecovery(cmd.Context(), c, one(args), file, opens, &a)
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
	cmd.Flags().StringVar(&file, "file", "", "a recovery `FILE`")
	cmd.Flags().StringVar(&opens.file, "passphrase-file", "", "read the passphrase of the recovery file from the first line of `FILE`")
	cmd.Flags().IntVar(&opens.fd, "passphrase-fd", -1, "read it from file `descriptor` N")
	a.flags(cmd)
	a.detailFlags(cmd, false)
	a.protectionFlags(cmd)
	return cmd
}

func (p *Program) beginRecovery(ctx context.Context, c *client.Client, link, file string, opens passwords, a *answers) (client.Work, bool, error) {
	if file == "" {
		address, err := p.address(link)
		if err != nil {
			return client.Work{}, false, err
		}
		return c.BeginClaim(ctx, address, a.withLabel())
	}
	content, err := p.read(file, maxDeviceFile)
	if err != nil {
		return client.Work{}, false, err
	}
	passphrase, err := p.password(ctx, opens, "Passphrase of the recovery file", false)
	if err != nil {
		return client.Work{}, false, err
	}
	defer clear(passphrase)
	return c.BeginRestore(ctx, content, passphrase, a.withLabel())
}
