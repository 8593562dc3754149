package ctl

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/seed-73b3884f/parsec-agent/client"
)

// protectDeviceOptions are the options of device protect.
type protectDeviceOptions struct {
	password        bool
	certificate     string
	withCode        bool
	confirm, revert bool
	from            passwords
	code            string
}

func (p *Program) deviceProtect(choice *deviceChoice) *cobra.Command {
	var o protectDeviceOptions
	cmd := &cobra.Command{
		Use:   "protect",
		Short: "Change how a device is protected, confirm a change or take it back",
		Long: `Change how an unlocked device is protected:

  --password                   by a password, asked for twice
  --provider NAME              by a key that the TPM or token of that provider makes: the
                               file is of no use on another machine
  --password --provider NAME   by both
  --certificate KEY            by a certificate beside a key of yours, such as on a card
                               (see key adopt)

With --with-code the server of the device keeps a further key, which it gives against a
one-time code only: codes must be set up there, and the device does not open offline.

Both protections open the device until the new one has done so once: with "device unlock",
or with --confirm, which asks for the new password. Then the old one ends. Until then
--revert takes the change back. A device that only a TPM or token can open is lost with it:
make a recovery file first (device recovery).`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.check(p.global.provider); err != nil {
				return err
			}
			return p.withAny(cmd.Context(), func(c *client.Client) error { return p.runDeviceProtect(cmd.Context(), c, choice.text, o) })
		},
	}
	cmd.Flags().BoolVar(&o.password, "password", false, "protect it by a new password")
	cmd.Flags().StringVar(&o.certificate, "certificate", "", "protect it by the certificate beside your `KEY`")
	cmd.Flags().BoolVar(&o.withCode, "with-code", false, "have the device's server want a one-time code too")
	cmd.Flags().BoolVar(&o.confirm, "confirm", false, "open the device by its new protection, which ends the old one")
	cmd.Flags().BoolVar(&o.revert, "revert", false, "take the change back")
	cmd.Flags().StringVar(&o.code, "code", "", "with --confirm: the one-time `code`, for devices that want one")
	o.from.flags(cmd, "new password")
	return cmd
}

func (o *protectDeviceOptions) check(provider string) error {
	change := o.password || provider != "" || o.certificate != ""
	switch {
	case o.confirm && o.revert, change && (o.confirm || o.revert):
		return usagef("a change, --confirm and --revert exclude each other")
	case o.certificate != "" && (o.password || provider != ""):
		return usagef("--certificate does not go together with --password or --provider")
	case !change && !o.confirm && !o.revert:
		return usagef("say how to protect the device: --password, --provider NAME, both, or --certificate KEY")
	case o.withCode && !change:
		return usagef("--with-code is for a change")
	case o.from.given() && !o.password && !o.confirm:
		return usagef("no password is asked for: give --password too")
	}
	return nil
}

func (p *Program) runDeviceProtect(ctx context.Context, c *client.Client, text string, o protectDeviceOptions) error {
	d, err := p.the(ctx, c, text)
	if err != nil {
		return err
	}
	var out client.Device
	said := "device %q: both protections open it until it was unlocked by the new one; --revert takes that back"
	switch {
	case o.revert:
		out, err = c.RevertProtection(ctx, d.ID)
		said = "device %q is protected as before"
	case o.confirm:
		out, err = p.confirmProtection(ctx, c, d, o)
		said = "device %q is protected anew; the old protection has ended"
	default:
		out, err = p.changeProtection(ctx, c, d, o)
	}
	if err != nil {
		return err
	}
	p.say(said, deviceName(out))
	return p.emitJSON(map[string]any{"device": viewDevice(out)})
}

func (p *Program) changeProtection(ctx context.Context, c *client.Client, d client.Device, o protectDeviceOptions) (client.Device, error) {
	to := client.NewProtection{Provider: p.global.provider, CertificateKey: o.certificate, Code: o.withCode}
	if o.password {
		var err error
		if to.Password, err = p.password(ctx, o.from, "New password of "+deviceName(d), true); err != nil {
			return d, err
		}
		defer clear(to.Password)
	}
	return c.ProtectDevice(ctx, d.ID, to)
}

func (p *Program) confirmProtection(ctx context.Context, c *client.Client, d client.Device, o protectDeviceOptions) (client.Device, error) {
	with := client.DeviceSecret{Code: o.code}
	if d.Pending != nil && d.Pending.NeedsPassword() {
		var err error
		if with.Password, err = p.password(ctx, o.from, "New password of "+deviceName(d), false); err != nil {
			return d, err
		}
		defer clear(with.Password)
	}
	return c.ConfirmProtection(ctx, d.ID, with)
}
