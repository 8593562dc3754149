package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"text/tabwriter"
	"time"
)

// peopleResults are what was measured of devices and enrolment.
type peopleResults struct {
	Machine machine   `json:"machine"`
	When    time.Time `json:"when"`
	// Flows have a step for each round.
	Flows map[string][]step `json:"flows"`
	Agent *peopleAgent      `json:"agent"`
	// Certificates is how many those starts are with.
	Certificates int                    `json:"certificates"`
	Starts       map[string][]coldStart `json:"starts"`
	Goals        []goal                 `json:"goals"`
}

// peopleFile is where the numbers go, beside those of the service.
const peopleFile = "people.json"

// runPeople measures devices and enrolment.
func runPeople(ctx context.Context, o options, out io.Writer) (err error) {
	r := &peopleResults{Machine: thisMachine(), When: time.Now().UTC().Truncate(time.Second), Flows: map[string][]step{}, Starts: map[string][]coldStart{}}
	b, err := makePeopleBed(ctx)
	if b != nil {
		defer func() { err = errors.Join(err, b.close()) }()
	}
	if err != nil {
		return err
	}
	if err := r.measure(ctx, b, o); err != nil {
		return err
	}
	r.Goals = r.goals()
	if err := save(filepath.Join(filepath.Dir(o.out), peopleFile), r); err != nil {
		return err
	}
	r.print(out)
	return nil
}

func (r *peopleResults) measure(ctx context.Context, b *peopleBed, o options) (err error) {
	for range o.rounds * o.peopleRuns {
		took, err := b.flows(ctx)
		if err != nil {
			return err
		}
		for name, s := range took {
			r.Flows[name] = append(r.Flows[name], s)
		}
	}
	if r.Agent, err = b.measureAgent(ctx, o.peopleDevices, o.peopleIdle); err != nil {
		return err
	}
	return r.measureStarts(ctx, b, o)
}

// goals compares what was measured with what is promised.
func (r *peopleResults) goals() []goal {
	rate := float64(r.Agent.Wakeups) / r.Agent.Seconds
	return []goal{{
		What: fmt.Sprintf("agent with %d connected devices, idle: wake-ups in a second", r.Agent.devices()), Goal: 1, Got: rate, Met: rate < 1, AtMost: true,
	}}
}

// devices is how many devices were connected when the wake-ups were counted.
func (m *peopleAgent) devices() int { return m.Usages[len(m.Usages)-1].Devices }

// print writes the report for people.
func (r *peopleResults) print(out io.Writer) {
	printMachine(out, r.Machine, r.When, "one run")
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "flow\truns\tms\tnetwork\tArgon2id\trest\trequests")
	for _, name := range peopleFlows {
		s := medianStep(r.Flows[name])
		fmt.Fprintf(w, "%s\t%d\t%.0f\t%.1f\t%.0f\t%.1f\t%d\n", name, len(r.Flows[name]), s.Total, s.Network, s.Argon2id, s.Rest, s.Requests)
	}
	_ = w.Flush()
	fmt.Fprintln(out)
	fmt.Fprintln(w, "unlocked devices\tresident\tproportional\tprivate\tthreads\tfiles")
	for _, u := range r.Agent.Usages {
		fmt.Fprintf(w, "%d\t%.1f MB\t%.1f MB\t%.1f MB\t%d\t%d\n", u.Devices, megabytes(u.RSS), megabytes(u.PSS), megabytes(u.Private), u.Threads, u.Files)
	}
	_ = w.Flush()
	fmt.Fprintf(out, "\nidle with %d connected devices: %d wake-ups and %d switches of threads in %.0f s, %v of a processor\n\n", r.Agent.devices(), r.Agent.Wakeups, r.Agent.Switches, r.Agent.Seconds,
		r.Agent.Processor)
	r.printStarts(w)
	_ = w.Flush()
	fmt.Fprintln(out)
	printGoals(w, r.Goals)
	_ = w.Flush()
}
