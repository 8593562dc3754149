package agentd

import (
	"github.com/seed-73b3884f/parsec-agent/agentd/internal/metrics"
)

// Gauges returns what the metrics show beside the counts of requests. A provider that is
// configured and did not come up keeps the service from loading, so those listed are up.
func (s *Service) Gauges() metrics.Gauges {
	var g metrics.Gauges
	if s.ledger != nil {
		g.Connections, g.Refused = s.ledger.total.Load(), s.ledger.refused.Load()
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.current == nil {
		return g
	}
	for _, inst := range s.current.instances {
		g.Providers = append(g.Providers, metrics.Provider{Name: inst.ref.Name, Kind: inst.ref.ID.String(), Up: true})
	}
	return g
}
