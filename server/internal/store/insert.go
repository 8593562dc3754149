package store

import (
	"context"
	"fmt"
	"strings"
)

// How many rows, and about how many bytes, one statement inserts.
const (
	batchRows  = 50
	batchBytes = 1 << 20
)

// Inserter collects rows of a table, for a statement takes as long as its way to the database.
type Inserter struct {
	// Table and Columns are where values go, in their order.
	Table   string
	Columns []string

	rows  [][]any
	bytes int
}

// Add inserts a row, now or with others.
func (i *Inserter) Add(ctx context.Context, tx *Tx, row []any) error {
	for _, v := range row {
		if b, ok := v.([]byte); ok {
			i.bytes += len(b)
		}
	}
	i.rows = append(i.rows, row)
	if len(i.rows) == batchRows || i.bytes >= batchBytes {
		return i.Flush(ctx, tx)
	}
	return nil
}

// Flush inserts what waits.
func (i *Inserter) Flush(ctx context.Context, tx *Tx) error {
	rows := i.rows
	i.rows, i.bytes = nil, 0
	if len(rows) == batchRows {
		return i.insert(ctx, tx, rows)
	}
	for n := range rows { // other numbers of rows would be statements that are prepared for one use
		if err := i.insert(ctx, tx, rows[n:n+1]); err != nil {
			return err
		}
	}
	return nil
}

func (i *Inserter) insert(ctx context.Context, tx *Tx, rows [][]any) error {
	text, args := strings.Builder{}, []any{}
	_, _ = fmt.Fprintf(&text, "INSERT INTO %s (%s) VALUES ", i.Table, strings.Join(i.Columns, ", "))
	for n, row := range rows {
		for c, v := range row {
			before := ", "
			if c == 0 && n == 0 {
				before = "("
			} else if c == 0 {
				before = "), ("
			}
			args = append(args, v)
			_, _ = fmt.Fprintf(&text, "%s$%d", before, len(args))
		}
	}
	_, _ = text.WriteString(")")
	_, err := tx.Exec(ctx, text.String(), args...)
	return err
}
