package command

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks"
	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks/examine"
	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks/raid"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

func (p *Program) blocks() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "blocks",
		Short: "Examine and repair the block store",
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return usagef("%s needs a command: see %[1]s --help", cmd.CommandPath())
		},
	}
	cmd.AddCommand(p.checkBlocks(), p.repairBlocks())
	return cmd
}

// blocksOptions are those of the commands about blocks.
type blocksOptions struct {
	runOptions

	organizations []string
	quick         bool
}

func (o *blocksOptions) flags(cmd *cobra.Command) {
	o.storage(cmd.Flags())
	cmd.Flags().StringArrayVar(&o.organizations, "organization", nil, "an `organisation` to look at; all if none is given")
}

func (p *Program) checkBlocks() *cobra.Command {
	o := blocksOptions{}
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Look whether the block store has what the database says",
		Long: `Reads every block that the database names, and says which are missing or damaged. The server may run meanwhile. Blocks
without a row are counted: the server removes them by itself when they are a day old.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := settle(cmd.Flags(), p.Getenv); err != nil {
				return err
			}
			return p.examine(cmd.Context(), &o)
		},
	}
	o.flags(cmd)
	cmd.Flags().BoolVar(&o.quick, "quick", false, "only look which blocks are there, without reading them; of a set, on one node")
	return cmd
}

func (p *Program) repairBlocks() *cobra.Command {
	o := blocksOptions{}
	cmd := &cobra.Command{
		Use:   "repair",
		Short: "Make a RAID1 or RAID5 set whole again",
		Long: `Gives the nodes of a set the parts of blocks that they lack, such as after a disk or a bucket was replaced by an empty
one. All nodes must work; nothing is replaced or removed. The server may run meanwhile. It can be run again at any time.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := settle(cmd.Flags(), p.Getenv); err != nil {
				return err
			}
			return p.repair(cmd.Context(), &o)
		},
	}
	o.flags(cmd)
	return cmd
}

// lookAt is what is done with an organisation.
type lookAt func(*store.Store, tables.Organization) error

// withBlocks opens what there is, prepares, and calls what that returns for each organisation.
func (p *Program) withBlocks(ctx context.Context, o *blocksOptions, readOnly bool, prepare func(blocks.Store) (lookAt, error)) (err error) {
	log, err := p.locate(&o.runOptions)
	if err != nil {
		return err
	}
	open, err := o.blockStore(log, readOnly)
	if err != nil {
		return err
	}
	s, err := store.OpenToRead(ctx, store.Options{URL: o.db, MaxConnections: o.connections, Log: log})
	if err != nil {
		return err
	}
	defer func() { err = closeAll(err, s) }()
	kept, err := open(ctx, s.Pool())
	if err != nil {
		return err
	}
	defer func() { err = closeAll(err, kept) }()
	f, err := prepare(kept)
	if err != nil {
		return err
	}
	all, err := o.chosen(ctx, s)
	for _, org := range all {
		if err == nil {
			err = f(s, org)
		}
	}
	return err
}

// chosen are the organisations to look at.
func (o *blocksOptions) chosen(ctx context.Context, s *store.Store) (all []tables.Organization, err error) {
	err = s.Read(ctx, func(tx *store.Tx) error {
		if len(o.organizations) == 0 {
			all, err = tables.Organizations(ctx, tx)
			return err
		}
		for _, name := range o.organizations {
			id, err := trust.NewOrganizationID(name)
			if err != nil {
				return usagef("--organization %s: %w", name, err)
			}
			found, err := tables.FindOrganization(ctx, tx, id)
			if err != nil {
				return err
			}
			if found == nil {
				return fmt.Errorf("there is no organisation %s", name)
			}
			all = append(all, *found)
		}
		return nil
	})
	return all, err
}

// errBad makes the exit status one of failure.
var errBad = errors.New("blocks are missing or damaged")

func (p *Program) examine(ctx context.Context, o *blocksOptions) error {
	bad := false
	err := p.withBlocks(ctx, o, true, func(kept blocks.Store) (lookAt, error) {
		return func(s *store.Store, org tables.Organization) error {
			found, err := examine.Organization(ctx, s, kept, org, examine.Options{Quick: o.quick, Bad: func(id trust.BlockID, why error) {
				_, _ = fmt.Fprintf(p.Out, "%s: block %s: %v\n", org.ID, id, why)
			}})
			if err != nil {
				return fmt.Errorf("organisation %s: %w", org.ID, err)
			}
			bad = bad || found.Bad > 0
			_, err = fmt.Fprintf(p.Out, "%s: %d blocks, of which %d are bad; %d without a row\n", org.ID, found.Named, found.Bad, found.Unnamed)
			return err
		}, nil
	})
	if err == nil && bad {
		err = errBad
	}
	return err
}

func (p *Program) repair(ctx context.Context, o *blocksOptions) error {
	lost := false
	err := p.withBlocks(ctx, o, false, func(kept blocks.Store) (lookAt, error) {
		set, ok := kept.(*raid.Redundant)
		if !ok {
			return nil, errors.New("the block store is no RAID1 or RAID5 set: there is nothing to repair it from")
		}
		return func(_ *store.Store, org tables.Organization) error {
			done, err := set.Repair(ctx, org.ID)
			if err != nil {
				return fmt.Errorf("organisation %s: %w", org.ID, err)
			}
			lost = lost || done.Lost > 0
			_, err = fmt.Fprintf(p.Out, "%s: %d blocks, of which %d were restored and %d cannot be\n", org.ID, done.Seen, done.Restored, done.Lost)
			return err
		}, nil
	})
	if err == nil && lost {
		err = errors.New("of some blocks too little is left: parsec-server blocks check says which of them are missed")
	}
	return err
}
