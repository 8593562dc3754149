package ctl

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/seed-73b3884f/parsec-agent/client"
	"github.com/seed-73b3884f/parsec-agent/ctl/internal/outfile"
	"github.com/seed-73b3884f/parsec-agent/ctl/internal/terminal"
)

func (p *Program) backup() *cobra.Command {
	var to sink
	var from secrets
	cmd := &cobra.Command{
		Use:   "backup FILE",
		Short: "Write all keys and names to an archive, encrypted to a passphrase (administrators)",
		Long: `Write all keys that providers can give away, and all names, to an archive that is
encrypted to a passphrase. The agent goes on serving; the archive is consistent.
"-" writes to standard output.

The archive with its passphrase is as good as the keys themselves.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			to.path = args[0]
			if to.stdout() && terminal.Is(p.Out) {
				return usagef("an archive is not for a terminal: name a file")
			}
			secret, err := from.ask(cmd.Context(), "Passphrase for the archive", true)
			if err != nil {
				return err
			}
			defer clear(secret)
			return p.with(cmd.Context(), func(c *client.Client) error { return p.runBackup(cmd.Context(), c, secret, to) })
		},
	}
	cmd.Flags().BoolVar(&to.force, "force", false, "replace an existing file")
	passphraseFlag(cmd, &from)
	return cmd
}

// passphraseFlag adds --passphrase-fd.
func passphraseFlag(cmd *cobra.Command, from *secrets) {
	cmd.Flags().IntVar(&from.fd, "passphrase-fd", -1, "read the passphrase from file `descriptor` N instead of the terminal")
}

func (p *Program) runBackup(ctx context.Context, c *client.Client, secret []byte, to sink) error {
	bar := terminal.NewProgress(p.Err, p.global.quiet, "backup", 0, true)
	defer bar.Finish()
	if to.stdout() {
		return c.Backup(ctx, secret, io.MultiWriter(p.Out, bar))
	}
	f, err := outfile.Create(to.path, outfile.Options{Secret: true, Force: to.force})
	if err != nil {
		return err
	}
	defer f.Discard()
	if err := c.Backup(ctx, secret, io.MultiWriter(f, bar)); err != nil {
		return err
	}
	if err := f.Commit(); err != nil {
		return err
	}
	bar.Finish()
	return p.confirm("", "the keys are in %s", to.path)
}
