package terminal

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// Progress is a bar on one line of a terminal. The nil Progress shows nothing. It is for
// one goroutine.
type Progress struct {
	out   io.Writer
	label string
	total uint64
	done  uint64
	bytes bool
	begun time.Time
	shown time.Time
	drawn bool
}

// delay is how long work may take without a bar; interval is between two drawings.
const (
	delay    = 500 * time.Millisecond
	interval = 100 * time.Millisecond
	barWidth = 30
)

// NewProgress returns a bar on out, or nil if out is no terminal or quiet is true. bytes
// says that the numbers are bytes.
func NewProgress(out io.Writer, quiet bool, label string, total uint64, bytes bool) *Progress {
	if quiet || !Is(out) {
		return nil
	}
	return &Progress{out: out, label: label, total: total, bytes: bytes, begun: time.Now()}
}

// Set says how much is done, of how much.
func (p *Progress) Set(done, total uint64) {
	if p == nil {
		return
	}
	p.done, p.total = done, total
	now := time.Now()
	if now.Sub(p.begun) < delay || now.Sub(p.shown) < interval {
		return
	}
	p.shown = now
	p.draw()
}

// Write counts bytes, for use with io.TeeReader.
func (p *Progress) Write(b []byte) (int, error) {
	if p != nil {
		p.Set(p.done+uint64(len(b)), p.total)
	}
	return len(b), nil
}

// Finish removes the bar.
func (p *Progress) Finish() {
	if p != nil && p.drawn {
		fmt.Fprint(p.out, "\r\x1b[K")
		p.drawn = false
	}
}

func (p *Progress) draw() {
	p.drawn = true
	amount := p.format(p.done)
	if p.total == 0 || p.done > p.total {
		fmt.Fprintf(p.out, "\r\x1b[K%s %s", p.label, amount)
		return
	}
	filled := int(float64(p.done) / float64(p.total) * barWidth)
	bar := strings.Repeat("=", filled) + strings.Repeat(" ", barWidth-filled)
	fmt.Fprintf(p.out, "\r\x1b[K%s [%s] %s of %s", p.label, bar, amount, p.format(p.total))
}

func (p *Progress) format(n uint64) string {
	if p.bytes {
		return Bytes(n)
	}
	return fmt.Sprint(n)
}

// Bytes formats a size for a person, in powers of 1024.
func Bytes(n uint64) string {
	const unit = 1024
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	value, prefixes := float64(n), "KMGTPE"
	i := -1
	for value >= unit && i < len(prefixes)-1 {
		value /= unit
		i++
	}
	return fmt.Sprintf("%.1f %ciB", value, prefixes[i])
}
