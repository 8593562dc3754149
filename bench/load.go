package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

// cell is one load: a subject, what it is asked for, by how many clients, and whether
// they keep their connections.
type cell struct {
	Subject string `json:"subject"`
	Work    string `json:"work"`
	Clients int    `json:"clients"`
	Keep    bool   `json:"keep"`
}

func (c cell) String() string {
	return fmt.Sprintf("%s, %s, %d clients, keep %t", c.Subject, c.Work, c.Clients, c.Keep)
}

// sample is what one round of a cell gave.
type sample struct {
	PerSecond float64 `json:"per_second"`
	P50       float64 `json:"p50_us"`
	P99       float64 `json:"p99_us"`
	Requests  int     `json:"requests"`
}

// measure runs a load for some time.
func measure(ctx context.Context, s *subject, c cell, each time.Duration) (sample, error) {
	open, err := s.requesters(c)
	if err != nil {
		return sample{}, err
	}
	took := make([][]time.Duration, c.Clients)
	start := time.Now()
	end := start.Add(each)
	group, ctx := errgroup.WithContext(ctx)
	for i := range took {
		group.Go(func() error {
			cl, err := open()
			if err != nil {
				return err
			}
			defer cl.close()
			took[i] = make([]time.Duration, 0, 1<<14)
			for now := time.Now(); now.Before(end) && ctx.Err() == nil; {
				if err := cl.once(); err != nil {
					return fmt.Errorf("%v: %w", c, err)
				}
				next := time.Now()
				took[i] = append(took[i], next.Sub(now))
				now = next
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return sample{}, err
	}
	all := slices.Concat(took...)
	slices.Sort(all)
	if len(all) == 0 {
		return sample{}, fmt.Errorf("%v: no request ended in %v", c, each)
	}
	return sample{
		PerSecond: float64(len(all)) / time.Since(start).Seconds(), Requests: len(all),
		P50: microseconds(all[len(all)/2]), P99: microseconds(all[len(all)*99/100]),
	}, nil
}

// requesters returns what makes the requesters of a load, one for each client.
func (s *subject) requesters(c cell) (func() (requester, error), error) {
	if s.call != nil {
		return func() (requester, error) { return s.call(c.Work) }, nil
	}
	request, err := frame(c.Work, c.Keep)
	return func() (requester, error) { return &client{path: s.socket, frame: request, keep: c.Keep}, nil }, err
}

func microseconds(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }

// cells are all loads.
func cells(subjects []*subject) []cell {
	var all []cell
	for _, s := range subjects {
		switch {
		case s.name == bare:
			all = append(all, loads(s.name, true, p256, rsa2048)...)
		case s.name == bareHardware || s.name == oursHardware:
			for _, w := range s.works {
				all = append(all, cell{s.name, w, 1, true}, cell{s.name, w, 8, true})
				if s.name == oursHardware {
					all = append(all, cell{s.name, w, 1, false})
				}
			}
		case slices.Equal(s.works, hardwareWorks):
			for _, w := range s.works {
				all = append(all, cell{s.name, w, 1, false}, cell{s.name, w, 8, false})
			}
		case s.name == oursNoAudit:
			all = append(all, cell{s.name, p256, 1, true}, cell{s.name, p256, 8, true})
		case s.keeps:
			all = append(all, cell{s.name, ping, 1, false}, cell{s.name, ping, 1, true}, cell{s.name, ping, 8, true})
			all = append(all, loads(s.name, false, p256, rsa2048)...)
			all = append(all, loads(s.name, true, p256, rsa2048, ed25519)...)
		default:
			all = append(all, cell{s.name, ping, 1, false}, cell{s.name, ping, 8, false})
			all = append(all, loads(s.name, false, p256, rsa2048)...)
		}
	}
	return all
}

// loads are some works with 1, 8 and 32 clients.
func loads(name string, keep bool, works ...string) []cell {
	var all []cell
	for _, w := range works {
		for _, n := range []int{1, 8, 32} {
			all = append(all, cell{name, w, n, keep})
		}
	}
	return all
}
