//go:build interop

package reference

import (
	"encoding/hex"
	"strings"
	"time"

	"github.com/seed-73b3884f/parsec-agent/trust"
)

// textKind is a kind of text: what we draw, and what we read.
type textKind struct {
	kind  string
	make  func(*draw) string
	parse func(string) (string, error)
}

// stringer reads a text with a constructor.
func stringer[T interface{ String() string }](construct func(string) (T, error)) func(string) (string, error) {
	return func(s string) (string, error) {
		v, err := construct(s)
		if err != nil {
			return "", err
		}
		return v.String(), nil
	}
}

// id reads an id of a kind.
func id[K trust.Kind](s string) (string, error) {
	v := trust.ID[K]{}
	err := v.UnmarshalText([]byte(s))
	return v.String(), err
}

// idKind takes the kind from an id, which has no name outside.
func idKind[K trust.Kind](kind string, _ trust.ID[K]) textKind {
	return textKind{kind, func(d *draw) string {
		s := hex.EncodeToString(d.sized(16))
		if d.chance(2) {
			s = s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
		}
		return s
	}, id[K]}
}

var textKinds = []textKind{
	{"organization id", func(d *draw) string { return d.strange(14) }, stringer(trust.NewOrganizationID)},
	{"device label", func(d *draw) string { return d.strange(40) }, stringer(trust.NewDeviceLabel)},
	{"human label", func(d *draw) string { return d.strange(40) }, stringer(trust.NewHumanLabel)},
	{"entry name", func(d *draw) string { return d.strange(40) }, stringer(trust.NewEntryName)},
	{"e-mail address", (*draw).email, stringer(trust.NewEmailAddress)},
	{"validation code", func(d *draw) string { return d.from("ABCDEFGHJKLMNPQRSTUVWXYZ23456789", 6) }, func(s string) (string, error) {
		c, err := trust.ParseValidationCode(s)
		return string(c), err
	}},
	{"date and time", (*draw).date, stringer(trust.ParseDateTime)},
	{"profile", func(d *draw) string { return pick(d, []string{"ADMIN", "STANDARD", "OUTSIDER"}) }, stringer(trust.ParseProfile)},
	{"role", func(d *draw) string { return pick(d, []string{"OWNER", "MANAGER", "CONTRIBUTOR", "READER"}) }, stringer(trust.ParseRole)},
	{"access token", func(d *draw) string { return d.from("0123456789abcdefABCDEF", 32) }, func(s string) (string, error) {
		token, err := trust.ParseAccessToken(s)
		if err != nil {
			return "", err
		}
		return token.Hex()
	}},
	idKind("user id", trust.UserID{}),
	idKind("device id", trust.DeviceID{}),
	idKind("realm or vlob id", trust.VlobID{}),
	idKind("block id", trust.BlockID{}),
	idKind("sequester service id", trust.SequesterServiceID{}),
	idKind("enrolment id", trust.AsyncEnrollmentID{}),
	idKind("greeting attempt id", trust.GreetingAttemptID{}),
	idKind("TOTP key id", trust.TOTPOpaqueKeyID{}),
}

func (d *draw) from(alphabet string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[d.IntN(len(alphabet))]
	}
	return string(b)
}

// strange has characters of all planes, marks that combine, and Hangul, which has rules of its own.
func (d *draw) strange(most int) string {
	if d.chance(3) {
		return d.word(1, most)
	}
	b := strings.Builder{}
	for range 1 + d.IntN(most) {
		b.WriteRune(pick(d, []rune{
			rune(d.IntN(0x80)), rune(0x80 + d.IntN(0x500)), rune(0x300 + d.IntN(0x70)), rune(0x1100 + d.IntN(0x100)), rune(0xac00 + d.IntN(0x2ba4)),
			rune(0x900 + d.IntN(0x800)), rune(0x1ab0 + d.IntN(0x600)), rune(0xa640 + d.IntN(0x600)), rune(0xf900 + d.IntN(0x6ff)), rune(0x10000 + d.IntN(0x20000)), 'a', 'e', 'é',
		}))
	}
	return b.String()
}

func (d *draw) date() string {
	at := d.time().Time()
	if d.chance(2) {
		at = time.Unix(int64(d.Uint32()), int64(d.IntN(1e9))).In(time.FixedZone("", 60*(d.IntN(1800)-900)))
	}
	return at.Format(pick(d, []string{time.RFC3339Nano, time.RFC3339, "2006-01-02T15:04:05.000Z07:00", "2006-01-02 15:04:05Z07:00", "2006-01-02t15:04:05z"}))
}

// text is a subject that is a text and not bytes.
func text(k textKind, read, made string, mutate func(*draw, string) string) subject {
	return subject{
		kind: k.kind,
		make: func(d *draw) sample {
			return until(func() (sample, error) {
				s := k.make(d)
				_, err := k.parse(s)
				return sample{data: []byte(s)}, err
			})
		},
		made: func(seed uint64) question { return question{Op: made, Kind: k.kind, Seed: seed} },
		sample: func(_ uint64, a answer) (sample, error) {
			return sample{data: []byte(a.Out)}, nil
		},
		read: func(s sample) ([]byte, error) {
			v, err := k.parse(string(s.data))
			return []byte(v), err
		},
		ask:     func(s sample) question { return question{Op: read, Kind: k.kind, Data: string(s.data)} },
		written: func(a answer) ([]byte, error) { return []byte(a.Out), nil },
		mutate: func(d *draw, s sample) sample {
			if d.chance(2) {
				s.data = []byte(k.make(d))
			}
			if d.chance(4) {
				return s
			}
			s.data = []byte(strings.ToValidUTF8(mutate(d, string(s.data)), "?"))
			return s
		},
	}
}

func texts() []subject {
	all := []subject{}
	for _, k := range textKinds {
		s := text(k, "read_text", "make_text", (*draw).mutateText)
		all = append(all, s)
	}
	return all
}

var textPieces = []string{
	" ", "\t", "\n", "\x00", "-", "{", "}", "urn:uuid:", "A", "a", "0", ".", "..", "/", "@", "é", "e\u0301", "\u200d", "\u200c", "ſ", "İ", "(", ")", `"`, `\`, "<", ">", ":", "+00:00", "Z",
	"T", "+", strings.Repeat("x", 20), strings.Repeat("é", 130), "\U000105d2\u0307", "\U00016d63",
}

// mutateText changes, removes, doubles or inserts.
func (d *draw) mutateText(s string) string {
	b := []byte(s)
	for range 1 + d.IntN(3) {
		if len(b) == 0 {
			return ""
		}
		at := d.IntN(len(b))
		n := 1 + d.IntN(min(8, len(b)-at))
		piece := pick(d, textPieces)
		switch d.IntN(7) {
		case 0:
			b = append(b[:at:at], append([]byte(piece), b[at:]...)...)
		case 1:
			b = append(b[:at:at], b[at+n:]...)
		case 2:
			b = append(b[:at:at], append([]byte(piece), b[at+n:]...)...)
		case 3:
			b[at] ^= 0x20
		case 4:
			b = append([]byte(piece), b...)
		case 5:
			b = append(b, piece...)
		case 6:
			b = []byte(pick(d, []string{"{", "urn:uuid:", "(", "<"}) + string(b) + pick(d, []string{"}", "", ")", ">"}))
		}
	}
	return string(b)
}
