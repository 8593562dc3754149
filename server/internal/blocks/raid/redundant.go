package raid

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"

	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Options of a set that has redundancy.
type Options struct {
	// PartialCreate lets Create succeed while as many nodes fail as reading can do without.
	PartialCreate bool
	// Log is told of nodes that fail.
	Log *slog.Logger
}

// Redundant is RAID1 or RAID5: every node has its part of every block, and some parts
// suffice.
type Redundant struct {
	nodes   []*node
	need    int // how many parts suffice
	partial bool
	cut     func(data []byte) [][]byte
	join    func(parts [][]byte) ([]byte, error)
	slow    sync.WaitGroup // reads that nobody waits for any more
}

var _ blocks.Store = (*Redundant)(nil)

// NewMirror makes RAID1 of at least one store: every node has every block.
func NewMirror(stores []blocks.Store, o Options) (*Redundant, error) {
	if len(stores) < 1 {
		return nil, errors.New("RAID1 needs at least one node")
	}
	n := len(stores)
	return &Redundant{
		nodes: newNodes(stores, o.Log), need: 1, partial: o.PartialCreate,
		cut: func(data []byte) [][]byte { return slices.Repeat([][]byte{data}, n) },
		join: func(parts [][]byte) ([]byte, error) {
			return parts[slices.IndexFunc(parts, func(p []byte) bool { return p != nil })], nil
		},
	}, nil
}

// NewParity makes RAID5 of at least three stores, whose order is part of what it stores.
func NewParity(stores []blocks.Store, o Options) (*Redundant, error) {
	if len(stores) < 3 {
		return nil, fmt.Errorf("RAID5 needs at least 3 nodes, not %d", len(stores))
	}
	n := len(stores)
	return &Redundant{
		nodes: newNodes(stores, o.Log), need: n - 1, partial: o.PartialCreate,
		cut: func(data []byte) [][]byte { return split(data, n) }, join: join,
	}, nil
}

// each does something with all nodes at once and returns their errors.
func (r *Redundant) each(do func(n *node) error) []error {
	errs := make([]error, len(r.nodes))
	var wg sync.WaitGroup
	for i, n := range r.nodes {
		wg.Go(func() { errs[i] = do(n) })
	}
	wg.Wait()
	return errs
}

// Create implements blocks.Store.
func (r *Redundant) Create(ctx context.Context, org trust.OrganizationID, id trust.BlockID, data []byte) error {
	if err := blocks.CheckCreate(ctx, org, data); err != nil {
		return err
	}
	parts := r.cut(data)
	errs := r.each(func(n *node) error { return n.create(ctx, org, id, parts[n.number]) })
	failed := 0
	for _, err := range errs {
		if errors.Is(err, blocks.ErrExists) {
			return blocks.ErrExists
		}
		if err != nil {
			failed++
		}
	}
	if failed == 0 || r.partial && failed <= len(r.nodes)-r.need {
		return nil
	}
	return fmt.Errorf("%d of %d nodes fail: %w", failed, len(r.nodes), errors.Join(errs...))
}

// Delete implements blocks.Store. No node may keep its part.
func (r *Redundant) Delete(ctx context.Context, org trust.OrganizationID, id trust.BlockID) error {
	return errors.Join(r.each(func(n *node) error { return n.note(ctx, n.Delete(ctx, org, id)) })...)
}

// List implements blocks.Store.
func (r *Redundant) List(ctx context.Context, org trust.OrganizationID, after *trust.BlockID, limit int) ([]blocks.Entry, error) {
	return list(ctx, r.nodes, org, after, limit)
}

// Health implements blocks.Store.
func (r *Redundant) Health(ctx context.Context) error {
	return health(ctx, r.nodes, len(r.nodes)-r.need)
}

// Close implements blocks.Store.
func (r *Redundant) Close() error {
	r.slow.Wait()
	return closeAll(r.nodes)
}
