package guard

import (
	"context"
	"log/slog"
	"math"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Limits are what requests are held to. Zero means no limit.
type Limits struct {
	// PerAddress is for requests of one address, PerOrganization for those of one
	// organisation that were authenticated.
	PerAddress, PerOrganization Rate
	// Requests are at work at once, Streams of events are open at once; in all, and of one
	// address.
	Requests, RequestsPerAddress int
	Streams, StreamsPerAddress   int
	// Time is how long a request may take until it is read and answered. Streams last.
	Time time.Duration
}

// DefaultLimits suit a server of some hundred people behind one address, and 5,000 listeners.
var DefaultLimits = Limits{
	PerAddress: Rate{Burst: 2000, PerSecond: 500}, PerOrganization: Rate{Burst: 5000, PerSecond: 2000},
	Requests: 1024, RequestsPerAddress: 256, Streams: 20000, StreamsPerAddress: 6000, Time: 2 * time.Minute,
}

// answerTime is for the answer of a handler whose time is over.
const answerTime = 10 * time.Second

// table is how many addresses and organisations are remembered.
const table = 1 << 14

// Guard holds requests to limits.
type Guard struct {
	limits            Limits
	stream            func(*http.Request) bool
	log               *slog.Logger
	addresses         *Limiter[netip.Prefix]
	organizations     *Limiter[trust.OrganizationID]
	requests, streams *Open
	Refused           Refusals
}

// New makes a guard. What stream says true of is a stream of events, which may last.
func New(limits Limits, stream func(*http.Request) bool, log *slog.Logger) *Guard {
	return &Guard{
		limits: limits, stream: stream, log: log,
		addresses:     NewLimiter[netip.Prefix](limits.PerAddress, table),
		organizations: NewLimiter[trust.OrganizationID](limits.PerOrganization, table),
		requests:      NewOpen(limits.Requests, limits.RequestsPerAddress),
		streams:       NewOpen(limits.Streams, limits.StreamsPerAddress),
	}
}

// Handler guards a handler. Clients must come before it.
func (g *Guard) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		client := ClientOf(r.Context())
		if !client.Proxy {
			if wait, ok := g.addresses.Allow(network(client.Addr)); !ok {
				g.refuse(w, r, &g.Refused.Address, "too many requests of one address", wait)
				return
			}
		}
		open, stream := g.requests, g.stream(r)
		if stream {
			open = g.streams
		}
		enter := open.Enter
		if client.Proxy {
			enter = open.EnterProxy
		}
		leave, ok := enter(client.Addr)
		if !ok {
			g.refuse(w, r, &g.Refused.Open, "too many open requests", time.Second)
			return
		}
		if stream {
			s := &lasting{ResponseWriter: w, leave: leave}
			defer s.end()
			g.serve(s, r, next, true)
			return
		}
		defer leave()
		g.serve(w, r, next, false)
	})
}

// serve lets a request take its time. A deadline of the one before it on the connection
// does not count for it.
func (g *Guard) serve(w http.ResponseWriter, r *http.Request, next http.Handler, stream bool) {
	control, end, last := http.NewResponseController(w), time.Time{}, time.Time{}
	if !stream && g.limits.Time > 0 {
		end = time.Now().Add(g.limits.Time)
		last = end.Add(answerTime)
		ctx, cancel := context.WithDeadline(r.Context(), end)
		defer cancel()
		r = r.WithContext(ctx)
	}
	// Writers that have no deadlines are not those of a network connection.
	_ = control.SetReadDeadline(end)
	_ = control.SetWriteDeadline(last)
	next.ServeHTTP(w, r)
}

// AllowOrganization counts a request of an organisation and reports false, with the answer
// written, if it is too many. It is for after authentication: before it anybody could
// use up the share of an organisation whose name they know.
func (g *Guard) AllowOrganization(w http.ResponseWriter, r *http.Request, org trust.OrganizationID) bool {
	wait, ok := g.organizations.Allow(org)
	if !ok {
		g.refuse(w, r, &g.Refused.Organization, "too many requests of one organisation", wait)
	}
	return ok
}

// Open returns how many requests and streams are at work.
func (g *Guard) Open() (requests, streams int) { return g.requests.Count(), g.streams.Count() }

// refuse answers what every client tries again. Of a flood only every thousandth is logged.
func (g *Guard) refuse(w http.ResponseWriter, r *http.Request, counter *Counter, why string, wait time.Duration) {
	if n := counter.add(); n%1000 == 1 {
		g.log.WarnContext(r.Context(), "request refused", "reason", why, "address", ClientOf(r.Context()).Addr, "refused_so_far", n)
	}
	w.Header().Set("Retry-After", strconv.Itoa(max(1, int(math.Ceil(wait.Seconds())))))
	http.Error(w, why, http.StatusServiceUnavailable)
}
