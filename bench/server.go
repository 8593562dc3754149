package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2" //nolint:depguard // the order of loads is no secret
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed-73b3884f/parsec-agent/agentd/agentdtest"
)

// serverResults are what was measured of the metadata server.
type serverResults struct {
	Machine machine      `json:"machine"`
	When    time.Time    `json:"when"`
	Each    string       `json:"each"`
	Loads   []serverLoad `json:"loads"`
	// Rest is the memory of each server that has answered once, in bytes, RestAnonymous what of it is in no file.
	Rest          map[string]int64      `json:"rest"`
	RestAnonymous map[string]int64      `json:"rest_anonymous"`
	Listeners     map[string]*listening `json:"listeners"`
	Goals         []goal                `json:"goals"`
}

// serverLoad is what a server is asked for by so many connections, with a sample for each round.
type serverLoad struct {
	Subject string         `json:"subject"`
	Work    string         `json:"work"`
	Clients int            `json:"clients"`
	Samples []serverSample `json:"samples"`
}

// serverSample is what one round gave: besides rate and times, the processor time of the server for a request, that of PostgreSQL, and the most memory
// that the server had meanwhile, with and without what is in files: pages of programs, which the system can take away and read again.
type serverSample struct {
	sample

	CPU       float64 `json:"cpu_us"`
	Postgres  float64 `json:"postgres_us"`
	Memory    int64   `json:"memory"`
	Anonymous int64   `json:"anonymous"`
}

// serverFile is where the numbers go, beside those of the service.
const serverFile = "server.json"

// runServer measures metadata servers.
func runServer(ctx context.Context, o options, out io.Writer) (err error) {
	r := &serverResults{
		Machine: thisMachine(), When: time.Now().UTC().Truncate(time.Second), Each: o.each.String(), Rest: map[string]int64{}, RestAnonymous: map[string]int64{}, Listeners: map[string]*listening{},
	}
	b, err := makeServerBed(ctx, o)
	if b != nil {
		defer func() { err = errors.Join(err, b.close()) }()
	}
	if err != nil {
		return err
	}
	if o.profile != "" {
		return b.profiles(ctx, o, out)
	}
	if err := r.measure(ctx, b, o); err != nil {
		return err
	}
	r.Goals = r.goals()
	if err := save(filepath.Join(filepath.Dir(o.out), serverFile), r); err != nil {
		return err
	}
	r.print(out)
	return nil
}

// serverNames are the servers that are measured.
func serverNames(o options) []string {
	if !o.original {
		return []string{bareHandler, diskHandler, pgHandler, oursSQLite, oursPostgres}
	}
	return []string{bareHandler, diskHandler, pgHandler, oursSQLite, theirsMemory, oursPostgres, theirsPostgres}
}

// isHandler reports whether a name is that of what stands for a server.
func isHandler(name string) bool {
	return name == bareHandler || name == diskHandler || name == pgHandler
}

// measure starts everything and measures it in turn: small requests, listeners, blocks.
func (r *serverResults) measure(ctx context.Context, b *serverBed, o options) error {
	for _, name := range serverNames(o) {
		s, err := b.start(ctx, name)
		if err != nil {
			return err
		}
		u, err := s.process.Usage()
		if err != nil {
			return err
		}
		r.Rest[name], r.RestAnonymous[name] = u.RSS, u.Anonymous
		if isHandler(name) {
			continue
		}
		if err := s.fill(ctx, o.serverCertificates); err != nil {
			return err
		}
	}
	if err := r.rounds(ctx, b, o, serverWorks); err != nil {
		return err
	}
	for _, s := range b.subjects {
		if s.org == nil || o.listeners == 0 {
			continue
		}
		if err := b.pauseOthers(s); err != nil {
			return err
		}
		var err error
		if r.Listeners[s.name], err = measureListeners(ctx, s, o.listeners); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		if err := s.settle(ctx); err != nil {
			return err
		}
	}
	return r.rounds(ctx, b, o, serverBlocks)
}

// settle waits until a server has done what it does when thousands hang up, for a minute at most.
func (s *serverSubject) settle(ctx context.Context) error {
	const often, little = time.Second, 50 * time.Millisecond
	last, err := s.process.CPU()
	for range int(time.Minute / often) {
		if err != nil {
			return err
		}
		select {
		case <-time.After(often):
		case <-ctx.Done():
			return ctx.Err()
		}
		before := last
		if last, err = s.process.CPU(); last-before < little {
			break
		}
	}
	return err
}

