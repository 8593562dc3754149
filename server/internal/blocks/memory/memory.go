// Package memory keeps blocks in memory, for tests and for trying things out: nothing is
// there after the process. It is the original's MOCKED.
package memory

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

type key struct {
	org trust.OrganizationID
	id  trust.BlockID
}

type value struct {
	data     []byte
	modified time.Time
}

// Store is an empty store at first. It is bounded by what it was made with.
type Store struct {
	limit int64

	mu   sync.Mutex // guards the fields below
	used int64
	all  map[key]value
}

var _ blocks.Store = (*Store)(nil)

// New makes a store of at most limit bytes of content.
func New(limit int64) *Store { return &Store{limit: limit, all: map[key]value{}} }

// Create implements blocks.Store.
func (s *Store) Create(ctx context.Context, org trust.OrganizationID, id trust.BlockID, data []byte) error {
	if err := blocks.CheckCreate(ctx, org, data); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if old, ok := s.all[key{org, id}]; ok {
		if !slices.Equal(old.data, data) {
			return blocks.ErrExists
		}
		return nil
	}
	if s.used+int64(len(data)) > s.limit {
		return fmt.Errorf("%w: its memory of %d bytes is full", blocks.ErrUnavailable, s.limit)
	}
	s.used += int64(len(data))
	s.all[key{org, id}] = value{slices.Clone(data), time.Now()}
	return nil
}

// Read implements blocks.Store.
func (s *Store) Read(ctx context.Context, org trust.OrganizationID, id trust.BlockID) ([]byte, error) {
	if err := blocks.Check(ctx, org); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.all[key{org, id}]
	if !ok {
		return nil, blocks.ErrNotFound
	}
	return slices.Clone(v.data), nil
}

// Delete implements blocks.Store.
func (s *Store) Delete(ctx context.Context, org trust.OrganizationID, id trust.BlockID) error {
	if err := blocks.Check(ctx, org); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used -= int64(len(s.all[key{org, id}].data))
	delete(s.all, key{org, id})
	return nil
}

// List implements blocks.Store.
func (s *Store) List(ctx context.Context, org trust.OrganizationID, after *trust.BlockID, limit int) ([]blocks.Entry, error) {
	if err := blocks.CheckList(ctx, org, limit); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	page := []blocks.Entry{}
	for k, v := range s.all {
		if k.org == org && blocks.Past(k.id, after) {
			page = append(page, blocks.Entry{ID: k.id, Modified: v.modified})
		}
	}
	blocks.Sort(page)
	return page[:min(limit, len(page))], nil
}

// Health implements blocks.Store.
func (*Store) Health(context.Context) error { return nil }

// Close implements blocks.Store.
func (*Store) Close() error { return nil }
