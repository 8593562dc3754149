package backup

import (
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks"
	"github.com/seed-73b3884f/parsec-agent/trust"
	"github.com/seed-73b3884f/parsec-agent/trust/mpack"
)

// magic is what a backup begins with: kind and version.
const magic = "parsec-server backup 1\n"

// Limits of what is read.
const (
	maxRecord  = 16 << 20 // bytes
	maxColumns = 128
	maxName    = 128
)

// Kinds of records.
const (
	kindHeader = iota + 1
	kindTable
	kindRow
	kindBlock
	kindEnd
)

// Why a backup is refused.
var (
	// ErrDamaged says that a backup is not as it was written.
	ErrDamaged = errors.New("the backup is damaged")
	// ErrTruncated says that the end of a backup is missing.
	ErrTruncated = fmt.Errorf("%w: its end is missing", ErrDamaged)
	// ErrVersion says that another program wrote it, or a newer version of this one.
	ErrVersion = errors.New("the backup is not one that this program reads")
)

func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrDamaged, fmt.Errorf(format, args...))
}

// Record is a Header, Table, Row, Block or End.
type Record interface{ encode(w *mpack.Writer) }

// Header says what a backup is of.
type Header struct {
	// CreatedOn is the moment of its state.
	CreatedOn trust.DateTime
	// Schema is the version of the schema that its tables have.
	Schema int64
	// Program wrote it.
	Program string
	// Blocks says that it has blocks beside it.
	Blocks bool
}

// Table begins the rows of a table.
type Table struct {
	Name    string
	Columns []string
}

// Row has a value for each column: nil, an int64, a string or a []byte.
type Row []any

// Block is a block that rows name, as it was copied.
type Block struct {
	Organization trust.OrganizationID
	ID           trust.BlockID
	// Lost says that the block store did not have it.
	Lost bool
	Size uint64
	Sum  [sha256.Size]byte
}

// End is the last record.
type End struct {
	// Records is how many there are before it.
	Records uint64
	// Sum is over everything before it.
	Sum [sha256.Size]byte
}

func (h *Header) encode(w *mpack.Writer) {
	w.Array(5)
	w.Uint(kindHeader)
	w.Int(h.CreatedOn.Micros())
	w.Int(h.Schema)
	w.String(h.Program)
	w.Bool(h.Blocks)
}

func (t *Table) encode(w *mpack.Writer) {
	w.Array(3)
	w.Uint(kindTable)
	w.String(t.Name)
	w.Array(len(t.Columns))
	for _, c := range t.Columns {
		w.String(c)
	}
}

func (row Row) encode(w *mpack.Writer) {
	w.Array(1 + len(row))
	w.Uint(kindRow)
	for _, v := range row {
		switch v := v.(type) {
		case nil:
			w.Nil()
		case int64:
			w.Int(v)
		case string:
			w.String(v)
		case []byte:
			w.Bytes(v)
		default:
			w.Fail(fmt.Errorf("a value of type %T is in no table", v))
		}
	}
}

func (b *Block) encode(w *mpack.Writer) {
	w.Array(5)
	w.Uint(kindBlock)
	w.String(b.Organization.String())
	w.Bytes(b.ID[:])
	w.Uint(b.Size)
	if b.Lost {
		w.Nil()
		return
	}
	w.Bytes(b.Sum[:])
}

func (e *End) encode(w *mpack.Writer) {
	w.Array(3)
	w.Uint(kindEnd)
	w.Uint(e.Records)
	w.Bytes(e.Sum[:])
}

// decode reads one record. Rows have as many values as columns.
func decode(body []byte, columns int) (Record, error) {
	r := mpack.NewReader(body)
	n, kind := r.Array(1+maxColumns), r.Uint(kindEnd)
	want := map[uint64]int{kindHeader: 5, kindTable: 3, kindRow: 1 + columns, kindBlock: 5, kindEnd: 3}[kind]
	if r.Err() == nil && n != want {
		return nil, damaged("a record of kind %d has %d values instead of %d", kind, n, want)
	}
	record := parse(r, kind, columns)
	if err := r.End(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return record, nil
}

func parse(r *mpack.Reader, kind uint64, columns int) Record {
	switch kind {
	case kindHeader:
		return parseHeader(r)
	case kindTable:
		t := &Table{Name: r.String(maxName)}
		for range r.Array(maxColumns) {
			t.Columns = append(t.Columns, r.String(maxName))
		}
		return t
	case kindRow:
		row := make(Row, columns)
		for i := range row {
			row[i] = value(r)
		}
		return row
	case kindBlock:
		return parseBlock(r)
	case kindEnd:
		e := &End{Records: r.Uint64()}
		r.Fixed(e.Sum[:])
		return e
	}
	r.Fail(fmt.Errorf("a record of kind %d is not known", kind))
	return nil
}

func parseHeader(r *mpack.Reader) *Header {
	at, err := trust.DateTimeFromMicros(r.Int64())
	h := &Header{CreatedOn: at, Schema: r.Int64(), Program: r.String(maxName), Blocks: r.Bool()}
	if err != nil {
		r.Fail(err)
	}
	return h
}

func parseBlock(r *mpack.Reader) *Block {
	id, err := trust.NewOrganizationID(r.String(maxName))
	b := &Block{Organization: id}
	r.Fixed(b.ID[:])
	b.Size = r.Uint(blocks.MaxSize)
	if b.Lost = r.Nil(); !b.Lost {
		r.Fixed(b.Sum[:])
	}
	if err != nil {
		r.Fail(err)
	}
	return b
}

// value reads what a column may have.
func value(r *mpack.Reader) any {
	switch {
	case r.Nil():
		return nil
	case r.IsText():
		return r.String(maxRecord)
	case r.IsBytes():
		return append([]byte{}, r.Bytes(maxRecord)...)
	}
	return r.Int64()
}
