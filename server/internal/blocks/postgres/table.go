package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	table = "stored_block"
	// mark is the comment of the table, which says that it is ours, and its version.
	mark = "parsec-agent block table 1"
	// lock keeps processes that start together from making the table at once.
	lock int64 = 0x626c6f636b73 // "blocks"
)

// making: blocks do not compress, so the data base need not try.
const making = `
CREATE TABLE ` + table + ` (
	organization_id TEXT COLLATE "C" NOT NULL,
	block_id        UUID NOT NULL,
	created_at      TIMESTAMPTZ NOT NULL DEFAULT now(),
	data            BYTEA NOT NULL,
	PRIMARY KEY (organization_id, block_id)
);
ALTER TABLE ` + table + ` ALTER COLUMN data SET STORAGE EXTERNAL;
COMMENT ON TABLE ` + table + ` IS '` + mark + `';`

// prepare makes the table or recognises it.
func prepare(ctx context.Context, pool *pgxpool.Pool) error {
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", lock); err != nil {
			return err
		}
		if err := durable(ctx, tx); err != nil {
			return err
		}
		const look = `SELECT coalesce(obj_description(to_regclass($1), 'pg_class'), '') FROM (SELECT 1) AS one WHERE to_regclass($1) IS NOT NULL`
		var found string
		err := tx.QueryRow(ctx, look, table).Scan(&found)
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			_, err = tx.Exec(ctx, making)
			return err
		case err == nil && found != mark:
			return fmt.Errorf("its table %s is described as %.40q, this program knows %q", table, found, mark)
		}
		return err
	})
}

// durable refuses sessions in which a commit may be lost after it was acknowledged.
func durable(ctx context.Context, tx pgx.Tx) error {
	var setting string
	if err := tx.QueryRow(ctx, "SHOW synchronous_commit").Scan(&setting); err != nil {
		return err
	}
	if setting == "off" {
		return errors.New("synchronous_commit is off: blocks would be acknowledged before they are on the disk")
	}
	return nil
}
