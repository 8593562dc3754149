package journal

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"

	"github.com/seed-73b3884f/parsec-agent/agentd/config"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// handler is slog.Handler over a Log, with the attributes of its logger.
type handler struct {
	log   *Log
	group string // "a.b." in front of keys
	attrs []member
}

// member is an attribute with its full key.
type member struct {
	key   string
	value slog.Value
}

// Enabled reports whether records of a level are written.
func (h *handler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= h.log.level.Level()
}

// WithGroup returns a handler whose keys begin with the name.
func (h *handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	return &handler{log: h.log, group: h.group + name + ".", attrs: h.attrs}
}

// WithAttrs returns a handler that writes attrs in each line.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	next := &handler{log: h.log, group: h.group, attrs: append([]member(nil), h.attrs...)}
	for _, a := range attrs {
		next.attrs = flatten(next.attrs, h.group, a)
	}
	return next
}

// flatten appends an attribute, or the attributes of a group.
func flatten(to []member, prefix string, a slog.Attr) []member {
	v := a.Value.Resolve()
	if v.Kind() != slog.KindGroup {
		if a.Key == "" {
			return to
		}
		return append(to, member{prefix + a.Key, v})
	}
	if a.Key != "" {
		prefix += a.Key + "."
	}
	for _, b := range v.Group() {
		to = flatten(to, prefix, b)
	}
	return to
}

// line is what one record is made of, kept for the next one.
type line struct {
	buf     []byte
	members []member
}

var lines = sync.Pool{New: func() any { return &line{} }}

// maxKept is the largest buffer that is kept, in bytes.
const maxKept = 16 << 10

// Handle writes a record.
func (h *handler) Handle(_ context.Context, r slog.Record) error {
	l, _ := lines.Get().(*line)
	l.members = append(l.members[:0], h.attrs...)
	r.Attrs(func(a slog.Attr) bool {
		l.members = flatten(l.members, h.group, a)
		return true
	})
	if !h.log.details.Load() {
		l.members = withoutNames(l.members)
	}
	if h.log.options.Format == config.LogJSON {
		l.buf = appendJSON(l.buf[:0], r, l.members)
	} else {
		l.buf = h.log.appendText(l.buf[:0], r, l.members)
	}
	_, err := h.log.Write(l.buf)
	clear(l.members)
	if cap(l.buf) <= maxKept {
		lines.Put(l)
	}
	return err
}

// withoutNames leaves out whose keys it is about.
func withoutNames(members []member) []member {
	kept := members[:0]
	for _, m := range members {
		switch m.key[strings.LastIndexByte(m.key, '.')+1:] {
		case "key", "application":
			continue
		}
		if err, ok := m.value.Any().(error); ok && m.value.Kind() == slog.KindAny {
			m.value = slog.StringValue(withoutObject(err))
		}
		kept = append(kept, m)
	}
	return kept
}

// withoutObject returns the text of an error without the object that it names.
func withoutObject(err error) string {
	text := err.Error()
	if e, ok := errors.AsType[*wire.Error](err); ok && e.Object != "" {
		return strings.ReplaceAll(text, e.Object, "(object)")
	}
	return text
}
