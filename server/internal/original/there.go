package original

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// The state of the original's schema that is read, and what its last migration is called.
const (
	lastMigration = 24
	release       = "3.9.3"
)

// ErrForeign says that a database is not that of an original server, or of another version of it.
var ErrForeign = errors.New("the database is not one of an original server of a version that is known")

// there is one state of the original's database.
type there struct{ tx pgx.Tx }

// look begins to read one state. Nothing can be written.
func look(ctx context.Context, pool *pgxpool.Pool) (*there, error) {
	tx, err := pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return nil, err
	}
	t := &there{tx}
	if err := t.known(ctx); err != nil {
		return nil, errors.Join(err, t.end(ctx))
	}
	return t, nil
}

func (t *there) end(ctx context.Context) error { return t.tx.Rollback(context.WithoutCancel(ctx)) }

// known refuses a schema that the statements are not for.
func (t *there) known(ctx context.Context) error {
	found, last := false, 0
	err := t.tx.QueryRow(ctx, `SELECT to_regclass('migration') IS NOT NULL AND to_regclass('vlob_atom') IS NOT NULL`).Scan(&found)
	if err == nil && !found {
		return ErrForeign
	}
	if err == nil {
		err = t.tx.QueryRow(ctx, `SELECT coalesce(max(_id), 0) FROM migration`).Scan(&last)
	}
	if err == nil && last != lastMigration {
		return fmt.Errorf("%w: its last migration is number %d, and %d is expected, which is that of version %s: bring it there with the original's own program",
			ErrForeign, last, lastMigration, release)
	}
	return err
}

// tenant is an organisation there.
type tenant struct {
	id   int64
	name string
	root []byte
}

func (t *there) tenants(ctx context.Context) ([]tenant, error) {
	rows, err := t.tx.Query(ctx, `SELECT _id, organization_id, root_verify_key FROM organization ORDER BY organization_id COLLATE "C"`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(r pgx.CollectableRow) (o tenant, err error) {
		err = r.Scan(&o.id, &o.name, &o.root)
		return o, err
	})
}

// ambiguous refuses an organisation in which two realms have a block with one id: only one content can be stored.
func (t *there) ambiguous(ctx context.Context, o tenant) error {
	id, n := "", 0
	err := t.tx.QueryRow(ctx, `SELECT b.block_id::text, count(*) OVER () FROM block b JOIN realm r ON r._id = b.realm WHERE r.organization = $1 AND r.status <> 'DELETED'
		GROUP BY b.block_id HAVING count(*) > 1 LIMIT 1`, o.id).Scan(&id, &n)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err == nil {
		err = fmt.Errorf("%d ids of blocks are used in several realms, such as %s: only one of them can have its content in the block store", n, id)
	}
	return err
}

// each calls f for every row of a table of ours.
func (t *there) each(ctx context.Context, s *selection, o tenant, f func([]any) error) error {
	rows, err := t.tx.Query(ctx, s.theirs, o.id)
	if err != nil {
		return fmt.Errorf("table %s: %w", s.Name, err)
	}
	defer rows.Close()
	for rows.Next() {
		row, err := rows.Values()
		if err == nil {
			err = s.check(row)
		}
		if err == nil {
			err = s.normalize(row)
		}
		if err == nil {
			err = f(row)
		}
		if err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("table %s: %w", s.Name, err)
	}
	return nil
}
