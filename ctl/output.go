package ctl

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/seed-73b3884f/parsec-agent/ctl/internal/outfile"
	"github.com/seed-73b3884f/parsec-agent/ctl/internal/terminal"
)

// emit prints a result: v as JSON, or what human writes.
func (p *Program) emit(v any, human func(w io.Writer)) error {
	if !p.global.json {
		human(p.Out)
		return nil
	}
	enc := json.NewEncoder(p.Out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// say confirms something to a person.
func (p *Program) say(format string, args ...any) {
	if !p.global.quiet && !p.global.json {
		fmt.Fprintln(p.Err, printable(fmt.Sprintf(format, args...)))
	}
}

// done is the JSON result of a command that has none of its own.
type done struct {
	Done bool   `json:"done"`
	Key  string `json:"key,omitempty"`
}

// confirm reports that a change was made: as a JSON result, or to a person.
func (p *Program) confirm(key, format string, args ...any) error {
	p.say(format, args...)
	if p.global.json {
		return p.emit(done{Done: true, Key: key}, nil)
	}
	return nil
}

// table aligns columns. Cells are made harmless to the terminal.
type table struct{ w *tabwriter.Writer }

func newTable(w io.Writer, columns ...string) *table {
	t := &table{tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)}
	if len(columns) > 0 {
		t.row(columns...)
	}
	return t
}

func (t *table) row(cells ...string) {
	for i, c := range cells {
		cells[i] = printable(c)
	}
	fmt.Fprintln(t.w, strings.TrimRight(strings.Join(cells, "\t"), "\t"))
}

// flush writes the table; errors of standard output show at the next use of it.
func (t *table) flush() { _ = t.w.Flush() }

// encoding is how bytes are printed.
type encoding string

const (
	encodeRaw    encoding = "raw"
	encodeHex    encoding = "hex"
	encodeBase64 encoding = "base64"
)

func (e encoding) encode(b []byte) []byte {
	switch e {
	case encodeHex:
		return append(hex.AppendEncode(nil, b), '\n')
	case encodeBase64:
		return append(base64.StdEncoding.AppendEncode(nil, b), '\n')
	default:
		return b
	}
}

// sink is where the bytes of a result go.
type sink struct {
	path   string // empty or "-": standard output
	force  bool
	secret bool
}

func (s sink) stdout() bool { return s.path == "" || s.path == "-" }

// deliver writes the bytes of a result. Binary data is not thrown at a terminal: there it
// is printed in base64.
func (p *Program) deliver(s sink, data []byte, text bool) error {
	if !s.stdout() {
		return outfile.Write(s.path, data, outfile.Options{Secret: s.secret, Force: s.force})
	}
	if !text && terminal.Is(p.Out) {
		data = encodeBase64.encode(data)
	}
	_, err := p.Out.Write(data)
	return err
}
