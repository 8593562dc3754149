package command

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/seed-73b3884f/parsec-agent/server/internal/backup"
	"github.com/seed-73b3884f/parsec-agent/server/internal/secrets"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
)

func (p *Program) restore() *cobra.Command {
	o := backupOptions{}
	cmd := &cobra.Command{
		Use:   "restore DIRECTORY | FILE",
		Short: "Put a backup into an empty place",
		Long: `Reads a backup whole, then puts it into a database that nothing was ever in, of either kind, and its blocks into the
block store. The key file that belongs to the backup must be there. Nothing is to be served meanwhile.

For a backup without blocks the block store must have what it names.`,
		Args: onePath,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := settle(cmd.Flags(), p.Getenv); err != nil {
				return err
			}
			return p.restoreBackup(cmd.Context(), &o, args[0])
		},
	}
	o.storage(cmd.Flags())
	cmd.Flags().BoolVar(&o.withoutBlocks, "without-blocks", false, "do not ask whether the block store has the blocks that a backup without blocks names")
	cmd.Flags().BoolVar(&o.dry, "dry-run", false, "only read the backup, and say whether it is whole")
	return cmd
}

func (p *Program) restoreBackup(ctx context.Context, o *backupOptions, path string) error {
	if o.dry {
		_, err := p.readBackup(ctx, path)
		return err
	}
	log, err := p.locate(&o.runOptions)
	if err != nil {
		return err
	}
	open, err := o.blockStore(log, false)
	if err != nil {
		return err
	}
	key, err := secrets.OpenFile(o.keyFile)
	if err != nil {
		return err
	}
	b, err := p.readBackup(ctx, path)
	if err != nil {
		return err
	}
	err = backup.Restore(ctx, b, backup.Target{
		Open: func(ctx context.Context, upTo int64) (*store.Store, error) {
			return store.Open(ctx, store.Options{URL: o.db, MaxConnections: o.connections, UpTo: upTo, Log: log})
		},
		Blocks: open, Agreement: key.Agreement(), WithoutBlocks: o.withoutBlocks, Progress: reporter(p.Err, "restoring"),
	})
	if err == nil {
		_, err = fmt.Fprintln(p.Out, "It is restored: the server can be started.")
	}
	return err
}

// readBackup reads a backup whole, and says what it is.
func (p *Program) readBackup(ctx context.Context, path string) (*backup.Backup, error) {
	b, err := backup.Verify(ctx, path, reporter(p.Err, "reading"))
	if err == nil {
		_, err = fmt.Fprintf(p.Out, "The backup of %s by %s, schema version %d, is whole: %s.\n", b.CreatedOn, b.Program, b.Schema, progress(b.Done))
	}
	return b, err
}
