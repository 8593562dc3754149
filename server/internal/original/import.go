package original

import (
	"context"
	"crypto/hmac"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks"
	"github.com/seed-73b3884f/parsec-agent/server/internal/secrets"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Import is what is to be imported, and where.
type Import struct {
	// From is the database of an original server, and FromBlocks its block store.
	From       *pgxpool.Pool
	FromBlocks blocks.Store
	// To is nil where there is nothing yet, for a dry run, which needs no ToBlocks.
	To       *store.Store
	ToBlocks blocks.Store
	Secrets  *secrets.Box
	// Organizations are imported, all if it is empty.
	Organizations []string
	// DryRun reads everything and writes nothing.
	DryRun bool
	// TolerateLost goes on without the content of blocks that the block store there does not have.
	TolerateLost bool
	// Progress hears how far it is, nil for nobody.
	Progress func(Report)

	keeper *keeper
	plan   []selection
}

// Report says what was done with an organisation.
type Report struct {
	Organization string
	// Here says that it was imported before, and left as it is.
	Here bool
	// Rows and Blocks were imported; Lost are blocks without content.
	Rows, Blocks, Lost uint64
}

// Run imports organisations one after the other. What it returns was imported and compared, also when it fails at another one.
func (i *Import) Run(ctx context.Context) (done []Report, err error) {
	i.keeper = newKeeper(i.Secrets)
	if i.Progress == nil {
		i.Progress = func(Report) {}
	}
	if i.plan, err = plan(ctx); err != nil {
		return nil, err
	}
	all, err := i.chosen(ctx)
	if err != nil {
		return nil, err
	}
	for _, o := range all {
		r, err := i.organization(ctx, o)
		if err != nil {
			return done, fmt.Errorf("organisation %s: %w", o.name, err)
		}
		done = append(done, r)
	}
	return done, nil
}

// chosen are the organisations to import.
func (i *Import) chosen(ctx context.Context) (all []tenant, err error) {
	t, err := look(ctx, i.From)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, t.end(ctx)) }()
	found, err := t.tenants(ctx)
	if err != nil || len(i.Organizations) == 0 {
		return found, err
	}
	for _, name := range i.Organizations {
		n := slices.IndexFunc(found, func(o tenant) bool { return o.name == name })
		if n < 0 {
			return nil, fmt.Errorf("the original server has no organisation %q", name)
		}
		all = append(all, found[n])
	}
	return all, nil
}

func (i *Import) organization(ctx context.Context, o tenant) (r Report, err error) {
	r.Organization = o.name
	id, err := trust.NewOrganizationID(o.name)
	if err != nil {
		return r, err
	}
	if r.Here, err = i.here(ctx, id, o); r.Here || err != nil {
		return r, err
	}
	t, err := look(ctx, i.From)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, t.end(ctx)) }()
	if err := t.ambiguous(ctx, o); err != nil {
		return r, err
	}
	if i.DryRun {
		return r, i.try(ctx, t, id, o, &r)
	}
	if err := i.blocks(ctx, t, id, o, &r); err != nil {
		return r, err
	}
	num, err := i.rows(ctx, t, id, o, &r)
	if err != nil {
		return r, err
	}
	return r, i.compare(ctx, o, num)
}

// here reports whether an organisation is there already; another one with its name is an error.
func (i *Import) here(ctx context.Context, id trust.OrganizationID, o tenant) (here bool, err error) {
	if i.To == nil {
		return false, nil
	}
	err = i.To.Read(ctx, func(tx *store.Tx) error {
		if num, err := tables.BeingErased(ctx, tx, id); err != nil || num > 0 {
			return errors.Join(err, errors.New("one with this name was erased here, and its blocks are not removed yet"))
		}
		found, err := tables.FindOrganization(ctx, tx, id)
		if err != nil || found == nil {
			return err
		}
		here = true
		if o.root == nil { // nobody has used it there: nothing is missing here
			return nil
		}
		if found.RootVerifyKey == nil || !hmac.Equal(found.RootVerifyKey[:], o.root) {
			return errors.New("there is another one with this name here")
		}
		return nil
	})
	return here, err
}

// rows imports everything but the content of blocks, in one transaction.
func (i *Import) rows(ctx context.Context, t *there, id trust.OrganizationID, o tenant, r *Report) (num int64, err error) {
	err = i.To.Write(ctx, []store.Lock{store.Server()}, func(tx *store.Tx) error {
		if found, err := tables.FindOrganization(ctx, tx, id); err != nil || found != nil {
			return errors.Join(err, fmt.Errorf("somebody made it meanwhile"))
		}
		if num, err = tables.NextOrganization(ctx, tx); err != nil {
			return err
		}
		r.Rows = 0 // a transaction may be run again
		for n := range i.plan {
			if err := i.table(ctx, t, tx, &i.plan[n], o, num, r); err != nil {
				return err
			}
		}
		return nil
	})
	return num, err
}

func (i *Import) table(ctx context.Context, t *there, tx *store.Tx, s *selection, o tenant, num int64, r *Report) error {
	into := store.Inserter{Table: s.Name}
	for _, c := range s.Columns {
		into.Columns = append(into.Columns, c.Name)
	}
	err := t.each(ctx, s, o, func(row []any) error {
		kept, err := i.keeper.keep(s, num, row)
		if err != nil {
			return err
		}
		r.Rows++
		i.Progress(*r)
		return into.Add(ctx, tx, append([]any{num}, kept...))
	})
	return errors.Join(err, into.Flush(ctx, tx))
}
