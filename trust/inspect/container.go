package inspect

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/seed-73b3884f/parsec-agent/trust"
	"github.com/seed-73b3884f/parsec-agent/trust/internal/show"
	"github.com/seed-73b3884f/parsec-agent/trust/mpack"
)

// open takes an input apart: armour, lines of text, a list in MessagePack, or one object.
func (w *work) open(b []byte) {
	switch {
	case len(b) == 0:
		w.add(Object{State: Unknown, Reason: "it is empty"})
	case !isText(b):
		if !w.list(b) {
			w.object("", b)
		}
	case strings.Contains(string(b), armour):
		w.armoured(b)
	default:
		w.lines(string(b))
	}
}

// isText reports whether an input is a text of one or more lines.
func isText(b []byte) bool {
	return utf8.Valid(b) && !strings.ContainsFunc(string(b), func(c rune) bool {
		return c != '\n' && c != '\r' && c != '\t' && unicode.IsControl(c)
	})
}

// armour begins the forms in which files of the sequester are kept as texts.
const armour = "-----BEGIN PARSEC "

func (w *work) armoured(b []byte) {
	blocks := 0
	for w.err == nil {
		block, rest := pem.Decode(b)
		if block == nil {
			break
		}
		w.object(fmt.Sprintf("block %d (%s)", blocks, show.Text(block.Type)), block.Bytes)
		blocks++
		b = rest
	}
	if blocks == 0 {
		w.add(Object{State: Unknown, Size: len(b), Reason: "its armour is damaged"})
	}
}

// lines reads an address, or bytes in hexadecimal or base64, from each line.
func (w *work) lines(text string) {
	all := strings.Split(strings.TrimSpace(text), "\n")
	for i, line := range all {
		place := ""
		if len(all) > 1 {
			place = fmt.Sprintf("line %d", i+1)
		}
		if line = strings.TrimSpace(line); line != "" || len(all) == 1 {
			w.line(place, line)
		}
		if w.err != nil {
			return
		}
	}
}

func (w *work) line(place, line string) {
	o, err := address(line)
	if err == nil {
		o.Place, o.State, o.Reason, o.Size = place, Unsigned, "anybody can write an address", len(line)
		w.add(o)
		return
	}
	if b, ok := fromText(line); ok {
		if !w.list(b) {
			w.object(place, b)
		}
		return
	}
	reason := "it is no address, and no bytes in hexadecimal or base64"
	if strings.Contains(line, "://") {
		reason = "it is " + err.Error()
	}
	w.add(Object{Place: place, State: Unknown, Size: len(line), Reason: show.Line(reason)})
}

// fromText reads hexadecimal digits, or base64 in any of its forms.
func fromText(s string) ([]byte, bool) {
	if b, err := hex.DecodeString(s); err == nil {
		return b, len(b) > 0
	}
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		if b, err := encoding.DecodeString(s); err == nil {
			return b, len(b) > 0
		}
	}
	return nil, false
}

func hexKey(s string) (trust.VerifyKey, bool) {
	b, err := hex.DecodeString(strings.TrimSpace(s))
	if err != nil || len(b) != trust.KeySize {
		return trust.VerifyKey{}, false
	}
	return trust.VerifyKey(b), true
}

// Fields of an answer to certificate_get.
var answer = []mpack.Field{
	{Name: "status"},
	{Name: "common_certificates"},
	{Name: "sequester_certificates"},
	{Name: "shamir_recovery_certificates"},
	{Name: "realm_certificates"},
}

var errShape = errors.New("it is no list")

// list reads a list of certificates in MessagePack, or the answer of a server to certificate_get, and reports whether it was one.
func (w *work) list(b []byte) bool {
	found := []located{}
	r := mpack.NewReader(b)
	switch {
	case isArray(b):
		found = elements(r, "", found)
	case isMap(b):
		found = certificates(r)
	default:
		return false
	}
	if r.End() != nil || len(found) == 0 {
		return false
	}
	for _, l := range found {
		w.object(l.place, l.data)
		if w.err != nil {
			break
		}
	}
	return true
}

type located struct {
	place string
	data  []byte
}

func isArray(b []byte) bool { return b[0]>>4 == 0x9 || b[0] == 0xdc || b[0] == 0xdd }
func isMap(b []byte) bool   { return b[0]>>4 == 0x8 || b[0] == 0xde || b[0] == 0xdf }

// elements reads one list of bytes. One more object than there may be is enough to be refused.
func elements(r *mpack.Reader, name string, found []located) []located {
	for i, n := 0, r.Array(MaxInput); i < n && r.Err() == nil; i++ {
		if r.IsText() {
			r.Fail(errShape)
		}
		data := r.Bytes(MaxInput)
		if r.Err() == nil && len(found) <= MaxObjects {
			found = append(found, located{fmt.Sprintf("%s[%d]", name, i), data})
		}
	}
	return found
}

func certificates(r *mpack.Reader) []located {
	found := []located{}
	for f := r.Struct(answer); ; {
		switch i := f.Next(); i {
		case -1:
			return found
		case 0:
			r.Const("ok")
		case len(answer) - 1:
			for n := r.Map(MaxInput); n > 0 && r.Err() == nil; n-- {
				id := trust.RealmID{}
				r.Ext(extUUID, id[:])
				found = elements(r, "realm_certificates."+id.String(), found)
			}
		default:
			found = elements(r, answer[i].Name, found)
		}
	}
}

// extUUID is the type of ids in MessagePack.
const extUUID = 2
