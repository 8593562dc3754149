// Package prometheus shows numbers in the text format of Prometheus, version 0.0.4: what several programs of the house need of it, written by hand
// (docs/decisions/0007-metrics-exposition.md).
package prometheus

import (
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
)

// ContentType is that of a Text.
const ContentType = "text/plain; version=0.0.4; charset=utf-8"

// Text is an exposition under construction.
type Text struct{ buf []byte }

// NewText returns an empty one.
func NewText() *Text { return &Text{make([]byte, 0, 8<<10)} }

// Family begins a metric: its samples follow.
func (t *Text) Family(name, kind, help string) {
	t.buf = append(t.buf, "# HELP "+name+" "+help+"\n# TYPE "+name+" "+kind+"\n"...)
}

var escape = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

// Sample appends one line; labels are pairs of name and value.
func (t *Text) Sample(name string, value float64, labels ...string) {
	t.buf = append(t.buf, name...)
	for i := 0; i+1 < len(labels); i += 2 {
		separator := `",`
		if i == 0 {
			separator = "{"
		}
		t.buf = append(t.buf, separator+labels[i]+`="`+escape.Replace(strings.ToValidUTF8(labels[i+1], "\uFFFD"))...)
	}
	if len(labels) > 0 {
		t.buf = append(t.buf, `"}`...)
	}
	t.buf = append(t.buf, ' ')
	t.buf = strconv.AppendFloat(t.buf, value, 'g', -1, 64)
	t.buf = append(t.buf, '\n')
}

// Process writes what the names of the field are known for.
func (t *Text) Process() {
	t.Family("go_goroutines", "gauge", "Goroutines that exist.")
	t.Sample("go_goroutines", float64(runtime.NumGoroutine()))
	if b, err := os.ReadFile("/proc/self/statm"); err == nil {
		if f := strings.Fields(string(b)); len(f) > 1 {
			if pages, err := strconv.ParseFloat(f[1], 64); err == nil {
				t.Family("process_resident_memory_bytes", "gauge", "Resident memory.")
				t.Sample("process_resident_memory_bytes", pages*float64(os.Getpagesize()))
			}
		}
	}
	if fds, err := os.ReadDir("/proc/self/fd"); err == nil {
		t.Family("process_open_fds", "gauge", "File descriptors that are open.")
		t.Sample("process_open_fds", float64(len(fds)))
	}
}

// WriteTo writes all of it.
func (t *Text) WriteTo(w io.Writer) (int64, error) {
	n, err := w.Write(t.buf)
	return int64(n), err
}
