package observe

import (
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-73b3884f/parsec-agent/internal/prometheus"
)

// Metrics are the counters of a server.
type Metrics struct {
	started time.Time
	version string
	// more writes numbers that others keep.
	more []func(*prometheus.Text)

	commands  vector[command]
	outcomes  vector[commandOutcome]
	responses vector[response]
	blocks    vector[blockCall]
}

// Labels of the counters.
type (
	command        struct{ family, command string }
	commandOutcome struct {
		command

		status string
	}
	response struct {
		route string
		code  int
	}
	blockCall struct{ operation, outcome string }
)

// New returns counters at zero.
func New(version string) *Metrics { return &Metrics{started: time.Now(), version: version} }

// Add has something written whenever metrics are asked for. It is for before they are served.
func (m *Metrics) Add(write func(*prometheus.Text)) { m.more = append(m.more, write) }

// observe counts a request.
func (m *Metrics) observe(path string, n *Note, code int, took time.Duration) {
	m.responses.of(response{route(path), code}).count.Add(1)
	if n.Command == "" {
		return
	}
	c := command{n.Family, n.Command}
	m.commands.of(c).took.Observe(took)
	m.outcomes.of(commandOutcome{c, outcome(n, code)}).count.Add(1)
}

// routes are the first parts of paths that exist.
var routes = map[string]bool{
	"anonymous": true, "anonymous_server": true, "invited": true, "authenticated": true, "authenticated_account": true, "administration": true,
	"redirect": true, "open": true, "health": true, "style.css": true, "": true,
}

// route is what a path is counted as.
func route(path string) string {
	first, rest, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	switch {
	case first == "authenticated" && strings.HasSuffix(rest, "/events"):
		return "events"
	case first == "":
		return "home"
	case routes[first]:
		return first
	}
	return "other"
}

// maxLabels bounds a vector, should a set of labels not be as fixed as it seems.
const maxLabels = 4096

// vector is a set of counters.
type vector[L comparable] struct {
	mu       sync.RWMutex // guards the map, not what is in it
	counters map[L]*counter
}

// counter counts, and measures where that is asked for.
type counter struct {
	count atomic.Uint64
	took  prometheus.Histogram
}

// of returns the counter with the labels.
func (v *vector[L]) of(labels L) *counter {
	v.mu.RLock()
	c := v.counters[labels]
	v.mu.RUnlock()
	if c != nil {
		return c
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if c := v.counters[labels]; c != nil {
		return c
	}
	if v.counters == nil {
		v.counters = map[L]*counter{}
	}
	if len(v.counters) >= maxLabels {
		return &counter{}
	}
	c = &counter{}
	v.counters[labels] = c
	return c
}

// all returns all counters.
func (v *vector[L]) all() map[L]*counter {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return maps.Clone(v.counters)
}
