package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2" //nolint:depguard // the order of works is no secret
	"path/filepath"
	"runtime"
	"syscall"
	"text/tabwriter"
	"time"
)

// trustResults are what was measured of room trust.
type trustResults struct {
	Machine machine     `json:"machine"`
	When    time.Time   `json:"when"`
	Each    string      `json:"each"`
	Loads   []trustLoad `json:"loads"`
	Goals   []goal      `json:"goals"`
}

// trustLoad is a work on a number of processors, with a sample for each round.
type trustLoad struct {
	Work       string `json:"work"`
	Processors int    `json:"processors"`
	// Size is how many bytes an operation handles.
	Size    int           `json:"bytes,omitempty"`
	Samples []trustSample `json:"samples"`

	run func(int, time.Time) (int, any, error)
}

// trustSample is what one round gave; what was allocated is for one operation.
type trustSample struct {
	Operations int     `json:"operations"`
	Seconds    float64 `json:"seconds"`
	// CPU is the time of all processors, which says something on a busy machine too.
	CPU         float64 `json:"cpu_seconds"`
	Allocations float64 `json:"allocations"`
	Allocated   float64 `json:"allocated_bytes"`
	// Held is the memory that the result takes, in bytes.
	Held int64 `json:"held_bytes,omitempty"`
}

// trustFile is where the numbers go, beside those of the service.
const trustFile = "trust.json"

// runTrust measures room trust on one and two processors.
func runTrust(ctx context.Context, o options, out io.Writer) error {
	r := &trustResults{Machine: thisMachine(), When: time.Now().UTC().Truncate(time.Second), Each: o.each.String()}
	works, err := trustWorks(o.trustCertificates, o.trustFolders)
	if err != nil {
		return err
	}
	for _, w := range works {
		for processors := 1; processors <= min(2, runtime.NumCPU()); processors++ {
			r.Loads = append(r.Loads, trustLoad{Work: w.name, Processors: processors, Size: w.size, run: w.run})
		}
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for range o.rounds {
		for _, i := range rand.Perm(len(r.Loads)) { //nolint:gosec // the order of works is no secret
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := r.Loads[i].measure(o.each); err != nil {
				return fmt.Errorf("%s: %w", r.Loads[i].Work, err)
			}
		}
	}
	r.Goals = r.goals()
	if err := save(filepath.Join(filepath.Dir(o.out), trustFile), r); err != nil {
		return err
	}
	r.print(out)
	return nil
}

// measure takes one sample.
func (l *trustLoad) measure(each time.Duration) error {
	runtime.GOMAXPROCS(l.Processors)
	before, after := memory(), runtime.MemStats{}
	start, cpu := time.Now(), processTime()
	n, kept, err := l.run(l.Processors, start.Add(each))
	took := time.Since(start)
	cpu = processTime() - cpu
	if err != nil {
		return err
	}
	runtime.ReadMemStats(&after)
	s := trustSample{
		Operations: n, Seconds: took.Seconds(), CPU: cpu.Seconds(),
		Allocations: float64(after.Mallocs-before.Mallocs) / float64(n), Allocated: float64(after.TotalAlloc-before.TotalAlloc) / float64(n),
	}
	if kept != nil {
		s.Held = int64(memory().HeapAlloc) - int64(before.HeapAlloc) //nolint:gosec // sizes of a heap
		runtime.KeepAlive(kept)
	}
	l.Samples = append(l.Samples, s)
	return nil
}

// memory returns what is in use after everything else was collected.
func memory() (m runtime.MemStats) {
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m
}

// processTime is how long this process ran on all processors.
func processTime() time.Duration {
	u := syscall.Rusage{}
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// find returns the medians of a work, for one operation.
func (r *trustResults) find(work string, processors int) (trustSample, int, bool) {
	for _, l := range r.Loads {
		if l.Work == work && l.Processors == processors && len(l.Samples) > 0 {
			of := func(value func(trustSample) float64) float64 {
				var all []float64
				for _, s := range l.Samples {
					all = append(all, value(s))
				}
				return median(all)
			}
			return trustSample{
				Operations:  1,
				Seconds:     of(func(s trustSample) float64 { return s.Seconds / float64(s.Operations) }),
				CPU:         of(func(s trustSample) float64 { return s.CPU / float64(s.Operations) }),
				Allocations: of(func(s trustSample) float64 { return s.Allocations }),
				Allocated:   of(func(s trustSample) float64 { return s.Allocated }),
				Held:        int64(of(func(s trustSample) float64 { return float64(s.Held) })),
			}, l.Size, true
		}
	}
	return trustSample{}, 0, false
}

// goals compares blocks with the bare cryptography, by the time that processors worked.
func (r *trustResults) goals() (all []goal) {
	for _, pair := range [][2]string{{sealBlock, sealBlockBare}, {openBlock, openBlockBare}} {
		for processors := 1; processors <= 2; processors++ {
			mine, _, ok := r.find(pair[0], processors)
			if only, _, too := r.find(pair[1], processors); ok && too {
				got := 100 * only.CPU / mine.CPU
				all = append(all, goal{
					What: fmt.Sprintf("%s of 512 KiB, processors: %d, secretbox and SHA-256 in sequence : ours", pair[0], processors),
					Goal: 95, Got: got, Unit: "%", Met: got >= 95,
				})
			}
		}
	}
	return all
}

// print writes the report for people.
func (r *trustResults) print(out io.Writer) {
	printMachine(out, r.Machine, r.When, r.Each)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "work\tprocessors\tper second\tµs each\tCPU µs each\tGB/s\tGB each CPU s\tallocations each\tbytes allocated each\tMB held")
	for _, l := range r.Loads {
		s, size, ok := r.find(l.Work, l.Processors)
		if !ok {
			continue
		}
		rate, held := "\t", ""
		if size > 0 {
			rate = fmt.Sprintf("%.3f\t%.3f", float64(size)/s.Seconds/1e9, float64(size)/s.CPU/1e9)
		}
		if s.Held > 0 {
			held = fmt.Sprintf("%.1f", megabytes(s.Held))
		}
		fmt.Fprintf(w, "%s\t%d\t%.0f\t%.2f\t%.2f\t%s\t%.1f\t%.0f\t%s\n", l.Work, l.Processors, 1/s.Seconds, 1e6*s.Seconds, 1e6*s.CPU, rate, s.Allocations, s.Allocated, held)
	}
	_ = w.Flush()
	fmt.Fprintln(out)
	printGoals(w, r.Goals)
	_ = w.Flush()
}
