package main

import (
	"context"
	"net/http/httptrace"
	"sync"
	"time"
)

// meter measures for how long a flow waits for the server: from when it wants a connection until the first byte of the answer is there. A flow makes one request at a time.
type meter struct {
	mu       sync.Mutex // guards the fields below
	asked    time.Time  // zero while no request is under way
	network  time.Duration
	requests int
}

// watch returns a context whose requests are measured.
func (m *meter) watch(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.asked = time.Now()
		},
		GotFirstResponseByte: func() {
			m.mu.Lock()
			defer m.mu.Unlock()
			if !m.asked.IsZero() {
				m.network += time.Since(m.asked)
				m.requests++
			}
			m.asked = time.Time{}
		},
	})
}

// step is what one run of a flow took, split. Rest is what is neither network nor Argon2id: our own work, the disk, and in a greeting the waits between questions for the other side.
type step struct {
	Total    float64 `json:"total_ms"`
	Network  float64 `json:"network_ms"`
	Argon2id float64 `json:"argon2id_ms"`
	Rest     float64 `json:"rest_ms"`
	Requests int     `json:"requests"`
}

// measure runs a flow and splits the time that it takes.
func (b *peopleBed) measure(ctx context.Context, flow func(context.Context) error) (step, error) {
	m := &meter{}
	stretched, begin := b.budget.Took(), time.Now()
	err := flow(m.watch(ctx))
	total := time.Since(begin)
	stretched = b.budget.Took() - stretched
	return step{
		Total: milliseconds(total), Network: milliseconds(m.network), Argon2id: milliseconds(stretched), Rest: milliseconds(total - m.network - stretched),
		Requests: m.requests,
	}, err
}

func milliseconds(d time.Duration) float64 { return microseconds(d) / 1e3 }

// medianStep returns the medians of some runs.
func medianStep(all []step) step {
	of := func(value func(step) float64) float64 {
		values := make([]float64, len(all))
		for i, s := range all {
			values[i] = value(s)
		}
		return median(values)
	}
	return step{
		Total: of(func(s step) float64 { return s.Total }), Network: of(func(s step) float64 { return s.Network }), Argon2id: of(func(s step) float64 { return s.Argon2id }),
		Rest: of(func(s step) float64 { return s.Rest }), Requests: int(of(func(s step) float64 { return float64(s.Requests) })),
	}
}
