package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/seed-73b3884f/parsec-agent/agentd/agentdtest"
)

// rest is what a service costs without load.
type rest struct {
	// StartMS is the time from start to the first answered ping, of each try.
	StartMS []float64 `json:"start_ms"`
	// Fresh is the memory after the start, in bytes; Loaded after all loads.
	Fresh  agentdtest.Usage `json:"fresh"`
	Loaded agentdtest.Usage `json:"loaded"`
	// Wakeups is how often a thread woke up while nobody asked for anything, in Seconds.
	Wakeups int64   `json:"wakeups"`
	Seconds float64 `json:"seconds"`
}

// startTimes starts and stops a subject some times; it must be new or stopped.
func startTimes(ctx context.Context, s *subject, n int) ([]float64, error) {
	var out []float64
	for range n {
		begin := time.Now()
		p, err := s.start(ctx)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.name, err)
		}
		out = append(out, microseconds(time.Since(begin))/1e3)
		if err := p.Stop(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// settle is how long after a load a service may still tidy up.
const settle = 3 * time.Second

// watch counts the wake-ups of all subjects at the same time.
func watch(ctx context.Context, subjects []*subject, idle time.Duration, out map[string]*rest) error {
	wait := func(d time.Duration) error {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(d):
			return nil
		}
	}
	if err := wait(settle); err != nil {
		return err
	}
	before := map[string]agentdtest.Usage{}
	subjects = slices.DeleteFunc(slices.Clone(subjects), func(s *subject) bool { return s.process == nil })
	for _, s := range subjects {
		u, err := s.process.Usage()
		if err != nil {
			return err
		}
		before[s.name] = u
	}
	begin := time.Now()
	if err := wait(idle); err != nil {
		return err
	}
	for _, s := range subjects {
		u, err := s.process.Usage()
		if err != nil {
			return err
		}
		out[s.name].Loaded = u
		out[s.name].Wakeups, out[s.name].Seconds = u.Wakeups-before[s.name].Wakeups, time.Since(begin).Seconds()
	}
	return nil
}
