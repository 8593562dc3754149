package command

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
)

func (p *Program) migrate() *cobra.Command {
	o, dry := runOptions{}, false
	cmd := &cobra.Command{
		Use:   "migrate",
		Short: "Bring the database to the version of this program",
		Long: `Brings the tables of the database to the version that this program needs, as run does when it starts, unless
it has --explicit-migrations. A database with the tables of another program, or of a newer version, is refused.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := settle(cmd.Flags(), p.Getenv); err != nil {
				return err
			}
			return p.bringUp(cmd.Context(), &o, dry)
		},
	}
	o.storage(cmd.Flags())
	cmd.Flags().BoolVar(&dry, "dry-run", false, "only say what would be done")
	return cmd
}

func (p *Program) bringUp(ctx context.Context, o *runOptions, dry bool) error {
	log, err := p.locate(o)
	if err != nil {
		return err
	}
	options := store.Options{URL: o.db, MaxConnections: o.connections, Log: log}
	version, names, err := store.Pending(ctx, options)
	if err != nil {
		return err
	}
	if len(names) == 0 {
		_, err := fmt.Fprintf(p.Out, "The database has version %d, which is the newest.\n", version)
		return err
	}
	if _, err := fmt.Fprintf(p.Out, "The database has version %d.\n", version); err != nil {
		return err
	}
	if !dry {
		s, err := store.Open(ctx, options)
		if err == nil {
			err = s.Close()
		}
		if err != nil {
			return err
		}
	}
	word := "applied"
	if dry {
		word = "pending"
	}
	errs := []error{}
	for _, name := range names {
		_, err := fmt.Fprintf(p.Out, "%s: %s\n", word, name)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
