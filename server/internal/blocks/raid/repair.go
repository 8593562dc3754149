package raid

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Repaired counts what Repair did.
type Repaired struct {
	// Seen are all blocks, Restored those that a node lacked and has again, Lost those of
	// which too little is left: creation was never acknowledged, or too many nodes lost it.
	Seen, Restored, Lost int
}

// Repair gives nodes the parts of an organisation's blocks that they lack, such as after a
// disk was replaced or blocks were created partially. All nodes must work. It replaces
// nothing, and may run while the set is used.
func (r *Redundant) Repair(ctx context.Context, org trust.OrganizationID) (Repaired, error) {
	var done Repaired
	var after *trust.BlockID
	for {
		page, err := presence(ctx, r.nodes, org, after, blocks.MaxPage)
		if err != nil {
			return done, err
		}
		for _, p := range page {
			done.Seen++
			if err := r.restore(ctx, org, p, &done); err != nil {
				return done, fmt.Errorf("block %s: %w", p.ID, err)
			}
		}
		if len(page) < blocks.MaxPage {
			return done, nil
		}
		after = &page[len(page)-1].ID
	}
}

func (r *Redundant) restore(ctx context.Context, org trust.OrganizationID, p present, done *Repaired) error {
	whole := true
	for _, on := range p.on {
		whole = whole && on
	}
	if whole {
		return nil
	}
	data, err := r.Read(ctx, org, p.ID)
	if errors.Is(err, blocks.ErrNotFound) || errors.Is(err, blocks.ErrCorrupt) {
		done.Lost++
		return nil
	}
	if err != nil {
		return err
	}
	for i, part := range r.cut(data) {
		if !p.on[i] {
			if err := r.nodes[i].create(ctx, org, p.ID, part); err != nil {
				return fmt.Errorf("node %d: %w", i, err)
			}
		}
	}
	done.Restored++
	return nil
}
