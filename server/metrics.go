package server

import (
	"context"
	"time"

	"github.com/seed-73b3884f/parsec-agent/internal/prometheus"
)

// pingTime is how long the database may take to answer when metrics are asked for.
const pingTime = 2 * time.Second

// writeMetrics writes what the server knows of itself when metrics are asked for.
func (s *Server) writeMetrics(t *prometheus.Text) {
	requests, streams := s.guard.Open()
	for _, g := range []struct {
		name, help string
		value      int
	}{
		{"parsec_server_connections", "Connections open now.", s.connections.Count()},
		{"parsec_server_requests_open", "Requests at work now.", requests},
		{"parsec_server_streams_open", "Streams of events open now.", streams},
		{"parsec_server_listeners", "Devices that listen for events now.", s.broker.Count()},
	} {
		t.Family(g.name, "gauge", g.help)
		t.Sample(g.name, float64(g.value))
	}
	const refusals = "parsec_server_limit_refusals_total"
	t.Family(refusals, "counter", "Connections and requests that a limit turned away.")
	refused := &s.guard.Refused
	for _, r := range []struct {
		limit string
		n     uint64
	}{
		{"address", refused.Address.Load()}, {"connections", refused.Connections.Load()}, {"open", refused.Open.Load()}, {"organization", refused.Organization.Load()},
	} {
		t.Sample(refusals, float64(r.n), "limit", r.limit)
	}
	s.writeDatabase(t)
}

func (s *Server) writeDatabase(t *prometheus.Text) {
	ctx, cancel := context.WithTimeout(context.Background(), pingTime)
	defer cancel()
	up := 1.0
	if s.Ready(ctx) != nil {
		up = 0
	}
	t.Family("parsec_server_database_up", "gauge", "1 when the database answers.")
	t.Sample("parsec_server_database_up", up)
	pool := s.store.Pool()
	if pool == nil {
		return
	}
	const connections = "parsec_server_database_connections"
	t.Family(connections, "gauge", "Connections to PostgreSQL.")
	now := pool.Stat()
	t.Sample(connections, float64(now.AcquiredConns()), "state", "used")
	t.Sample(connections, float64(now.IdleConns()), "state", "idle")
	t.Family("parsec_server_database_wait_seconds_total", "counter", "How long requests waited for a connection to PostgreSQL.")
	t.Sample("parsec_server_database_wait_seconds_total", now.EmptyAcquireWaitTime().Seconds())
}
