package trust

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/seed-73b3884f/parsec-agent/trust/mpack"
)

// DateTime is a moment in microseconds, as signed data has it.
type DateTime struct{ micros int64 }

// The calendar of the reference ends at these moments, in microseconds since 1970.
const (
	minMicros = -8334601228800000000
	maxMicros = 8210266876799999999
)

// ErrDateTime is what a moment outside of the calendar gives, or a text that is none.
var ErrDateTime = errors.New("this is no date and time")

// DateTimeFromMicros returns the moment so many microseconds after 1970.
func DateTimeFromMicros(micros int64) (DateTime, error) {
	if micros < minMicros || micros > maxMicros {
		return DateTime{}, ErrDateTime
	}
	return DateTime{micros}, nil
}

// DateTimeOf returns the moment, without what is shorter than a microsecond.
func DateTimeOf(t time.Time) (DateTime, error) {
	const limit = minMicros / 1_000_000 // seconds; UnixMicro is not defined far outside
	if t.Unix() < limit || t.Unix() > -limit {
		return DateTime{}, ErrDateTime
	}
	return DateTimeFromMicros(t.UnixMicro())
}

// ParseDateTime reads RFC 3339 with a zone, and years beyond its four digits behind a sign, as String writes them.
func ParseDateTime(text string) (DateTime, error) {
	const far = 300_000 // beyond the calendar, and no overflow below
	year, rest, found := cutYear(strings.ToUpper(text))
	if !found || year < -far || year > far {
		return DateTime{}, ErrDateTime
	}
	// The calendar repeats itself every 400 years.
	const cycle, days, like = 400, 146097, 2000
	cycles := year / cycle
	if year%cycle < 0 {
		cycles--
	}
	t, err := time.Parse(time.RFC3339Nano, strconv.Itoa(like+year-cycles*cycle)+rest)
	if err != nil {
		return DateTime{}, ErrDateTime
	}
	micros := t.UnixMicro() + int64(cycles-like/cycle)*days*24*time.Hour.Microseconds()
	return DateTimeFromMicros(micros)
}

// cutYear takes the year off a date: four digits, or up to six behind a sign.
func cutYear(text string) (year int, rest string, found bool) {
	digits := text
	signed := len(text) > 0 && (text[0] == '+' || text[0] == '-')
	if signed {
		digits = text[1:]
	}
	n := strings.IndexByte(digits, '-')
	const usual, most = 4, 6
	if n < usual || n > most || n > usual && !signed {
		return 0, "", false
	}
	year, err := strconv.Atoi(digits[:n])
	if err != nil || digits[0] == '+' {
		return 0, "", false
	}
	if text[0] == '-' {
		year = -year
	}
	return year, digits[n:], true
}

// Micros returns the microseconds since 1970.
func (d DateTime) Micros() int64 { return d.micros }

// Time returns the moment in UTC.
func (d DateTime) Time() time.Time { return time.UnixMicro(d.micros).UTC() }

// Compare orders moments.
func (d DateTime) Compare(o DateTime) int {
	switch {
	case d.micros < o.micros:
		return -1
	case d.micros > o.micros:
		return 1
	}
	return 0
}

// Before reports whether the moment is earlier.
func (d DateTime) Before(o DateTime) bool { return d.micros < o.micros }

// After reports whether the moment is later.
func (d DateTime) After(o DateTime) bool { return d.micros > o.micros }

// Add returns a moment later, at most the last of the calendar.
func (d DateTime) Add(by time.Duration) DateTime {
	sum := d.micros + by.Microseconds() // a duration is less than 300 years: no overflow
	return DateTime{max(minMicros, min(maxMicros, sum))}
}

// String returns RFC 3339 in UTC with 0, 3 or 6 decimals. A year that has not four digits is written with its sign.
func (d DateTime) String() string {
	layout := "-01-02T15:04:05Z"
	switch {
	case d.micros%1000 != 0:
		layout = "-01-02T15:04:05.000000Z"
	case d.micros%1_000_000 != 0:
		layout = "-01-02T15:04:05.000Z"
	}
	t := d.Time()
	year := fmt.Sprintf("%04d", t.Year())
	if t.Year() < 0 || t.Year() > 9999 {
		year = fmt.Sprintf("%+05d", t.Year())
	}
	return year + t.Format(layout)
}

// MarshalText is String.
func (d DateTime) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

func decodeDateTime(r *mpack.Reader, d *DateTime) {
	b := [8]byte{}
	r.Ext(extDateTime, b[:])
	moment, err := DateTimeFromMicros(int64(binary.BigEndian.Uint64(b[:]))) //nolint:gosec // two's complement
	if err != nil {
		r.Fail(err)
	}
	*d = moment
}

func encodeDateTime(w *mpack.Writer, d *DateTime) {
	b := [8]byte{}
	binary.BigEndian.PutUint64(b[:], uint64(d.micros)) //nolint:gosec // two's complement
	w.Ext(extDateTime, b[:])
}
