package backup

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks"
	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks/directory"
	"github.com/seed-73b3884f/parsec-agent/server/internal/pipeline"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// copyBlocks copies what the rows that were written name, and writes what it copied.
func (t *taking) copyBlocks(ctx context.Context) (err error) {
	if err := t.buffer.Flush(); err != nil {
		return err
	}
	to, err := directory.Open(filepath.Join(t.path, blocksName))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	each := func(yield func(wanted) error) error { return t.wanted(yield) }
	work := func(ctx context.Context, w wanted) (*Block, error) { return t.copyBlock(ctx, to, w) }
	return pipeline.Run(ctx, each, work, func(b *Block) error {
		t.done.Blocks++
		t.done.Bytes += b.Size
		if b.Lost {
			t.done.Lost++
		}
		t.Progress(t.done)
		return t.w.Write(b)
	})
}

// wanted reads again which blocks the rows name, which are too many to keep.
func (t *taking) wanted(yield func(wanted) error) (err error) {
	f, err := os.Open(t.file.Name())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	r, err := NewReader(f)
	if err != nil {
		return err
	}
	named, orgs := (*namer)(nil), map[int64]trust.OrganizationID{}
	for {
		record, err := r.Next()
		if errors.Is(err, ErrTruncated) || errors.Is(err, io.EOF) {
			return nil // as far as it is written
		}
		if err != nil {
			return err
		}
		switch record := record.(type) {
		case *Table:
			if named != nil && named.table.Name == blockTable {
				return nil
			}
			named = newNamer(record)
		case Row:
			if err := named.note(record, orgs, yield); err != nil {
				return err
			}
		}
	}
}

// copyBlock copies a block that is not there yet. Of one that is, it believes the size.
func (t *taking) copyBlock(ctx context.Context, to blocks.Store, w wanted) (*Block, error) {
	org, known := t.orgs[w.org]
	if !known {
		return nil, fmt.Errorf("block %s is one of organisation %d, which is not there", w.id, w.org)
	}
	b := &Block{Organization: org, ID: w.id, Size: w.size}
	content, err := to.Read(ctx, org, w.id)
	if err == nil && uint64(len(content)) == w.size {
		b.Sum = sha256.Sum256(content)
		return b, nil
	}
	if err == nil {
		err = to.Delete(ctx, org, w.id)
	} else if errors.Is(err, blocks.ErrNotFound) {
		err = nil
	}
	if err != nil {
		return nil, err
	}
	content, err = t.Blocks.Read(ctx, org, w.id)
	if err == nil && uint64(len(content)) != w.size {
		err = fmt.Errorf("%w: it has %d bytes, and %d were stored", blocks.ErrCorrupt, len(content), w.size)
	}
	if errors.Is(err, blocks.ErrNotFound) || errors.Is(err, blocks.ErrCorrupt) {
		if b.Lost = t.TolerateLost; b.Lost {
			return b, nil
		}
	}
	if err != nil {
		return nil, fmt.Errorf("block %s of organisation %s: %w", w.id, org, err)
	}
	b.Sum = sha256.Sum256(content)
	return b, to.Create(ctx, org, w.id, content)
}
