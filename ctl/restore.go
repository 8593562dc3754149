package ctl

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/seed-73b3884f/parsec-agent/client"
	"github.com/seed-73b3884f/parsec-agent/ctl/internal/terminal"
)

// restoreResult is the JSON result of restore.
type restoreResult struct {
	Done   bool `json:"done"`
	DryRun bool `json:"dry_run"`
	batch
}

func (p *Program) restore() *cobra.Command {
	var from secrets
	var r client.RestoreRequest
	cmd := &cobra.Command{
		Use:   "restore FILE",
		Short: "Put the keys of an archive back (administrators)",
		Long: `Put the keys and names of an archive back. Nothing is done if one of the names is
taken, unless --skip-existing leaves those as they are. "-" reads standard input.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := from.apart(args[0]); err != nil {
				return err
			}
			archive, size, err := p.open(args[0])
			if err != nil {
				return err
			}
			defer archive.Close()
			if r.Passphrase, err = from.ask(cmd.Context(), "Passphrase of the archive", false); err != nil {
				return err
			}
			defer clear(r.Passphrase)
			return p.with(cmd.Context(), func(c *client.Client) error { return p.runRestore(cmd.Context(), c, r, archive, size) })
		},
	}
	cmd.Flags().BoolVar(&r.SkipExisting, "skip-existing", false, "leave names that are taken as they are")
	cmd.Flags().BoolVar(&r.DryRun, "dry-run", false, "check the archive and the names, change nothing")
	passphraseFlag(cmd, &from)
	return cmd
}

func (p *Program) runRestore(ctx context.Context, c *client.Client, r client.RestoreRequest, archive io.Reader, size uint64) error {
	sent := terminal.NewProgress(p.Err, p.global.quiet, "sending", size, true)
	keys := terminal.NewProgress(p.Err, p.global.quiet, "restoring", 0, false)
	defer keys.Finish()
	defer sent.Finish()
	result := restoreResult{DryRun: r.DryRun, batch: newBatch()}
	err := c.Restore(ctx, r, io.TeeReader(archive, sent), func(now client.Progress) {
		keys.Set(now.Done, now.Total)
		result.count(now)
	})
	if err != nil {
		return err
	}
	keys.Finish()
	verb := "restored"
	if r.DryRun {
		verb = "can be restored"
	}
	result.Done = len(result.Problems) == 0
	return p.finishBatch(result.batch, verb, result)
}
