package raid

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// hedge is how long a node may take before another one is asked as well.
const hedge = 500 * time.Millisecond

// Read implements blocks.Store.
func (r *Redundant) Read(ctx context.Context, org trust.OrganizationID, id trust.BlockID) ([]byte, error) {
	if err := blocks.Check(ctx, org); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	g := r.gather(ctx, org, id)
	defer g.timer.Stop()
	if err := g.until(ctx, r.need); err != nil {
		return nil, err
	}
	data, err := r.join(g.parts)
	if !errors.Is(err, blocks.ErrCorrupt) {
		return data, err
	}
	// A part that is damaged may show itself beside all the others.
	if g.until(ctx, len(r.nodes)) != nil {
		return nil, err
	}
	bad := odd(g.parts)
	if bad < 0 {
		return nil, err
	}
	_ = r.nodes[bad].note(ctx, fmt.Errorf("its part of block %s: %w", id, blocks.ErrCorrupt))
	g.parts[bad] = nil
	return r.join(g.parts)
}

// part is what one node answers.
type part struct {
	node int
	data []byte
	err  error
}

// gathering collects the parts of a block.
type gathering struct {
	set    *Redundant
	start  func(n *node)
	order  []int // nodes that were not asked yet
	asked  int
	failed []error
	parts  [][]byte
	got    int
	answer chan part
	timer  *time.Timer
}

// gather asks as many nodes as suffice.
func (r *Redundant) gather(ctx context.Context, org trust.OrganizationID, id trust.BlockID) *gathering {
	g := &gathering{
		set: r, order: r.order(id), parts: make([][]byte, len(r.nodes)),
		answer: make(chan part, len(r.nodes)), timer: time.NewTimer(hedge),
	}
	g.start = func(n *node) {
		r.slow.Go(func() {
			data, err := n.read(ctx, org, id)
			g.answer <- part{n.number, data, err}
		})
	}
	for range r.need {
		g.next()
	}
	return g
}

// order returns the nodes as they are to be asked. Mirrors share the work by id; of
// RAID5 the parity comes last, for it is seldom needed.
func (r *Redundant) order(id trust.BlockID) []int {
	order := make([]int, len(r.nodes))
	for i := range order {
		order[i] = i
		if r.need == 1 {
			order[i] = (i + int(id[15])) % len(order)
		}
	}
	return order
}

func (g *gathering) next() {
	if len(g.order) > 0 {
		g.start(g.set.nodes[g.order[0]])
		g.order = g.order[1:]
		g.asked++
	}
}

// until waits for so many parts. Where a node fails, or takes long, the next one is asked.
func (g *gathering) until(ctx context.Context, need int) error {
	for g.asked < need {
		g.next()
	}
	for g.got < need {
		if len(g.parts)-len(g.failed) < need {
			return g.verdict()
		}
		select {
		case p := <-g.answer:
			if p.err != nil {
				g.failed = append(g.failed, fmt.Errorf("node %d: %w", p.node, p.err))
				g.next()
				continue
			}
			g.parts[p.node] = p.data
			g.got++
		case <-g.timer.C:
			g.next()
			g.timer.Reset(hedge)
		case <-ctx.Done():
			return blocks.Unavailable(ctx.Err())
		}
	}
	return nil
}

// verdict is why there are not enough parts: a block that no node knows is not there,
// and neither is one whose creation was never acknowledged.
func (g *gathering) verdict() error {
	for _, err := range g.failed {
		if !errors.Is(err, blocks.ErrNotFound) {
			return fmt.Errorf("%w: %v", blocks.ErrUnavailable, errors.Join(g.failed...))
		}
	}
	return blocks.ErrNotFound
}
