package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

// Migrations are written for SQLite, as schema/NNNN_name.sql. What PostgreSQL calls otherwise is replaced.
//
//go:embed schema/*.sql
var schema embed.FS

var toPostgres = strings.NewReplacer("INTEGER", "BIGINT", "BLOB", "BYTEA", ") STRICT, WITHOUT ROWID;", ");", ") STRICT;", ");")

// versions is the table in which goose keeps what was applied.
const versions = "parsec_server_schema"

// migrations returns all migrations for a database.
func migrations(translate func(string) string) ([]*goose.Migration, error) {
	entries, err := schema.ReadDir("schema")
	if err != nil {
		return nil, err
	}
	all := []*goose.Migration{}
	for _, e := range entries {
		number, _, _ := strings.Cut(e.Name(), "_")
		version, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("migration %s has no number", e.Name())
		}
		text, err := schema.ReadFile(path.Join("schema", e.Name()))
		if err != nil {
			return nil, err
		}
		script := translate(string(text))
		all = append(all, goose.NewGoMigration(version, &goose.GoFunc{RunTx: func(ctx context.Context, tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, script)
			return err
		}}, nil))
	}
	return all, nil
}

// asIs is the version to migrate to for those who do not migrate.
const asIs = -1

// apply brings a database to a version, or to the newest for 0. One that is newer already is not ours to touch.
func apply(ctx context.Context, dialect goose.Dialect, db *sql.DB, all []*goose.Migration, to int64, options ...goose.ProviderOption) error {
	provider, err := goose.NewProvider(dialect, db, nil, append(options,
		goose.WithGoMigrations(all...), goose.WithTableName(versions), goose.WithDisableGlobalRegistry(true))...)
	if err != nil {
		return err
	}
	current, err := provider.GetDBVersion(ctx)
	if err != nil {
		return err
	}
	last := newest(all)
	if to == 0 {
		to = last
	}
	switch {
	case current > last:
		return fmt.Errorf("%w: its schema has version %d, this program knows %d", ErrForeign, current, last)
	case to == asIs && current < last:
		return fmt.Errorf("%w: its schema has version %d, this program needs %d", ErrPending, current, last)
	case to == asIs:
		return nil
	case current > to:
		return fmt.Errorf("%w: its schema has version %d, and %d is wanted", ErrForeign, current, to)
	}
	_, err = provider.UpTo(ctx, to)
	return err
}

func (s *sqlite) migrate(ctx context.Context, to int64) error {
	all, err := migrations(func(text string) string { return text })
	if err != nil {
		return err
	}
	if err := apply(ctx, goose.DialectSQLite3, s.db, all, to); err != nil {
		return fmt.Errorf("cannot bring the schema up to date: %w", sqliteFault(err))
	}
	return nil
}

func (p *postgres) migrate(ctx context.Context, to int64) error {
	all, err := migrations(toPostgres.Replace)
	if err != nil {
		return err
	}
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return err
	}
	db := stdlib.OpenDBFromPool(p.pool)
	err = p.own(ctx, db)
	if err == nil {
		err = apply(ctx, goose.DialectPostgres, db, all, to, goose.WithSessionLocker(locker))
	}
	if err = errors.Join(err, db.Close()); err != nil {
		return fmt.Errorf("cannot bring the schema up to date: %w", postgresFault(err))
	}
	return nil
}

// own refuses a schema with tables of others, such as those of the original server.
func (p *postgres) own(ctx context.Context, db *sql.DB) error {
	ours, others := 0, 0
	err := db.QueryRowContext(ctx, `SELECT count(*) FILTER (WHERE tablename = '`+versions+`'), count(*) FILTER (WHERE tablename <> '`+versions+`')
		FROM pg_tables WHERE schemaname = current_schema()`).Scan(&ours, &others)
	if err == nil && ours == 0 && others > 0 {
		return ErrForeign
	}
	return err
}
