package metrics

import (
	"context"
	"net"

	"github.com/seed-73b3884f/parsec-agent/internal/prometheus"
)

// Serve answers GET /metrics on the listener until ctx ends, and closes it.
func (m *Metrics) Serve(ctx context.Context, ln net.Listener) error {
	return prometheus.Serve(ctx, ln, m)
}
