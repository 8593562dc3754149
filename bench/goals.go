package main

import (
	"fmt"
	"slices"
)

// goal is something promised, and whether it was met in this run.
type goal struct {
	What   string  `json:"what"`
	Goal   float64 `json:"goal"`
	Got    float64 `json:"got"`
	Unit   string  `json:"unit"`
	Met    bool    `json:"met"`
	AtMost bool    `json:"at_most"`
}

// median of some numbers, 0 of none.
func median(of []float64) float64 {
	if len(of) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(of))
	if n := len(s); n%2 == 0 {
		return (s[n/2-1] + s[n/2]) / 2
	}
	return s[len(s)/2]
}

// find returns the medians of a load over the rounds; false if it was not measured.
func (r *results) find(c cell) (sample, bool) {
	for _, l := range r.Loads {
		if l.cell != c || len(l.Samples) == 0 {
			continue
		}
		var rate, p50, p99 []float64
		n := 0
		for _, s := range l.Samples {
			rate, p50, p99, n = append(rate, s.PerSecond), append(p50, s.P50), append(p99, s.P99), n+s.Requests
		}
		return sample{median(rate), median(p50), median(p99), n}, true
	}
	return sample{}, false
}

// best returns the most that any configuration of the original does of a load.
func (r *results) best(work string, clients int) (sample, bool) {
	var top sample
	for _, name := range originals {
		if s, ok := r.find(cell{name, work, clients, false}); ok && s.PerSecond > top.PerSecond {
			top = s
		}
	}
	return top, top.PerSecond > 0
}

// goals compares what was measured with what is promised. Goals against what was not
// measured are left out.
func goals(r *results) []goal {
	var all []goal
	atLeast := func(what string, want, got float64, unit string) {
		all = append(all, goal{What: what, Goal: want, Got: got, Unit: unit, Met: got >= want})
	}
	atMost := func(what string, want, got float64, unit string) {
		all = append(all, goal{What: what, Goal: want, Got: got, Unit: unit, Met: got <= want, AtMost: true})
	}
	for _, work := range []string{ping, p256} {
		mine, ok := r.find(cell{ours, work, 1, false})
		theirs, too := r.find(cell{originalDefault, work, 1, false})
		if ok && too {
			atLeast(fmt.Sprintf("%s, one-shot, 1 client: latency p50, original's default : ours", work), 50, theirs.P50/mine.P50, "×")
		}
	}
	mine, ok := r.find(cell{ours, p256, 8, true})
	if theirs, too := r.best(p256, 8); ok && too {
		atLeast("sign P-256, 8 clients: throughput, ours on kept connections : original's best", 4, mine.PerSecond/theirs.PerSecond, "×")
	}
	if only, too := r.find(cell{bare, p256, 8, true}); ok && too {
		atLeast("sign P-256, 8 clients: throughput, ours : a program that only signs", 70, 100*mine.PerSecond/only.PerSecond, "%")
	}
	for _, work := range hardwareWorks {
		mine, ok := r.find(cell{oursHardware, work, 1, false})
		if theirs, too := r.find(cell{originalHardware, work, 1, false}); ok && too && hardwareGoals[work] {
			atLeast(work+", one-shot, 1 client: latency p50, original's default : ours", 10, theirs.P50/mine.P50, "×")
		}
		mine, ok = r.find(cell{oursHardware, work, 8, true})
		if theirs, too := r.best(work, 8); ok && too && hardwareGoals[work] {
			atLeast(work+", 8 clients: throughput, ours on kept connections : original's best", 1.5, mine.PerSecond/theirs.PerSecond, "×")
		}
	}
	rest := r.Rest[ours]
	atMost("idle: wake-ups in 20 s", 1, float64(rest.Wakeups)*20/rest.Seconds, "")
	atMost("memory at rest: resident", 25, float64(rest.Fresh.RSS)/1e6, "MB")
	atMost("start to first ping", 50, median(rest.StartMS), "ms")
	return all
}
