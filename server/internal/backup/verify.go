package backup

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks"
	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks/directory"
	"github.com/seed-73b3884f/parsec-agent/server/internal/pipeline"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Backup is one that was read whole.
type Backup struct {
	Header
	// Done is how much it has.
	Done Progress
	// Agreement says which key its database belongs to, nil if nothing ever used it.
	Agreement []byte
	// path is the file with the rows, beside is where its blocks are.
	path, beside string
	orgs         map[int64]trust.OrganizationID
}

// Verify reads a backup whole, its blocks too.
func Verify(ctx context.Context, path string, progress func(Progress)) (*Backup, error) {
	b := &Backup{path: path, orgs: map[int64]trust.OrganizationID{}}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		b.path, b.beside = filepath.Join(path, metadataName), filepath.Join(path, blocksName)
		if _, err := os.Stat(b.path + partialSuffix); err == nil {
			if _, err := os.Stat(b.path); errors.Is(err, fs.ErrNotExist) {
				return nil, fmt.Errorf("%w: %s was interrupted: run the backup again", ErrTruncated, path)
			}
		}
	}
	if progress == nil {
		progress = func(Progress) {}
	}
	err := b.verifyRows(ctx, progress)
	if err == nil {
		err = b.verifyNames()
	}
	if err == nil && b.Blocks {
		err = b.verifyBlocks(ctx, progress)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return b, nil
}

// records calls f for every record but the last one.
func (b *Backup) records(f func(Record) error) (err error) {
	file, err := os.Open(b.path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	r, err := NewReader(file)
	if err != nil {
		return err
	}
	for {
		record, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = f(record)
		}
		if err != nil {
			return err
		}
	}
}

// verifyRows checks that the tables are those of the schema, in their order, and that rows are what they hold.
func (b *Backup) verifyRows(ctx context.Context, progress func(Progress)) error {
	tables, next, named := []store.Table{}, 0, (*namer)(nil)
	err := b.records(func(r Record) error {
		switch r := r.(type) {
		case *Header:
			b.Header = *r
			if b.Blocks && b.beside == "" {
				return damaged("its blocks are not beside it")
			}
			var err error
			tables, err = store.Schema(ctx, r.Schema)
			return err
		case *Table:
			if next == len(tables) || tables[next].Name != r.Name || !slices.Equal(names(tables[next]), r.Columns) {
				return damaged("table %q is not what version %d of the schema has there", r.Name, b.Schema)
			}
			next++
			named = newNamer(r)
		case Row:
			if err := fits(r, tables[next-1]); err != nil {
				return err
			}
			if named.table.Name == "agreement" && r[0] == store.KeyAgreement {
				b.Agreement, _ = r[1].([]byte)
			}
			b.Done.Rows++
			progress(b.Done)
			return named.note(r, b.orgs, func(w wanted) error {
				b.Done.AllBlocks++
				b.Done.AllBytes += w.size
				return nil
			})
		case *Block:
			if !b.Blocks {
				return damaged("it has blocks, and says that it has none")
			}
		}
		return ctx.Err()
	})
	if err == nil && next != len(tables) {
		err = damaged("it has %d tables instead of %d", next, len(tables))
	}
	return err
}

func fits(row Row, t store.Table) error {
	for i, v := range row {
		kind := ""
		switch v.(type) {
		case int64:
			kind = "INTEGER"
		case string:
			kind = "TEXT"
		case []byte:
			kind = "BLOB"
		}
		if c := t.Columns[i]; kind != c.Kind && (v != nil || !c.Null) {
			return damaged("column %s of table %s has a value of the wrong kind", c.Name, t.Name)
		}
	}
	return nil
}

// verifyNames checks that the blocks are those that rows name, and their organisations are there.
func (b *Backup) verifyNames() error {
	next, stop := b.nextBlock()
	defer stop()
	err := b.named(func(w wanted) error {
		org, known := b.orgs[w.org]
		if !known || !b.Blocks {
			if !known {
				return damaged("block %s is one of organisation %d, which is not there", w.id, w.org)
			}
			return nil
		}
		got, err := next()
		if err != nil {
			return err
		}
		if got == nil || got.ID != w.id || got.Organization != org || got.Size != w.size {
			return damaged("block %s of organisation %s is named and is not there", w.id, org)
		}
		return nil
	})
	if err != nil || !b.Blocks {
		return err
	}
	if more, err := next(); err != nil || more != nil {
		return errors.Join(err, damaged("it has blocks that nothing names"))
	}
	return nil
}

// named calls f for every block that the rows name.
func (b *Backup) named(f func(wanted) error) error {
	named, orgs := (*namer)(nil), map[int64]trust.OrganizationID{}
	return b.records(func(r Record) error {
		switch r := r.(type) {
		case *Table:
			named = newNamer(r)
		case Row:
			return named.note(r, orgs, f)
		}
		return nil
	})
}

// eachBlock calls f for every block that was copied.
func (b *Backup) eachBlock(f func(*Block) error) error {
	return b.records(func(r Record) error {
		if block, ok := r.(*Block); ok {
			return f(block)
		}
		return nil
	})
}

// verifyBlocks reads the content of all blocks.
func (b *Backup) verifyBlocks(ctx context.Context, progress func(Progress)) error {
	return b.readBlocks(ctx, func(context.Context, *Block, []byte) error { return nil }, progress)
}

// readBlocks hands the content of all blocks on that was verified, several at once.
func (b *Backup) readBlocks(ctx context.Context, each func(context.Context, *Block, []byte) error, progress func(Progress)) (err error) {
	if _, err := os.Stat(b.beside); err != nil {
		return damaged("its blocks are missing: %w", err)
	}
	from, err := directory.Open(b.beside)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	done := b.Done
	done.Blocks, done.Bytes, done.Lost = 0, 0, 0
	work := func(ctx context.Context, block *Block) (*Block, error) {
		if block.Lost {
			return block, nil
		}
		content, err := from.Read(ctx, block.Organization, block.ID)
		switch {
		case errors.Is(err, blocks.ErrNotFound):
			return nil, damaged("block %s of organisation %s is missing", block.ID, block.Organization)
		case err != nil:
			return nil, err
		}
		if sum := sha256.Sum256(content); subtle.ConstantTimeCompare(sum[:], block.Sum[:]) != 1 {
			return nil, damaged("block %s of organisation %s has another checksum", block.ID, block.Organization)
		}
		return block, each(ctx, block, content)
	}
	err = pipeline.Run(ctx, b.eachBlock, work, func(block *Block) error {
		done.Blocks++
		done.Bytes += block.Size
		if block.Lost {
			done.Lost++
		}
		progress(done)
		return nil
	})
	b.Done = done
	return err
}
