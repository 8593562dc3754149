// Package metrics counts requests and shows the counts in the text format of Prometheus.
//
// Counting takes a few atomic additions, no lock and no memory. Labels have a fixed set of
// values, so a peer cannot make the counters grow: what is unknown is counted as "unknown".
// No metric holds a name of a key, an application or a uid.
//
// A Metrics may be used concurrently. Numbers that belong together (a histogram's count and
// sum) are read one after the other and may differ by requests that end meanwhile.
package metrics

import (
	"sync/atomic"
	"time"

	"github.com/seed-73b3884f/parsec-agent/internal/prometheus"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// The rows and columns of the counters.
const (
	originalOps = 64 // opcodes of the original, which end at 32
	agentOps    = 64 // opcodes from wire.FirstAgentOpcode
	unknownOp   = originalOps + agentOps
	operations  = unknownOp + 1

	serviceCodes  = 24 // statuses of the service, which end at 22
	psaCodes      = 24 // statuses from wire.StatusGenericError
	unknownStatus = serviceCodes + psaCodes
	statuses      = unknownStatus + 1
)

// Metrics are the counters of one agent. The zero value is not ready, see New.
type Metrics struct {
	version string
	started time.Time
	gauges  func() Gauges

	requests [operations][statuses]atomic.Uint64
	latency  [operations]prometheus.Histogram
}

// Gauges are numbers that somebody else keeps.
type Gauges struct {
	// Connections are open now; Refused were turned away by a limit since the start.
	Connections int64
	Refused     uint64
	Providers   []Provider
}

// Provider tells whether a provider instance works. Kind is the protocol's name, State one
// word.
type Provider struct {
	Name, Kind string
	Up         bool
	State      string
}

// New returns counters at zero. The version is shown; gauges is called at each exposition.
func New(version string, gauges func() Gauges) *Metrics {
	return &Metrics{version: version, started: time.Now(), gauges: gauges}
}

// Observe counts a request that was answered with a status after some time.
func (m *Metrics) Observe(op wire.Opcode, status wire.Status, took time.Duration) {
	row := rowOf(op)
	m.requests[row][columnOf(status)].Add(1)
	m.latency[row].Observe(took)
}

func rowOf(op wire.Opcode) int {
	switch {
	case op < originalOps:
		return int(op)
	case op >= wire.FirstAgentOpcode && op < wire.FirstAgentOpcode+agentOps:
		return originalOps + int(op-wire.FirstAgentOpcode)
	default:
		return unknownOp
	}
}

func columnOf(s wire.Status) int {
	switch {
	case s < serviceCodes:
		return int(s)
	case s >= wire.StatusGenericError && s < wire.StatusGenericError+psaCodes:
		return serviceCodes + int(s-wire.StatusGenericError)
	default:
		return unknownStatus
	}
}
