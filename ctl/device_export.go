package ctl

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/seed-73b3884f/parsec-agent/client"
	"github.com/seed-73b3884f/parsec-agent/ctl/internal/outfile"
	"github.com/seed-73b3884f/parsec-agent/ctl/internal/terminal"
)

func (p *Program) deviceExport(choice *deviceChoice) *cobra.Command {
	var from passwords
	var undo bool
	cmd := &cobra.Command{
		Use:   "export FILE",
		Short: "Give an unlocked device to the original client",
		Long: `Give an unlocked device to the original client: FILE is written in its form, under a new
password, and belongs into ~/.config/parsec3/libparsec/devices with a name that ends in
.keys. The agent does not use the device any more, for no two programs may run one.

--undo takes the device back, if no program uses the file.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if undo != (len(args) == 0) {
				return usagef("name the file to write, or give --undo")
			}
			return p.withAny(cmd.Context(), func(c *client.Client) error {
				if undo {
					return p.runUndoExport(cmd.Context(), c, choice.text)
				}
				return p.runDeviceExport(cmd.Context(), c, choice.text, args[0], from)
			})
		},
	}
	cmd.Flags().BoolVar(&undo, "undo", false, "take the device back")
	from.flags(cmd, "new password")
	return cmd
}

func (p *Program) runDeviceExport(ctx context.Context, c *client.Client, text, path string, from passwords) error {
	d, err := p.the(ctx, c, text)
	if err != nil {
		return err
	}
	// The file first: what cannot be written must not cost the device.
	f, err := outfile.Create(path, outfile.Options{Secret: true})
	if err != nil {
		return err
	}
	defer f.Discard()
	password, err := p.password(ctx, from, "New password of "+deviceName(d), true)
	if err != nil {
		return err
	}
	defer clear(password)
	out, content, err := c.ExportDevice(ctx, d.ID, password)
	if err != nil {
		return err
	}
	if _, err = f.Write(content); err == nil {
		err = f.Commit()
	}
	if err != nil {
		_, undone := c.UndoExport(context.WithoutCancel(ctx), d.ID)
		return errors.Join(fmt.Errorf("the device stays here: %w", err), undone)
	}
	p.say("device %q is in %s, and not used here any more", deviceName(out), path)
	return p.emitJSON(map[string]any{"device": viewDevice(out), "file": path})
}

func (p *Program) runUndoExport(ctx context.Context, c *client.Client, text string) error {
	d, err := p.the(ctx, c, text)
	if err != nil {
		return err
	}
	out, err := c.UndoExport(ctx, d.ID)
	if err != nil {
		return err
	}
	p.say("device %q is used here again", deviceName(out))
	return p.emitJSON(map[string]any{"device": viewDevice(out)})
}

// recoveryOptions are the options of device recovery.
type recoveryOptions struct {
	out          string
	yes, offline bool
}

func (p *Program) deviceRecovery(choice *deviceChoice) *cobra.Command {
	var o recoveryOptions
	cmd := &cobra.Command{
		Use:   "recovery FILE",
		Short: "Write a recovery file for you, with an unlocked device",
		Long: `Write a recovery file, with which a new device can be enrolled ("recovery claim --file", or the
original client) where this machine or its TPM is lost. Its passphrase is shown once: write it
down, and keep it apart from the file. You are asked for parts of it before the file is
written. Only your revocation makes the file useless.

The file has a device of its own, which the organisation sees; --offline puts the keys of
this device into it instead, for which no server is needed.

Without a person, --passphrase-out writes the passphrase to a file, and --yes goes on at
once.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.yes && o.out == "" {
				return usagef("--yes needs --passphrase-out FILE: without its passphrase the recovery file is of no use")
			}
			return p.withAny(cmd.Context(), func(c *client.Client) error { return p.runDeviceRecovery(cmd.Context(), c, choice.text, args[0], o) })
		},
	}
	cmd.Flags().StringVar(&o.out, "passphrase-out", "", "write the passphrase to a new `FILE` of mode 0600 as well")
	cmd.Flags().BoolVarP(&o.yes, "yes", "y", false, "do not ask for parts of the passphrase")
	cmd.Flags().BoolVar(&o.offline, "offline", false, "put the keys of this device into the file")
	return cmd
}

func (p *Program) runDeviceRecovery(ctx context.Context, c *client.Client, text, path string, o recoveryOptions) error {
	d, err := p.the(ctx, c, text)
	if err != nil {
		return err
	}
	_, made, err := c.DeviceRecovery(ctx, d.ID, o.offline)
	if err != nil {
		return err
	}
	defer clear(made.Passphrase)
	if o.out != "" {
		line := append(append(make([]byte, 0, len(made.Passphrase)+1), made.Passphrase...), '\n')
		defer clear(line)
		if err := outfile.Write(o.out, line, outfile.Options{Secret: true}); err != nil {
			return err
		}
	}
	if !o.yes {
		const introduction = "This is the passphrase of the recovery file. Write it down and keep it apart from the file."
		if err := terminal.Copied(ctx, introduction, made.Passphrase); err != nil {
			return advise(fmt.Errorf("nothing was written: %w", err), "repeat the command, or give --yes and --passphrase-out FILE")
		}
	}
	if err := outfile.Write(path, made.File, outfile.Options{Secret: true}); err != nil {
		return err
	}
	p.say("the recovery file of device %q is %s", deviceName(d), path)
	return p.emitJSON(map[string]any{"device": viewDevice(d), "file": path})
}
