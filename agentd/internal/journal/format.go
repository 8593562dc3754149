package journal

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strconv"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/seed-73b3884f/parsec-agent/agentd/config"
)

// maxValue bounds one value of a line in bytes; stacks of panics are the longest.
const maxValue = 8 << 10

// timeLayout is UTC with milliseconds, as the original's log_timestamp.
const timeLayout = "2006-01-02T15:04:05.000Z"

// names of the levels, and the syslog priorities that the journal knows.
func levelName(l slog.Level) (name string, priority byte) {
	switch {
	case l >= slog.LevelError:
		return "ERROR", '3'
	case l >= slog.LevelWarn:
		return "WARN", '4'
	case l >= slog.LevelInfo:
		return "INFO", '6'
	case l >= slog.LevelDebug:
		return "DEBUG", '7'
	default:
		return "TRACE", '7'
	}
}

// appendText appends `<6>message key=value` or `[INFO  parsec] message key=value`.
func (l *Log) appendText(b []byte, r slog.Record, members []member) []byte {
	name, priority := levelName(r.Level)
	if l.options.Format == config.LogJournal {
		b = append(b, '<', priority, '>')
	} else {
		b = append(b, '[')
		if l.options.Timestamp && !r.Time.IsZero() {
			b = r.Time.UTC().AppendFormat(b, timeLayout)
			b = append(b, ' ')
		}
		b = fmt.Appendf(b, "%-5s parsec] ", name)
	}
	b = append(b, printable(r.Message)...)
	for _, m := range members {
		b = append(b, ' ')
		b = append(b, printable(m.key)...)
		b = append(b, '=')
		b = appendValue(b, m.value)
	}
	return append(b, '\n')
}

// printable returns s, quoted when it is not safe in a line.
func printable(s string) string {
	for _, r := range s {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return strconv.Quote(s)
		}
	}
	return s
}

func appendValue(b []byte, v slog.Value) []byte {
	switch v.Kind() {
	case slog.KindInt64:
		return strconv.AppendInt(b, v.Int64(), 10)
	case slog.KindUint64:
		return strconv.AppendUint(b, v.Uint64(), 10)
	case slog.KindBool:
		return strconv.AppendBool(b, v.Bool())
	case slog.KindTime:
		return v.Time().UTC().AppendFormat(b, time.RFC3339Nano)
	default:
		return appendString(b, cut(text(v)))
	}
}

// text returns a value in words.
func text(v slog.Value) string {
	if v.Kind() != slog.KindAny {
		return v.String()
	}
	switch a := v.Any().(type) {
	case nil:
		return ""
	case error:
		return a.Error()
	case fmt.Stringer:
		return a.String()
	default:
		return fmt.Sprint(a)
	}
}

func cut(s string) string {
	if len(s) <= maxValue {
		return s
	}
	return s[:maxValue] + fmt.Sprintf("... [%d bytes]", len(s))
}

// appendString appends s as it is when that is a plain word, else quoted.
func appendString(b []byte, s string) []byte {
	plain := s != ""
	for _, r := range s {
		if r == ' ' || r == '"' || r == '=' || r == '\\' || r == utf8.RuneError || !unicode.IsPrint(r) {
			plain = false
			break
		}
	}
	if plain {
		return append(b, s...)
	}
	return strconv.AppendQuote(b, s)
}

// appendJSON appends an object with time, level and msg before the attributes.
func appendJSON(b []byte, r slog.Record, members []member) []byte {
	name, _ := levelName(r.Level)
	b = append(b, '{')
	if !r.Time.IsZero() {
		b = append(b, `"time":"`...)
		b = r.Time.UTC().AppendFormat(b, timeLayout)
		b = append(b, `",`...)
	}
	b = append(b, `"level":"`...)
	b = append(b, name...)
	b = append(b, `","msg":`...)
	b = appendJSONString(b, r.Message)
	for _, m := range members {
		b = append(b, ',')
		b = appendJSONString(b, m.key)
		b = append(b, ':')
		switch m.value.Kind() {
		case slog.KindInt64, slog.KindUint64, slog.KindBool:
			b = appendValue(b, m.value)
		case slog.KindTime:
			b = append(b, '"')
			b = appendValue(b, m.value)
			b = append(b, '"')
		default:
			b = appendJSONString(b, cut(text(m.value)))
		}
	}
	return append(b, "}\n"...)
}

func appendJSONString(b []byte, s string) []byte {
	q, err := json.Marshal(s)
	if err != nil { // a string always has an encoding
		return append(b, `""`...)
	}
	return append(b, q...)
}
