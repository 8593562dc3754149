package observe

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/seed-73b3884f/parsec-agent/server/internal/guard"
)

// Observer observes requests.
type Observer struct {
	// Metrics count them, nil for none.
	Metrics *Metrics
	// Access gets a line for each, nil for none.
	Access *slog.Logger
}

// Handler observes what a handler answers. What finds out about clients must come before it.
func (o *Observer) Handler(next http.Handler) http.Handler {
	if o.Metrics == nil && o.Access == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen := &seen{ResponseWriter: w, observer: o, request: r, start: time.Now()}
		defer func() { //nolint:contextcheck // the request has it; also when the handler gives up
			if !seen.lasts {
				o.ended(r.Context(), seen.asked(), seen.code(), seen.bytes)
			}
		}()
		next.ServeHTTP(seen, r.WithContext(context.WithValue(r.Context(), noteKey{}, &seen.note)))
	})
}

// asked is what is observed of a request but its answer.
type asked struct {
	method, path, client string
	address              netip.Addr
	start                time.Time
	note                 Note
}

// ended observes a request that was answered.
func (o *Observer) ended(ctx context.Context, a *asked, code int, bytes int64) {
	took := time.Since(a.start)
	if o.Metrics != nil {
		o.Metrics.observe(a.path, &a.note, code, took)
	}
	if o.Access != nil {
		o.log(ctx, a, code, bytes, took)
	}
}

// How much of what a peer says is logged.
const (
	maxPath  = 200
	maxAgent = 100
)

// log writes the line of a request.
func (o *Observer) log(ctx context.Context, a *asked, code int, bytes int64, took time.Duration) {
	n := &a.note
	attributes := []slog.Attr{
		slog.String("method", a.method), slog.String("path", cut(a.path, maxPath)), slog.Int("status", code), slog.Int64("bytes", bytes),
		slog.Float64("seconds", took.Seconds()), slog.String("address", a.address.String()), slog.String("client", cut(a.client, maxAgent)),
	}
	for _, a := range []slog.Attr{slog.String("organization", n.Organization.String()), slog.String("command", n.Command), slog.String("reply", n.Reply)} {
		if a.Value.String() != "" {
			attributes = append(attributes, a)
		}
	}
	if n.Device != nil {
		attributes = append(attributes, slog.String("device", n.Device.String()))
	}
	if n.User != nil {
		attributes = append(attributes, slog.String("user", n.User.String()))
	}
	o.Access.LogAttrs(ctx, slog.LevelInfo, "request", attributes...)
}

func cut(s string, most int) string {
	if len(s) > most {
		s = s[:most]
	}
	return strings.ToValidUTF8(s, "?")
}

// seen is a response that remembers what was answered.
type seen struct {
	http.ResponseWriter

	observer *Observer
	request  *http.Request
	note     Note
	start    time.Time
	status   int
	bytes    int64
	lasts    bool
}

// Unwrap lets deadlines and flushes reach the connection.
func (s *seen) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// asked is what there is to observe by now.
func (s *seen) asked() *asked {
	r := s.request
	return &asked{r.Method, r.URL.Path, r.UserAgent(), guard.ClientOf(r.Context()).Addr, s.start, s.note}
}

// Last has a response that outlives its handler observed when it has ended. What is kept of the request until then is what is logged.
func (s *seen) Last() (ended func(bytes int64)) {
	s.lasts = true
	o, a := s.observer, s.asked()
	a.path, a.client = strings.Clone(a.path), strings.Clone(cut(a.client, maxAgent))
	return func(bytes int64) { o.ended(context.Background(), a, http.StatusOK, bytes) }
}

// WriteHeader remembers the status.
func (s *seen) WriteHeader(status int) {
	if s.status == 0 && status >= http.StatusOK {
		s.status = status
	}
	s.ResponseWriter.WriteHeader(status)
}

// Write counts.
func (s *seen) Write(p []byte) (int, error) {
	if s.status == 0 {
		s.status = http.StatusOK
	}
	n, err := s.ResponseWriter.Write(p)
	s.bytes += int64(n)
	return n, err
}

// ReadFrom counts what comes from a reader, which the system may send by itself.
func (s *seen) ReadFrom(r io.Reader) (int64, error) {
	if s.status == 0 {
		s.status = http.StatusOK
	}
	n, err := io.Copy(s.ResponseWriter, r)
	s.bytes += n
	return n, err
}

func (s *seen) code() int {
	if s.status == 0 {
		return http.StatusOK
	}
	return s.status
}

// outcome is how a command ended: the status of its reply, or that of HTTP.
func outcome(n *Note, code int) string {
	if n.Reply != "" {
		return n.Reply
	}
	return "HTTP " + strconv.Itoa(code)
}
