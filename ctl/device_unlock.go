package ctl

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/seed-73b3884f/parsec-agent/client"
)

// deviceUnlockOptions are the options of device unlock.
type deviceUnlockOptions struct {
	from passwords
	code string
}

func (p *Program) deviceUnlock(choice *deviceChoice) *cobra.Command {
	var o deviceUnlockOptions
	cmd := &cobra.Command{
		Use:   "unlock",
		Short: "Unlock a device, which the agent keeps until it is locked",
		Long: `Unlock a device. The agent keeps its secrets, in locked memory only, until "device lock",
the end of the agent, or the idle limit of its configuration.

The password, if the device has one, is asked for on the terminal, or read from the first
line of a file ("-" is standard input) or from a descriptor. After three wrong ones each
further one has to wait longer. A device whose protection was changed is opened by its new
protection if that fits: the old one ends then.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.withAny(cmd.Context(), func(c *client.Client) error { return p.runDeviceUnlock(cmd.Context(), c, choice.text, o) })
		},
	}
	o.from.flags(cmd, "password")
	cmd.Flags().StringVar(&o.code, "code", "", "the one-time `code`, for devices that want one")
	return cmd
}

// unlockedView is the JSON result of device unlock.
type unlockedView struct {
	Device  deviceView `json:"device"`
	Already bool       `json:"already,omitempty"`
}

func (p *Program) runDeviceUnlock(ctx context.Context, c *client.Client, text string, o deviceUnlockOptions) error {
	d, err := p.the(ctx, c, text)
	if err != nil {
		return err
	}
	with := client.DeviceSecret{Code: o.code}
	if d.State != "unlocked" && (d.Protection.NeedsPassword() || d.Pending != nil && d.Pending.NeedsPassword()) {
		if with.Password, err = p.password(ctx, o.from, "Password of "+deviceName(d), false); err != nil {
			return err
		}
		defer clear(with.Password)
	}
	out, already, err := c.UnlockDevice(ctx, d.ID, with)
	if err != nil {
		return err
	}
	switch {
	case already:
		p.say("device %q was unlocked before; nothing was looked at", deviceName(out))
	case d.Pending != nil && out.Pending == nil:
		p.say("device %q is unlocked by its new protection; the old one has ended", deviceName(out))
	default:
		p.say("device %q is unlocked", deviceName(out))
	}
	return p.emitJSON(unlockedView{viewDevice(out), already})
}

// emitJSON prints a result that people have been told already.
func (p *Program) emitJSON(v any) error { return p.emit(v, func(io.Writer) {}) }

func (p *Program) deviceLock(choice *deviceChoice) *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:   "lock",
		Short: "Wipe the secrets of a device from the agent's memory",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if all && choice.text != "" {
				return usagef("--all and --device exclude each other")
			}
			return p.withAny(cmd.Context(), func(c *client.Client) error { return p.runDeviceLock(cmd.Context(), c, choice.text, all) })
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "lock all of your devices")
	return cmd
}

func (p *Program) runDeviceLock(ctx context.Context, c *client.Client, text string, all bool) error {
	n := 0
	if all {
		var err error
		if n, err = c.LockAllDevices(ctx); err != nil {
			return err
		}
		p.say("%d devices were unlocked, none is now", n)
		return p.emitJSON(map[string]int{"locked": n})
	}
	d, err := p.the(ctx, c, text)
	if err != nil {
		return err
	}
	was, err := c.LockDevice(ctx, d.ID)
	if err != nil {
		return err
	}
	if was {
		n = 1
	}
	p.say("device %q is locked", deviceName(d))
	return p.emitJSON(map[string]int{"locked": n})
}
