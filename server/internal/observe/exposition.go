package observe

import (
	"cmp"
	"io"
	"maps"
	"runtime"
	"slices"
	"strconv"

	"github.com/seed-73b3884f/parsec-agent/internal/prometheus"
)

// WriteTo writes all metrics (docs/server.md lists them).
func (m *Metrics) WriteTo(w io.Writer) (int64, error) {
	t := prometheus.NewText()
	t.Family("parsec_server_build_info", "gauge", "What is running; always 1.")
	t.Sample("parsec_server_build_info", 1, "version", m.version, "go_version", runtime.Version())
	t.Family("parsec_server_start_time_seconds", "gauge", "When the server was started, seconds since the epoch.")
	t.Sample("parsec_server_start_time_seconds", float64(m.started.UnixMilli())/1000)
	m.writeCommands(t)
	m.writeBlocks(t)
	t.Family("parsec_server_responses_total", "counter", "HTTP answers by route and code.")
	each(&m.responses, func(a, b response) int { return cmp.Or(cmp.Compare(a.route, b.route), cmp.Compare(a.code, b.code)) }, func(r response, c *counter) {
		t.Sample("parsec_server_responses_total", float64(c.count.Load()), "route", r.route, "code", strconv.Itoa(r.code))
	})
	for _, write := range m.more {
		write(t)
	}
	t.Process()
	return t.WriteTo(w)
}

func (m *Metrics) writeCommands(t *prometheus.Text) {
	byName := func(a, b command) int {
		return cmp.Or(cmp.Compare(a.family, b.family), cmp.Compare(a.command, b.command))
	}
	t.Family("parsec_server_commands_total", "counter", "Commands by family, name and the status of the reply, or of HTTP.")
	each(&m.outcomes, func(a, b commandOutcome) int {
		return cmp.Or(byName(a.command, b.command), cmp.Compare(a.status, b.status))
	}, func(o commandOutcome, c *counter) {
		t.Sample("parsec_server_commands_total", float64(c.count.Load()), "family", o.family, "command", o.command.command, "status", o.status)
	})
	t.Family("parsec_server_command_duration_seconds", "histogram", "Time from the headers of a request to its answer.")
	each(&m.commands, byName, func(l command, c *counter) {
		counts := prometheus.Counts{}
		counts.Add(&c.took)
		t.Histogram("parsec_server_command_duration_seconds", &counts, "family", l.family, "command", l.command)
	})
}

func (m *Metrics) writeBlocks(t *prometheus.Text) {
	byName := func(a, b blockCall) int {
		return cmp.Or(cmp.Compare(a.operation, b.operation), cmp.Compare(a.outcome, b.outcome))
	}
	t.Family("parsec_server_block_store_duration_seconds", "histogram", "Time of operations of the block store, by operation and outcome.")
	each(&m.blocks, byName, func(l blockCall, c *counter) {
		counts := prometheus.Counts{}
		counts.Add(&c.took)
		t.Histogram("parsec_server_block_store_duration_seconds", &counts, "operation", l.operation, "outcome", l.outcome)
	})
}

// each calls f for all counters, in order.
func each[L comparable](v *vector[L], order func(a, b L) int, f func(L, *counter)) {
	all := v.all()
	for _, l := range slices.SortedFunc(maps.Keys(all), order) {
		f(l, all[l])
	}
}
