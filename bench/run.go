package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2" //nolint:depguard // the order of loads is no secret
	"os"
	"path/filepath"
	"strings"
	"time"
)

// results are everything that was measured.
type results struct {
	Machine machine          `json:"machine"`
	When    time.Time        `json:"when"`
	Each    string           `json:"each"`
	Loads   []loaded         `json:"loads"`
	Rest    map[string]*rest `json:"rest"`
	Goals   []goal           `json:"goals"`
}

// loaded is a cell with its samples, one for each round.
type loaded struct {
	cell
	Samples []sample `json:"samples"`
}

// startTries is how often each service is started for its start-up time.
const startTries = 7

func run(ctx context.Context, o options, out io.Writer) error {
	if o.trust {
		if err := runTrust(ctx, o, out); err != nil {
			return err
		}
	}
	if o.server {
		if err := runServer(ctx, o, out); err != nil {
			return err
		}
	}
	if o.people {
		if err := runPeople(ctx, o, out); err != nil {
			return err
		}
	}
	if o.service {
		return runService(ctx, o, out)
	}
	return nil
}

func runService(ctx context.Context, o options, out io.Writer) (err error) {
	b, err := makeBed(ctx, o)
	if b != nil {
		defer func() { err = errors.Join(err, b.close()) }()
	}
	if err != nil {
		return err
	}
	subjects, err := b.subjects(ctx)
	if err != nil {
		return err
	}
	res := &results{Machine: thisMachine(), When: time.Now().UTC().Truncate(time.Second), Each: o.each.String(), Rest: map[string]*rest{}}
	defer func() {
		for _, s := range subjects {
			err = errors.Join(err, s.stop())
		}
	}()
	if err := res.measure(ctx, o, subjects); err != nil {
		return err
	}
	res.Goals = goals(res)
	if err := save(o.out, res); err != nil {
		return err
	}
	res.print(out)
	if o.profile != "" {
		return profiles(ctx, b, o, out)
	}
	return nil
}

// measure takes all measurements in turn.
func (r *results) measure(ctx context.Context, o options, subjects []*subject) error {
	byName := map[string]*subject{}
	for _, s := range subjects {
		byName[s.name] = s
		if s.start == nil {
			continue
		}
		times, err := startTimes(ctx, s, startTries)
		if err != nil {
			return err
		}
		r.Rest[s.name] = &rest{StartMS: times}
		if err := s.run(ctx); err != nil {
			return err
		}
		if r.Rest[s.name].Fresh, err = s.process.Usage(); err != nil {
			return err
		}
	}
	for _, c := range cells(subjects) {
		r.Loads = append(r.Loads, loaded{cell: c})
	}
	for range o.rounds {
		// A busy original takes a processor from everybody: it runs only while it is measured.
		for _, i := range rand.Perm(len(r.Loads)) { //nolint:gosec // the order of loads is no secret
			l := &r.Loads[i]
			if err := pauseOthers(subjects, byName[l.Subject]); err != nil {
				return err
			}
			got, err := measure(ctx, byName[l.Subject], l.cell, o.each)
			if err != nil {
				return err
			}
			l.Samples = append(l.Samples, got)
		}
	}
	if err := pauseOthers(subjects, nil); err != nil {
		return err
	}
	return watch(ctx, subjects, o.idle, r.Rest)
}

// save writes the raw numbers.
func save(path string, numbers any) error {
	b, err := json.MarshalIndent(numbers, "", " ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // results are public
		return err
	}
	return os.WriteFile(path, append(b, '\n'), 0o644) //nolint:gosec // results are public
}

// profiles repeats the loads on our agent under the profiler, one file for each.
func profiles(ctx context.Context, b *bed, o options, out io.Writer) error {
	if err := os.MkdirAll(o.profile, 0o750); err != nil {
		return err
	}
	dir, err := filepath.Abs(o.profile)
	if err != nil {
		return err
	}
	cells := []cell{{ours, p256, 1, false}, {ours, p256, 8, true}, {ours, rsa2048, 8, true}, {ours, ping, 1, false}}
	if o.hardware {
		cells = append(cells, cell{oursHardware, hsmP256, 8, true}, cell{oursHardware, tpmP256, 8, true})
	}
	for _, c := range cells {
		keep := "oneshot"
		if c.Keep {
			keep = "kept"
		}
		file := filepath.Join(dir, strings.NewReplacer(" ", "-", ",", "").Replace(fmt.Sprintf("%s-%d-%s.pprof", c.Work, c.Clients, keep)))
		s, err := b.profiled(ctx, c.Subject, file)
		if err != nil {
			return err
		}
		if err := s.run(ctx); err != nil {
			return err
		}
		_, err = measure(ctx, s, c, 5*o.each)
		if err = errors.Join(err, s.stop()); err != nil {
			return err
		}
		fmt.Fprintf(out, "profile of %v: go tool pprof -top %s\n", c, file)
	}
	return nil
}