// asked are those of some works that are measured.
func (o options) asked(works []string) []string {
	return slices.DeleteFunc(slices.Clone(works), func(w string) bool { return !strings.Contains(w, o.work) })
}

// rounds measures some works on everything.
func (r *serverResults) rounds(ctx context.Context, b *serverBed, o options, works []string) error {
	address, err := b.postgres.NewDatabase() //nolint:contextcheck // it has a limit of its own
	if err != nil {
		return err
	}
	pg, err := openDatabase(ctx, address)
	if err != nil {
		return err
	}
	defer pg.pool.Close()
	first := len(r.Loads)
	for _, work := range o.asked(works) {
		for _, clients := range []int{1, serverClients} {
			for _, s := range b.subjects {
				if s.name != bareHandler && isHandler(s.name) && !slices.Contains(serverBlocks, work) {
					continue // it differs in blocks alone
				}
				r.Loads = append(r.Loads, serverLoad{Subject: s.name, Work: work, Clients: clients})
			}
			if slices.Contains(serverBlocks, work) {
				r.Loads = append(r.Loads, serverLoad{Subject: barePostgres, Work: work, Clients: clients})
			}
			if work == createBlock {
				r.Loads = append(r.Loads, serverLoad{Subject: bareDisk, Work: work, Clients: clients})
			}
		}
	}
	loads := r.Loads[first:]
	for range o.rounds {
		for _, i := range rand.Perm(len(loads)) { //nolint:gosec // the order of loads is no secret
			got, err := b.sample(ctx, &loads[i], pg, o.each)
			if err != nil {
				return fmt.Errorf("%s, %s, %d clients: %w", loads[i].Subject, loads[i].Work, loads[i].Clients, err)
			}
			loads[i].Samples = append(loads[i].Samples, got)
		}
	}
	return nil
}

// sample takes one sample of a load.
func (b *serverBed) sample(ctx context.Context, l *serverLoad, pg *database, each time.Duration) (got serverSample, err error) {
	s := b.subject(l.Subject)
	if err := b.pauseOthers(s); err != nil {
		return got, err
	}
	before, err := agentdtest.CPUWithChildren(b.postgres.PID())
	if err != nil {
		return got, err
	}
	switch l.Subject {
	case bareDisk:
		got, err = disk(ctx, b.dir, l.Clients, each)
	case barePostgres:
		got.sample, err = pg.measure(ctx, l.Work, l.Clients, each)
	default:
		var shots []*shot
		if s.org == nil {
			shots, err = handlerShots(l.Work, l.Clients)
		} else {
			shots, err = s.org.shots(l.Work, l.Clients, each)
		}
		if err == nil {
			got, err = s.shoot(ctx, shots, each)
		}
	}
	if err != nil {
		return got, err
	}
	after, err := agentdtest.CPUWithChildren(b.postgres.PID())
	got.Postgres = microseconds(after-before) / float64(got.Requests)
	return got, err
}

func (b *serverBed) subject(name string) *serverSubject {
	for _, s := range b.subjects {
		if s.name == name {
			return s
		}
	}
	return nil
}

// shoot has connections ask a server, and watches what it takes meanwhile.
func (s *serverSubject) shoot(ctx context.Context, shots []*shot, each time.Duration) (got serverSample, err error) {
	before, err := s.process.CPU()
	if err != nil {
		return got, err
	}
	watching, enough := context.WithCancel(ctx)
	watched := sync.WaitGroup{}
	watched.Go(func() {
		for watching.Err() == nil {
			if u, err := s.process.Usage(); err == nil {
				got.Memory, got.Anonymous = max(got.Memory, u.RSS), max(got.Anonymous, u.Anonymous)
			}
			select {
			case <-watching.Done():
			case <-time.After(each / 4):
			}
		}
	})
	sampled, err := shoot(ctx, s.address, shots, each)
	enough()
	watched.Wait()
	if err != nil {
		return got, fmt.Errorf("%w\n%s", err, s.process.Log())
	}
	after, err := s.process.CPU()
	got.sample, got.CPU = sampled, microseconds(after-before)/float64(sampled.Requests)
	return got, err
}
