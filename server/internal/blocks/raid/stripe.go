package raid

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Stripe is RAID0: every block is on one node, which follows from its id.
type Stripe struct{ nodes []*node }

var _ blocks.Store = (*Stripe)(nil)

// NewStripe makes a set of at least one store, whose order is part of what it stores.
func NewStripe(stores []blocks.Store, log *slog.Logger) (*Stripe, error) {
	if len(stores) < 1 {
		return nil, errors.New("RAID0 needs at least one node")
	}
	return &Stripe{newNodes(stores, log)}, nil
}

// node returns where a block is: the id as a number, modulo the number of nodes.
func (s *Stripe) node(id trust.BlockID) *node {
	rest := 0
	for _, b := range id {
		rest = (rest<<8 | int(b)) % len(s.nodes)
	}
	return s.nodes[rest]
}

// Create implements blocks.Store.
func (s *Stripe) Create(ctx context.Context, org trust.OrganizationID, id trust.BlockID, data []byte) error {
	return s.node(id).create(ctx, org, id, data)
}

// Read implements blocks.Store.
func (s *Stripe) Read(ctx context.Context, org trust.OrganizationID, id trust.BlockID) ([]byte, error) {
	return s.node(id).read(ctx, org, id)
}

// Delete implements blocks.Store.
func (s *Stripe) Delete(ctx context.Context, org trust.OrganizationID, id trust.BlockID) error {
	n := s.node(id)
	return n.note(ctx, n.Delete(ctx, org, id))
}

// List implements blocks.Store.
func (s *Stripe) List(ctx context.Context, org trust.OrganizationID, after *trust.BlockID, limit int) ([]blocks.Entry, error) {
	return list(ctx, s.nodes, org, after, limit)
}

// Health implements blocks.Store.
func (s *Stripe) Health(ctx context.Context) error { return health(ctx, s.nodes, 0) }

// Close implements blocks.Store.
func (s *Stripe) Close() error { return closeAll(s.nodes) }

// list merges the pages of all nodes. Only all of them together are complete.
func list(ctx context.Context, nodes []*node, org trust.OrganizationID, after *trust.BlockID, limit int) ([]blocks.Entry, error) {
	merged, err := presence(ctx, nodes, org, after, limit)
	if err != nil {
		return nil, err
	}
	page := make([]blocks.Entry, len(merged))
	for i, p := range merged {
		page[i] = p.Entry
	}
	return page, nil
}

// present is a block and the nodes that have something of it.
type present struct {
	blocks.Entry

	on []bool
}

// presence merges the pages of all nodes, and says who has what.
func presence(ctx context.Context, nodes []*node, org trust.OrganizationID, after *trust.BlockID, limit int) ([]present, error) {
	found := map[trust.BlockID]*present{}
	entries := []blocks.Entry{}
	for i, n := range nodes {
		page, err := n.List(ctx, org, after, limit)
		if n.note(ctx, err) != nil {
			return nil, fmt.Errorf("node %d: %w", i, err)
		}
		for _, e := range page {
			p := found[e.ID]
			if p == nil {
				p = &present{e, make([]bool, len(nodes))}
				found[e.ID] = p
				entries = append(entries, e)
			}
			p.on[i] = true
			if e.Modified.After(p.Modified) {
				p.Modified = e.Modified // what is being made is young
			}
		}
	}
	blocks.Sort(entries)
	merged := make([]present, min(limit, len(entries)))
	for i := range merged {
		merged[i] = *found[entries[i].ID]
	}
	return merged, nil
}

// health judges a set that reads while some of its nodes fail.
func health(ctx context.Context, nodes []*node, spare int) error {
	bad := []error{}
	failing := 0
	for i, n := range nodes {
		err := n.Health(ctx)
		if err == nil {
			continue
		}
		bad = append(bad, fmt.Errorf("node %d: %v", i, err))
		if !errors.Is(err, blocks.ErrDegraded) {
			failing++
		}
	}
	switch {
	case failing > spare:
		return blocks.Unavailable(errors.Join(bad...))
	case len(bad) > 0:
		return fmt.Errorf("%w: %w", blocks.ErrDegraded, errors.Join(bad...))
	}
	return nil
}
