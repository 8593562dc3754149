package command

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-73b3884f/parsec-agent/server"
	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks/option"
	"github.com/seed-73b3884f/parsec-agent/server/internal/original"
	"github.com/seed-73b3884f/parsec-agent/server/internal/secrets"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
)

// importOptions are those of import.
type importOptions struct {
	runOptions

	from          string
	fromBlocks    []string
	organizations []string
	tolerateLost  bool
	dry           bool
}

func (p *Program) importing() *cobra.Command {
	o := importOptions{}
	cmd := &cobra.Command{
		Use:   "import",
		Short: "Import organisations of an original server",
		Long: `Imports organisations from the PostgreSQL database of an original server (Parsec 3.9.3) and its block store, both of
which are only read: certificates, vlobs, blocks, invitations, and all else that its clients rely on. What was written is
read again and compared. Stop the original server before: what it stores meanwhile makes the comparison fail.

An organisation is imported whole or not at all. After an interruption the same command goes on: organisations that are
here are left alone, blocks that were copied are only compared. Clients go on once the server's address, which does not
change for them, leads here.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := settle(cmd.Flags(), p.Getenv); err != nil {
				return err
			}
			return p.importAll(cmd.Context(), &o)
		},
	}
	f := cmd.Flags()
	o.storage(f)
	f.StringVar(&o.from, "from", "", "the `database` of the original server: postgresql://…; in the environment, PARSEC_FROM, nobody else sees its password")
	f.StringArrayVar(&o.fromBlocks, "from-blockstore", nil, "where the original server has blocks, in the `syntax` of its --blockstore")
	f.StringArrayVar(&o.organizations, "organization", nil, "an `organisation` to import; all if none is given")
	f.BoolVar(&o.tolerateLost, "tolerate-lost-blocks", false, "go on without blocks that the original's block store lost")
	f.BoolVar(&o.dry, "dry-run", false, "read everything, and write nothing")
	return cmd
}

func (p *Program) importAll(ctx context.Context, o *importOptions) (err error) {
	if o.from == "" || len(o.fromBlocks) == 0 {
		return usagef("--from and --from-blockstore say what to import")
	}
	fromBlocks, err := option.Parse(o.fromBlocks)
	if err != nil {
		return &usageError{err}
	}
	log, err := p.locate(&o.runOptions)
	if err != nil {
		return err
	}
	from, err := store.Connect(ctx, o.from)
	if err != nil {
		return fmt.Errorf("cannot open the database of the original server: %w", err)
	}
	defer from.Close()
	i := &original.Import{From: from, Organizations: o.organizations, TolerateLost: o.tolerateLost, DryRun: o.dry, Progress: importProgress(p.Err)}
	if i.FromBlocks, err = fromBlocks.Open(ctx, option.Resources{Pool: from, Log: log, Original: true}); err != nil {
		return err
	}
	defer func() { err = closeAll(err, i.FromBlocks) }()
	prepare := o.into
	if o.dry {
		prepare = o.beside
	}
	opened, err := prepare(ctx, i, log)
	defer func() { err = closeAll(err, opened...) }()
	if err != nil {
		return err
	}
	done, err := i.Run(ctx)
	for _, r := range done {
		_, _ = fmt.Fprintln(p.Out, imported(r, o.dry))
	}
	return err
}

// into opens what organisations are imported into.
func (o *importOptions) into(ctx context.Context, i *original.Import, log *slog.Logger) (opened []io.Closer, err error) {
	open, err := o.blockStore(log, false)
	if err != nil {
		return nil, err
	}
	if i.Secrets, err = secrets.LoadFile(o.keyFile); err != nil {
		return nil, err
	}
	if i.To, err = store.Open(ctx, store.Options{URL: o.db, MaxConnections: o.connections, Log: log}); err != nil {
		return nil, err
	}
	opened = append(opened, i.To)
	if err := server.Agree(ctx, i.To, i.Secrets); err != nil {
		return opened, err
	}
	if i.ToBlocks, err = open(ctx, i.To.Pool()); err != nil {
		return opened, err
	}
	return append([]io.Closer{i.ToBlocks}, opened...), nil
}

// beside opens what is there already, to look: a database that is not there, or waits for its migrations, has nothing that is in the way.
func (o *importOptions) beside(ctx context.Context, i *original.Import, log *slog.Logger) (opened []io.Closer, err error) {
	if i.Secrets, err = secrets.NewBox(make([]byte, secrets.KeySize)); err != nil { // what it protects is thrown away
		return nil, err
	}
	options := store.Options{URL: o.db, MaxConnections: o.connections, Log: log}
	if _, pending, err := store.Pending(ctx, options); err != nil || len(pending) > 0 {
		return nil, err
	}
	if i.To, err = store.OpenToRead(ctx, options); err != nil {
		return nil, err
	}
	return []io.Closer{i.To}, nil
}

func imported(r original.Report, dry bool) string {
	switch {
	case r.Here:
		return fmt.Sprintf("%s: is here already", r.Organization)
	case dry:
		return fmt.Sprintf("%s: %d rows and %d blocks, of which %d are lost, would be imported", r.Organization, r.Rows, r.Blocks, r.Lost)
	}
	return fmt.Sprintf("%s: %d rows and %d blocks, of which %d are lost, were imported and compared", r.Organization, r.Rows, r.Blocks, r.Lost)
}

// importProgress says how far an import is, now and then.
func importProgress(w io.Writer) func(original.Report) {
	last := time.Now()
	return func(r original.Report) {
		if time.Since(last) < reportPause {
			return
		}
		last = time.Now()
		_, _ = fmt.Fprintf(w, "%s: %d blocks, %d rows\n", r.Organization, r.Blocks, r.Rows)
	}
}
