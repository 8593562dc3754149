package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"
	"unicode"
	"unicode/utf8"
)

// maxText is how many bytes of a text are shown. What is longer is identified by its
// length and digest.
const maxText = 256

// appendRecord appends the record as one line of JSON.
func appendRecord(b []byte, r *Record) []byte {
	b = append(b, `{"time":"`...)
	b = appendTime(b, r.Time)
	b = append(b, `","event":"request"`...)
	b = appendText(b, `,"app":`, r.Application)
	if r.AuthType != 0 {
		b = appendText(b, `,"auth":`, r.AuthType.String())
	}
	b = append(b, `,"uid":`...)
	b = strconv.AppendUint(b, uint64(r.UID), 10)
	b = append(b, `,"gid":`...)
	b = strconv.AppendUint(b, uint64(r.GID), 10)
	b = append(b, `,"pid":`...)
	b = strconv.AppendInt(b, int64(r.PID), 10)
	b = appendText(b, `,"cgroup":`, r.Cgroup)
	b = appendText(b, `,"operation":`, r.Operation)
	b = appendText(b, `,"provider":`, r.Provider)
	b = appendText(b, `,"key":`, r.Key)
	b = appendText(b, `,"result":`, r.Result.String())
	b = append(b, `,"status":`...)
	b = strconv.AppendUint(b, uint64(r.Result), 10)
	b = appendText(b, `,"reference":`, r.Reference)
	b = append(b, `,"duration_us":`...)
	b = strconv.AppendInt(b, r.Duration.Microseconds(), 10)
	return append(b, "}\n"...)
}

// appendTime appends UTC with microseconds, in the form of RFC 3339.
func appendTime(b []byte, t time.Time) []byte {
	return t.UTC().AppendFormat(b, "2006-01-02T15:04:05.000000Z")
}

// appendText appends a member of an object, or nothing for an empty text.
func appendText(b []byte, name, s string) []byte {
	if s == "" {
		return b
	}
	b = append(b, name...)
	b = append(b, '"')
	if len(s) <= maxText {
		b = appendQuoted(b, s)
	} else {
		b = appendCut(b, s)
	}
	return append(b, '"')
}

// appendCut appends the beginning of a long text, and what tells it from others.
func appendCut(b []byte, s string) []byte {
	end := maxText
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	b = appendQuoted(b, s[:end])
	digest := sha256.Sum256([]byte(s))
	b = append(b, "... ["...)
	b = strconv.AppendInt(b, int64(len(s)), 10)
	b = append(b, " bytes, sha256:"...)
	b = hex.AppendEncode(b, digest[:8])
	return append(b, ']')
}

const hexDigits = "0123456789abcdef"

// appendQuoted appends the inside of a JSON string. Control and formatting characters,
// which could make a terminal show something else, are escaped; invalid UTF-8 becomes the
// replacement character.
func appendQuoted(b []byte, s string) []byte {
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c < utf8.RuneSelf-1 && c != '"' && c != '\\' {
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if c >= utf8.RuneSelf && r != utf8.RuneError && unicode.IsPrint(r) {
			i += size
			continue
		}
		b = append(b, s[start:i]...)
		b = appendEscaped(b, r)
		i += size
		start = i
	}
	return append(b, s[start:]...)
}

func appendEscaped(b []byte, r rune) []byte {
	switch {
	case r == '"' || r == '\\':
		return append(b, '\\', byte(r))
	case r > 0xFFFF: // a surrogate pair
		r -= 0x10000
		b = appendEscaped(b, 0xD800+r>>10)
		return appendEscaped(b, 0xDC00+r&0x3FF)
	default:
		return append(b, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
	}
}
