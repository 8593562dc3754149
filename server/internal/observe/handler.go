package observe

import (
	"context"
	"io"
	"log/slog"
	"net/http"
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
		start, n, seen := time.Now(), &Note{}, &seen{ResponseWriter: w}
		defer func() { // also when the handler gives up
			took := time.Since(start)
			if o.Metrics != nil {
				o.Metrics.observe(r, n, seen.code(), took)
			}
			if o.Access != nil {
				o.log(r, n, seen, took)
			}
		}()
		next.ServeHTTP(seen, r.WithContext(context.WithValue(r.Context(), noteKey{}, n)))
	})
}

// How much of what a peer says is logged.
const (
	maxPath  = 200
	maxAgent = 100
)

// log writes the line of a request.
func (o *Observer) log(r *http.Request, n *Note, s *seen, took time.Duration) {
	attributes := []slog.Attr{
		slog.String("method", r.Method), slog.String("path", cut(r.URL.Path, maxPath)), slog.Int("status", s.code()), slog.Int64("bytes", s.bytes),
		slog.Float64("seconds", took.Seconds()), slog.String("address", guard.ClientOf(r.Context()).Addr.String()),
		slog.String("client", cut(r.UserAgent(), maxAgent)),
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
	o.Access.LogAttrs(r.Context(), slog.LevelInfo, "request", attributes...)
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

	status int
	bytes  int64
}

// Unwrap lets deadlines and flushes reach the connection.
func (s *seen) Unwrap() http.ResponseWriter { return s.ResponseWriter }

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
