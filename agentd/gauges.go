package agentd

import (
	"github.com/seed-73b3884f/parsec-agent/agentd/internal/metrics"
	"github.com/seed-73b3884f/parsec-agent/providers"
)

// Gauges returns what the metrics show beside the counts of requests.
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
		c := inst.state().Condition
		g.Providers = append(g.Providers, metrics.Provider{
			Name: inst.ref.Name, Kind: inst.ref.ID.String(), Up: c == providers.Ready, State: string(c),
		})
	}
	return g
}
