package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/pressly/goose/v3"
)

// KeyAgreement is under which name the table of agreements says which server key the secrets of a database belong to.
const KeyAgreement = "server key"

// Column is a column of a table.
type Column struct {
	Name string
	// Kind is INTEGER, TEXT or BLOB.
	Kind string
	// Null says that it may be empty.
	Null bool
}

// Table is a table as the migrations make it, on both databases.
type Table struct {
	Name    string
	Columns []Column
	// Key are the names of the columns of its primary key, in their order.
	Key []string
}

// Newest is the version of the schema that this program writes.
func Newest() (int64, error) {
	all, err := migrations(func(text string) string { return text })
	if err != nil {
		return 0, err
	}
	return newest(all), nil
}

func newest(all []*goose.Migration) (version int64) {
	for _, m := range all {
		version = max(version, m.Version)
	}
	return version
}

// Schema returns the tables that a version of the schema has, in the order of their names.
func Schema(ctx context.Context, version int64) (_ []Table, err error) {
	all, err := migrations(func(text string) string { return text })
	if err != nil {
		return nil, err
	}
	if version < 1 || version > newest(all) {
		return nil, fmt.Errorf("%w: its schema has version %d, this program knows 1 to %d", ErrForeign, version, newest(all))
	}
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1) // another connection would be another database
	if err := apply(ctx, goose.DialectSQLite3, db, all, version); err != nil {
		return nil, err
	}
	return describe(ctx, db)
}

func describe(ctx context.Context, db *sql.DB) (all []Table, err error) {
	rows, err := db.QueryContext(ctx, `SELECT t.name, c.name, c.type, c."notnull", c.pk FROM sqlite_schema t JOIN pragma_table_info(t.name) c
		WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite\_%' ESCAPE '\' AND t.name <> '`+versions+`' ORDER BY t.name, c.cid`)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	keys := map[string]int{}
	for rows.Next() {
		name, c, filled, key := "", Column{}, false, 0
		if err := rows.Scan(&name, &c.Name, &c.Kind, &filled, &key); err != nil {
			return nil, err
		}
		if len(all) == 0 || all[len(all)-1].Name != name {
			all = append(all, Table{Name: name})
			clear(keys)
		}
		t := &all[len(all)-1]
		c.Null = !filled
		t.Columns = append(t.Columns, c)
		if key > 0 {
			t.Key, keys[c.Name] = append(t.Key, c.Name), key
			slices.SortFunc(t.Key, func(a, b string) int { return keys[a] - keys[b] })
		}
	}
	return all, rows.Err()
}

// Version returns the version of the schema that a transaction sees, 0 for a database without tables.
func Version(ctx context.Context, tx *Tx) (version int64, err error) {
	ours, others := int64(0), int64(0)
	text := `SELECT count(CASE WHEN name = '` + versions + `' THEN 1 END), count(*) FROM sqlite_schema WHERE type = 'table'`
	if _, ok := tx.conn.(*pgConn); ok {
		text = `SELECT count(*) FILTER (WHERE tablename = '` + versions + `'), count(*) FROM pg_tables WHERE schemaname = current_schema()`
	}
	if _, err := tx.Get(ctx, SQL(text), &ours, &others); err != nil {
		return 0, err
	}
	switch {
	case ours == 0 && others == 0:
		return 0, nil
	case ours == 0:
		return 0, ErrForeign
	}
	_, err = tx.Get(ctx, SQL(`SELECT coalesce(max(version_id), 0) FROM `+versions), &version)
	return version, err
}
