package command

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/seed-73b3884f/parsec-agent/server/internal/backup"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
)

// backupOptions are those of backup and restore.
type backupOptions struct {
	runOptions

	withoutBlocks, tolerateLost, dry bool
}

func (p *Program) backup() *cobra.Command {
	o := backupOptions{}
	cmd := &cobra.Command{
		Use:   "backup DIRECTORY | backup --without-blocks FILE",
		Short: "Copy everything that the server has, while it runs",
		Long: `Copies all organisations, as the database has them at one moment, and their blocks into a new directory; the server
may run meanwhile. A backup that was interrupted goes on when it is started again with the same directory.

The key of the server is not part of it: keep a copy of the key file in another place, once, for a backup is of no use
without it. What is sealed under that key stays sealed; beyond that a backup shows what the database shows.`,
		Args: onePath,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := settle(cmd.Flags(), p.Getenv); err != nil {
				return err
			}
			return p.takeBackup(cmd.Context(), &o, args[0])
		},
	}
	o.storage(cmd.Flags())
	cmd.Flags().BoolVar(&o.withoutBlocks, "without-blocks", false, "leave blocks out, and write one file: for block stores that have copies of their own")
	cmd.Flags().BoolVar(&o.tolerateLost, "tolerate-lost-blocks", false, "note blocks that the block store lost, instead of failing")
	return cmd
}

// onePath wants one argument.
func onePath(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usagef("%s takes one path: see %s --help", cmd.CommandPath(), cmd.CommandPath())
	}
	return nil
}

func (p *Program) takeBackup(ctx context.Context, o *backupOptions, path string) (err error) {
	log, err := p.locate(&o.runOptions)
	if err != nil {
		return err
	}
	open, err := o.blockStore(log, true)
	if err != nil {
		return err
	}
	s, err := store.OpenToRead(ctx, store.Options{URL: o.db, MaxConnections: o.connections, Log: log})
	if err != nil {
		return err
	}
	defer func() { err = closeAll(err, s) }()
	options := backup.Options{Path: path, TolerateLost: o.tolerateLost, Program: "parsec-server " + p.Version, Progress: reporter(p.Err, "backup")}
	if !o.withoutBlocks {
		if options.Blocks, err = open(ctx, s.Pool()); err != nil {
			return err
		}
		defer func() { err = closeAll(err, options.Blocks) }()
	}
	done, err := backup.Take(ctx, s, options)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.Out, "The backup is whole: %s.\nIt is of no use without a copy of the key in %s.\n", progress(done), o.keyFile)
	return err
}
