package raid

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"

	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// node is one of the stores of a set.
type node struct {
	blocks.Store

	number  int
	log     *slog.Logger
	failing atomic.Bool
}

func newNodes(stores []blocks.Store, log *slog.Logger) []*node {
	nodes := make([]*node, len(stores))
	for i, s := range stores {
		nodes[i] = &node{Store: s, number: i, log: log}
	}
	return nodes
}

// note logs when a node begins to fail and when it works again. What the caller cancelled
// says nothing about the node.
func (n *node) note(ctx context.Context, err error) error {
	fails := errors.Is(err, blocks.ErrUnavailable) || errors.Is(err, blocks.ErrCorrupt)
	if fails && ctx.Err() != nil {
		return err
	}
	switch {
	case fails && n.failing.CompareAndSwap(false, true):
		n.log.WarnContext(ctx, "block store node fails", "node", n.number, "error", err)
	case !fails && n.failing.CompareAndSwap(true, false):
		n.log.InfoContext(ctx, "block store node works again", "node", n.number)
	}
	return err
}

func (n *node) create(ctx context.Context, org trust.OrganizationID, id trust.BlockID, data []byte) error {
	return n.note(ctx, n.Create(ctx, org, id, data))
}

func (n *node) read(ctx context.Context, org trust.OrganizationID, id trust.BlockID) ([]byte, error) {
	data, err := n.Read(ctx, org, id)
	if err == nil && data == nil {
		data = []byte{} // nil means missing
	}
	return data, n.note(ctx, err)
}

// closeAll closes the stores.
func closeAll(nodes []*node) error {
	errs := make([]error, len(nodes))
	for i, n := range nodes {
		errs[i] = n.Close()
	}
	return errors.Join(errs...)
}
