package prometheus_test

import (
	"strings"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/internal/prometheus"
	"github.com/seed-73b3884f/parsec-agent/internal/prometheus/prometheustest"
)

// TestText: labels are escaped, buckets are cumulative, and what was not counted is not shown.
func TestText(t *testing.T) {
	x := prometheus.NewText()
	x.Family("a_total", "counter", "Some.")
	x.Sample("a_total", 1, "name", "so\"ft\n\\\xff", "other", "x")
	x.Sample("a_total", 2.5)
	h, counts := prometheus.Histogram{}, prometheus.Counts{}
	x.Family("b_seconds", "histogram", "Times.")
	x.Histogram("b_seconds", &counts, "of", "nothing")
	for _, took := range []time.Duration{time.Microsecond, time.Millisecond, time.Hour} {
		h.Observe(took)
	}
	counts.Add(&h)
	counts.Add(&h)
	x.Histogram("b_seconds", &counts, "of", "both")
	x.Process()
	b := &strings.Builder{}
	if _, err := x.WriteTo(b); err != nil {
		t.Fatal(err)
	}
	samples := prometheustest.Check(t, b.String())
	for name, want := range map[string]float64{
		`a_total{name="so\"ft\n\\` + "\uFFFD" + `",other="x"}`: 1, "a_total": 2.5, `b_seconds_bucket{of="both",le="1e-05"}`: 2, `b_seconds_bucket{of="both",le="0.001"}`: 4,
		`b_seconds_bucket{of="both",le="+Inf"}`: 6, `b_seconds_count{of="both"}`: 6, `b_seconds_sum{of="both"}`: 7200.002002,
	} {
		if samples[name] != want {
			t.Errorf("%s is %v, want %v", name, samples[name], want)
		}
	}
	if _, shown := samples[`b_seconds_count{of="nothing"}`]; shown || samples["go_goroutines"] < 1 {
		t.Error(b)
	}
}
