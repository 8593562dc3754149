package sqlite

import (
	"context"
	"fmt"
	"unicode/utf8"

	"github.com/seed-73b3884f/parsec-agent/kim"
	"github.com/seed-73b3884f/parsec-agent/kim/internal/index"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// load reads all rows of a table into entries. A row that the original would not start
// with is an error that names it.
func (t *table) load(ctx context.Context, c *conn, entries map[index.Key]kim.Entry) error {
	rows, err := c.QueryContext(ctx, t.selectAll())
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // read only; Err below tells
	var cells row
	for rows.Next() {
		if err := rows.Scan(cells.pointers()...); err != nil {
			return err
		}
		e, err := cells.entry(t)
		k := index.Key{Owner: e.Owner, Name: e.Name}
		if _, twice := entries[k]; err == nil && twice {
			err = fmt.Errorf("there is another row of that key, in %s or %s", original.name, ours.name)
		}
		if err != nil {
			return cells.refuse(t, err)
		}
		entries[k] = e
	}
	return rows.Err()
}

// row is one row in the order of columns, each cell as SQLite typed it.
type row [9]any

func (r *row) pointers() []any {
	p := make([]any, len(r))
	for i := range r {
		p[i] = &r[i]
	}
	return p
}

func (r *row) entry(t *table) (kim.Entry, error) {
	d := decoder{row: r}
	auth, app, name := d.integer(0), d.text(1), d.text(2)
	uuid, provider := d.text(3), d.text(4)
	id, idVersion := d.blob(5), d.integer(6)
	blob, blobVersion := d.blob(7), d.integer(8)
	switch {
	case d.err != nil:
		return kim.Entry{}, d.err
	case auth < 0 || auth > int64(wire.AuthInternal) || !wire.AuthType(auth).Known() && wire.AuthType(auth) != wire.AuthInternal:
		return kim.Entry{}, fmt.Errorf("authenticator_id is %d, which no authenticator has", auth)
	case idVersion != keyIDVersion && (idVersion != adoptedVersion || t != ours):
		return kim.Entry{}, fmt.Errorf("key_id_version is %d, which rows of %s do not have", idVersion, t.name)
	case blobVersion != attributesVersion:
		return kim.Entry{}, fmt.Errorf("key_attributes_version is %d, not %d", blobVersion, attributesVersion)
	}
	attributes, err := t.decode(blob)
	if err != nil {
		return kim.Entry{}, fmt.Errorf("key_attributes cannot be decoded: %w", err)
	}
	e := kim.Entry{
		Owner: kim.Owner{Auth: wire.AuthType(auth), App: app}, Name: psa.KeyName(name),
		Provider: kim.Provider{ID: kim.ProviderByUUID(uuid), UUID: uuid, Name: provider},
		KeyID:    id, Attributes: attributes, Adopted: idVersion == adoptedVersion,
	}
	if where, _, err := encode(e); err != nil || where != t {
		return kim.Entry{}, fmt.Errorf("its key belongs in %s", original.name)
	}
	return e, nil
}

// refuse says which row it is that cannot be, and how to look at it.
func (r *row) refuse(t *table, err error) error {
	return refusal("correct or remove that row with sqlite3, or restore a backup; the key itself stays in its provider",
		"the row of %s with authenticator %s, application %s and key %s is invalid: %v", t.name, show(r[0]), show(r[1]), show(r[2]), err)
}

// show prints a cell, not more than 64 bytes of it.
func show(cell any) string {
	switch v := cell.(type) {
	case string:
		if len(v) > 64 {
			return fmt.Sprintf("%.64q (%d bytes)", v, len(v))
		}
		return fmt.Sprintf("%q", v)
	case []byte:
		return fmt.Sprintf("a blob of %d bytes", len(v))
	default:
		return fmt.Sprint(v)
	}
}

// decoder takes cells by type; its first error stays. SQLite lets every column hold
// every type, so nothing is taken for granted.
type decoder struct {
	row *row
	err error
}

func (d *decoder) integer(i int) int64 {
	v, ok := d.row[i].(int64)
	d.expect(ok, i, "an integer")
	return v
}

func (d *decoder) text(i int) string {
	v, ok := d.row[i].(string)
	d.expect(ok && utf8.ValidString(v), i, "UTF-8 text")
	return v
}

func (d *decoder) blob(i int) []byte {
	v, ok := d.row[i].([]byte)
	d.expect(ok, i, "a blob")
	return v
}

func (d *decoder) expect(ok bool, i int, what string) {
	if !ok && d.err == nil {
		d.err = fmt.Errorf("column %d is not %s", i+1, what)
	}
}
