package directory

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"time"

	"github.com/seed-73b3884f/parsec-agent/internal/durable"
	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// leftoverAge is when nobody can be writing a temporary file any more.
const leftoverAge = 24 * time.Hour

// List implements blocks.Store.
func (s *Store) List(ctx context.Context, org trust.OrganizationID, after *trust.BlockID, limit int) ([]blocks.Entry, error) {
	if err := blocks.CheckList(ctx, org, limit); err != nil {
		return nil, err
	}
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.leave()
	first := 0
	if after != nil {
		first = int(after[0])
	}
	page := []blocks.Entry{}
	for b := first; b < 256 && len(page) < limit; b++ {
		if err := ctx.Err(); err != nil {
			return nil, blocks.Unavailable(err)
		}
		more, err := s.listFolder(folder{org, byte(b)}, after, limit-len(page))
		if err != nil {
			return nil, blocks.Unavailable(err)
		}
		page = append(page, more...)
	}
	return page, nil
}

// listFolder returns the first entries of one folder.
func (s *Store) listFolder(f folder, after *trust.BlockID, limit int) ([]blocks.Entry, error) {
	d, err := s.open(f)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = d.Close() }() // of a directory: nothing is lost
	names, err := d.Names()
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	page := []blocks.Entry{}
	for _, name := range names {
		if len(page) == limit {
			break
		}
		id, ok := blocks.ParseName(name)
		if !ok {
			tidy(d, name)
			continue
		}
		if !blocks.Past(id, after) {
			continue
		}
		modified, err := modified(d, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue // deleted meanwhile
		}
		if err != nil {
			return nil, err
		}
		page = append(page, blocks.Entry{ID: id, Modified: modified})
	}
	return page, nil
}

func modified(d *durable.Dir, name string) (time.Time, error) {
	f, err := d.OpenFile(name)
	if err != nil {
		return time.Time{}, err
	}
	return f.Modified, f.Close()
}

// tidy removes a temporary file that a crash left. It is tried again by the next listing.
func tidy(d *durable.Dir, name string) {
	if _, ok := durable.Leftover(name); !ok {
		return
	}
	if m, err := modified(d, name); err == nil && time.Since(m) > leftoverAge {
		_ = d.Remove(name)
	}
}
