package guard

import "sync/atomic"

// Counter counts refusals.
type Counter struct{ n atomic.Uint64 }

func (c *Counter) add() uint64 { return c.n.Add(1) }

// Load returns the number.
func (c *Counter) Load() uint64 { return c.n.Load() }

// Refusals counts what was refused, by reason, for metrics.
type Refusals struct {
	Address, Organization, Open, Connections Counter
}
