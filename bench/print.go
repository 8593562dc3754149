package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// print writes the report for people.
func (r *results) print(out io.Writer) {
	printMachine(out, r.Machine, r.When, r.Each)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "work\tclients\tconnections\tservice\tper second\tp50 µs\tp99 µs\tagainst the original's best")
	for _, work := range append([]string{ping, p256, rsa2048, ed25519}, hardwareWorks...) {
		for _, clients := range []int{1, 8, 32} {
			r.printLoads(w, work, clients)
		}
	}
	_ = w.Flush()
	fmt.Fprintln(out)
	fmt.Fprintln(w, "service\tstart to first ping\tresident\tproportional\tresident after the loads\twake-ups\tthreads")
	for _, name := range append([]string{ours, oursNoAudit, oursHardware, bare}, originals...) {
		if s, ok := r.Rest[name]; ok {
			fmt.Fprintf(w, "%s\t%.1f ms\t%.1f MB\t%.1f MB\t%.1f MB\t%d in %.0f s\t%d\n", name, median(s.StartMS), megabytes(s.Fresh.RSS),
				megabytes(s.Fresh.PSS), megabytes(s.Loaded.RSS), s.Wakeups, s.Seconds, s.Loaded.Threads)
		}
	}
	_ = w.Flush()
	fmt.Fprintln(out)
	r.printOverheads(w)
	_ = w.Flush()
	fmt.Fprintln(out)
	printGoals(w, r.Goals)
	_ = w.Flush()
}

// printMachine says what was measured on, and when.
func printMachine(out io.Writer, m machine, when time.Time, each string) {
	fmt.Fprintf(out, "\n%s, %d processors, Linux %s, %s, %s, %s for each load and round\n\n", m.CPU, m.CPUs, m.Kernel, m.Go,
		when.Format("2006-01-02 15:04 MST"), each)
	if m.busy() {
		fmt.Fprintf(out, "The machine was busy with other things (load %.2f): measure again when it is quiet.\n\n", m.Load)
	}
}

// printGoals says what was promised, and what came of it.
func printGoals(w io.Writer, goals []goal) {
	for _, g := range goals {
		verdict, sign := "met", "≥"
		if !g.Met {
			verdict = "MISSED"
		}
		if g.AtMost {
			sign = "≤"
		}
		fmt.Fprintf(w, "%s\t%s\t%.4g %s\tgoal %s %g %s\n", verdict, g.What, g.Got, g.Unit, sign, g.Goal, g.Unit)
	}
}

func (r *results) printLoads(w io.Writer, work string, clients int) {
	best, known := r.best(work, clients)
	for _, l := range r.Loads {
		if l.Work != work || l.Clients != clients {
			continue
		}
		s, _ := r.find(l.cell)
		keep, ratio := "one-shot", ""
		if l.Keep {
			keep = "kept"
		}
		if known {
			ratio = fmt.Sprintf("%.2f×", s.PerSecond/best.PerSecond)
		}
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%.0f\t%.0f\t%.0f\t%s\n", work, clients, keep, l.Subject, s.PerSecond, s.P50, s.P99, ratio)
	}
}

// printOverheads says what the agent adds to a call of the library or the TPM.
func (r *results) printOverheads(w io.Writer) {
	for _, work := range hardwareWorks {
		only, ok := r.find(cell{bareHardware, work, 1, true})
		if !ok {
			continue
		}
		for _, keep := range []bool{true, false} {
			if mine, ok := r.find(cell{oursHardware, work, 1, keep}); ok {
				fmt.Fprintf(w, "%s, 1 client, kept %t:\tbare call %.0f µs\tours %.0f µs\toverhead %.0f µs\n", work, keep, only.P50, mine.P50, mine.P50-only.P50)
			}
		}
	}
}

func megabytes(n int64) float64 { return float64(n) / 1e6 }
