package metrics

import (
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/agent"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// ContentType is that of WriteTo's output.
const ContentType = "text/plain; version=0.0.4; charset=utf-8"

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
	e := &exposition{buf: make([]byte, 0, 8<<10)}
	e.family("parsec_build_info", "gauge", "What is running; always 1.")
	e.sample("parsec_build_info", 1, "version", m.version, "go_version", runtime.Version())
	e.family("parsec_start_time_seconds", "gauge", "When the agent was started, seconds since the epoch.")
	e.sample("parsec_start_time_seconds", float64(m.started.UnixMilli())/1000)
	m.writeRequests(e)
	m.writeLatency(e)
	m.writeGauges(e)
	writeProcess(e)
	n, err := w.Write(e.buf)
	return int64(n), err
}

// writeRequests merges the rows, then the columns, of one name.
func (m *Metrics) writeRequests(e *exposition) {
	e.family("parsec_requests_total", "counter", "Requests by operation and the status they were answered with.")
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
				e.sample("parsec_requests_total", float64(n), "operation", opName(row), "status", status)
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

func (m *Metrics) writeLatency(e *exposition) {
	const name = "parsec_request_duration_seconds"
	e.family(name, "histogram", "Time from the first byte of a request to its answer.")
	for row := range m.latency {
		if row != unknownOp && opName(row) == "unknown" {
			continue
		}
		var total uint64
		var sum int64
		var buckets [len(bounds) + 1]uint64
		for _, r := range rows(row) {
			sum += m.latency[r].sum.Load()
			for i := range buckets {
				n := m.latency[r].buckets[i].Load()
				buckets[i] += n
				total += n
			}
		}
		if total == 0 {
			continue
		}
		op, below := opName(row), uint64(0)
		for i, bound := range bounds {
			below += buckets[i]
			e.sample(name+"_bucket", float64(below), "operation", op, "le", strconv.FormatFloat(bound.Seconds(), 'g', -1, 64))
		}
		e.sample(name+"_bucket", float64(total), "operation", op, "le", "+Inf")
		e.sample(name+"_sum", time.Duration(sum).Seconds(), "operation", op)
		e.sample(name+"_count", float64(total), "operation", op)
	}
}

func (m *Metrics) writeGauges(e *exposition) {
	g := m.gauges()
	e.family("parsec_connections", "gauge", "Connections open now.")
	e.sample("parsec_connections", float64(g.Connections))
	e.family("parsec_limit_refusals_total", "counter", "Connections and requests that a limit turned away.")
	e.sample("parsec_limit_refusals_total", float64(g.Refused))
	e.family("parsec_provider_up", "gauge", "1 when the provider works.")
	for _, p := range g.Providers {
		up := 0.0
		if p.Up {
			up = 1
		}
		e.sample("parsec_provider_up", up, "provider", p.Name, "kind", p.Kind)
	}
	e.family("parsec_provider_state", "gauge", "The state of the provider; always 1.")
	for _, p := range g.Providers {
		e.sample("parsec_provider_state", 1, "provider", p.Name, "kind", p.Kind, "state", p.State)
	}
}

// writeProcess writes what the names of the field are known for.
func writeProcess(e *exposition) {
	e.family("go_goroutines", "gauge", "Goroutines that exist.")
	e.sample("go_goroutines", float64(runtime.NumGoroutine()))
	if b, err := os.ReadFile("/proc/self/statm"); err == nil {
		if f := strings.Fields(string(b)); len(f) > 1 {
			if pages, err := strconv.ParseFloat(f[1], 64); err == nil {
				e.family("process_resident_memory_bytes", "gauge", "Resident memory.")
				e.sample("process_resident_memory_bytes", pages*float64(os.Getpagesize()))
			}
		}
	}
	if fds, err := os.ReadDir("/proc/self/fd"); err == nil {
		e.family("process_open_fds", "gauge", "File descriptors that are open.")
		e.sample("process_open_fds", float64(len(fds)))
	}
}

// exposition is a text under construction.
type exposition struct{ buf []byte }

func (e *exposition) family(name, kind, help string) {
	e.buf = append(e.buf, "# HELP "+name+" "+help+"\n# TYPE "+name+" "+kind+"\n"...)
}

var escape = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

// sample appends one line; labels are pairs of name and value.
func (e *exposition) sample(name string, value float64, labels ...string) {
	e.buf = append(e.buf, name...)
	for i := 0; i+1 < len(labels); i += 2 {
		separator := `",`
		if i == 0 {
			separator = "{"
		}
		e.buf = append(e.buf, separator+labels[i]+`="`+escape.Replace(strings.ToValidUTF8(labels[i+1], "\uFFFD"))...)
	}
	if len(labels) > 0 {
		e.buf = append(e.buf, `"}`...)
	}
	e.buf = append(e.buf, ' ')
	e.buf = strconv.AppendFloat(e.buf, value, 'g', -1, 64)
	e.buf = append(e.buf, '\n')
}
