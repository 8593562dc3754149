package prometheus

import (
	"strconv"
	"sync/atomic"
	"time"
)

// bounds are the upper limits of the buckets.
var bounds = [...]time.Duration{
	10 * time.Microsecond, 25 * time.Microsecond, 50 * time.Microsecond, 100 * time.Microsecond, 250 * time.Microsecond,
	500 * time.Microsecond, time.Millisecond, 2500 * time.Microsecond, 10 * time.Millisecond, 50 * time.Millisecond,
	250 * time.Millisecond, time.Second, 5 * time.Second,
}

// Histogram counts durations in buckets, the last one without a limit. It may be used concurrently; count and sum are read one after the other.
type Histogram struct {
	buckets [len(bounds) + 1]atomic.Uint64
	sum     atomic.Int64 // nanoseconds
}

// Observe counts one.
func (h *Histogram) Observe(took time.Duration) {
	h.sum.Add(int64(took))
	for i, bound := range bounds {
		if took <= bound {
			h.buckets[i].Add(1)
			return
		}
	}
	h.buckets[len(bounds)].Add(1)
}

// Counts are those of one or several histograms.
type Counts struct {
	buckets [len(bounds) + 1]uint64
	sum     int64
}

// Add adds those of a histogram.
func (c *Counts) Add(h *Histogram) {
	c.sum += h.sum.Load()
	for i := range c.buckets {
		c.buckets[i] += h.buckets[i].Load()
	}
}

// Histogram writes the samples of one, unless nothing was counted.
func (t *Text) Histogram(name string, c *Counts, labels ...string) {
	total := uint64(0)
	for _, n := range c.buckets {
		total += n
	}
	if total == 0 {
		return
	}
	below, with := uint64(0), func(le string) []string { return append(append([]string{}, labels...), "le", le) }
	for i, bound := range bounds {
		below += c.buckets[i]
		t.Sample(name+"_bucket", float64(below), with(strconv.FormatFloat(bound.Seconds(), 'g', -1, 64))...)
	}
	t.Sample(name+"_bucket", float64(total), with("+Inf")...)
	t.Sample(name+"_sum", time.Duration(c.sum).Seconds(), labels...)
	t.Sample(name+"_count", float64(total), labels...)
}
