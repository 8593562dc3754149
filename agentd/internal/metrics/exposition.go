package metrics

import (
	"io"
	"runtime"
	"strings"

	"github.com/seed-73b3884f/parsec-agent/internal/prometheus"
	"github.com/seed-73b3884f/parsec-agent/proto/agent"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// opName returns the label of a row.
func opName(row int) string {
	op := wire.Opcode(row) //nolint:gosec // a small number
	if row >= originalOps {
		op = wire.FirstAgentOpcode + wire.Opcode(row-originalOps) //nolint:gosec // a small number
	}
	if name := agent.Name(op); row != unknownOp && !strings.HasPrefix(name, "opcode ") {
		return name
	}
	return "unknown"
}

// statusName returns the label of a column.
func statusName(column int) string {
	s := wire.Status(column) //nolint:gosec // a small number
	if column >= serviceCodes {
		s = wire.StatusGenericError + wire.Status(column-serviceCodes) //nolint:gosec // a small number
	}
	if column != unknownStatus && s.Known() {
		return s.String()
	}
	return "unknown"
}

// WriteTo writes all metrics. Counters that are zero are left out.
func (m *Metrics) WriteTo(w io.Writer) (int64, error) {
	e := prometheus.NewText()
	e.Family("parsec_build_info", "gauge", "What is running; always 1.")
	e.Sample("parsec_build_info", 1, "version", m.version, "go_version", runtime.Version())
	e.Family("parsec_start_time_seconds", "gauge", "When the agent was started, seconds since the epoch.")
	e.Sample("parsec_start_time_seconds", float64(m.started.UnixMilli())/1000)
	m.writeRequests(e)
	m.writeLatency(e)
	m.writeGauges(e)
	e.Process()
	return e.WriteTo(w)
}

// writeRequests merges the rows, then the columns, of one name.
func (m *Metrics) writeRequests(e *prometheus.Text) {
	e.Family("parsec_requests_total", "counter", "Requests by operation and the status they were answered with.")
	for row := range m.requests {
		if row != unknownOp && opName(row) == "unknown" {
			continue
		}
		counts := map[string]uint64{}
		for column := range m.requests[row] {
			for _, r := range rows(row) {
				counts[statusName(column)] += m.requests[r][column].Load()
			}
		}
		for column := range m.requests[row] {
			status := statusName(column)
			if n := counts[status]; n > 0 {
				e.Sample("parsec_requests_total", float64(n), "operation", opName(row), "status", status)
				counts[status] = 0
			}
		}
	}
}

// rows returns the rows that are shown together with one.
func rows(row int) []int {
	if row != unknownOp {
		return []int{row}
	}
	var all []int
	for r := range operations {
		if opName(r) == "unknown" {
			all = append(all, r)
		}
	}
	return all
}

func (m *Metrics) writeLatency(e *prometheus.Text) {
	const name = "parsec_request_duration_seconds"
	e.Family(name, "histogram", "Time from the first byte of a request to its answer.")
	for row := range m.latency {
		if row != unknownOp && opName(row) == "unknown" {
			continue
		}
		var counts prometheus.Counts
		for _, r := range rows(row) {
			counts.Add(&m.latency[r])
		}
		e.Histogram(name, &counts, "operation", opName(row))
	}
}

func (m *Metrics) writeGauges(e *prometheus.Text) {
	g := m.gauges()
	e.Family("parsec_connections", "gauge", "Connections open now.")
	e.Sample("parsec_connections", float64(g.Connections))
	e.Family("parsec_limit_refusals_total", "counter", "Connections and requests that a limit turned away.")
	e.Sample("parsec_limit_refusals_total", float64(g.Refused))
	e.Family("parsec_provider_up", "gauge", "1 when the provider works.")
	for _, p := range g.Providers {
		up := 0.0
		if p.Up {
			up = 1
		}
		e.Sample("parsec_provider_up", up, "provider", p.Name, "kind", p.Kind)
	}
	e.Family("parsec_provider_state", "gauge", "The state of the provider; always 1.")
	for _, p := range g.Providers {
		e.Sample("parsec_provider_state", 1, "provider", p.Name, "kind", p.Kind, "state", p.State)
	}
}
