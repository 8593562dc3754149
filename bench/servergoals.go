package main

import "fmt"

// find returns the medians of a load over the rounds; false if it was not measured.
func (r *serverResults) find(subject, work string, clients int) (serverSample, bool) {
	for _, l := range r.Loads {
		if l.Subject != subject || l.Work != work || l.Clients != clients || len(l.Samples) == 0 {
			continue
		}
		of := func(value func(serverSample) float64) float64 {
			var all []float64
			for _, s := range l.Samples {
				all = append(all, value(s))
			}
			return median(all)
		}
		return serverSample{
			sample: sample{
				PerSecond: of(func(s serverSample) float64 { return s.PerSecond }), P50: of(func(s serverSample) float64 { return s.P50 }),
				P99: of(func(s serverSample) float64 { return s.P99 }), Requests: len(l.Samples),
			},
			CPU: of(func(s serverSample) float64 { return s.CPU }), Postgres: of(func(s serverSample) float64 { return s.Postgres }),
			Memory:    int64(of(func(s serverSample) float64 { return float64(s.Memory) })),
			Anonymous: int64(of(func(s serverSample) float64 { return float64(s.Anonymous) })),
		}, true
	}
	return serverSample{}, false
}

// Pairs of servers that are compared.
var serverPairs = [][2]string{{oursSQLite, theirsMemory}, {oursPostgres, theirsPostgres}}

// serverGoal is how many times the original is to be reached.
func serverGoal(work string, clients int) float64 {
	switch {
	case clients == 1:
		return 3
	case work == createVlob:
		return 5
	}
	return 10
}

// ceiling is what bounds blocks of a server.
func ceiling(subject, work string) string {
	switch {
	case subject == oursPostgres:
		return barePostgres
	case work == createBlock:
		return bareDisk
	}
	return bareHandler
}

// goals compares what was measured with what is promised. Goals against what was not measured are left out.
func (r *serverResults) goals() (all []goal) {
	for _, pair := range serverPairs {
		for _, clients := range []int{1, serverClients} {
			for _, work := range serverWorks {
				mine, ok := r.find(pair[0], work, clients)
				if theirs, too := r.find(pair[1], work, clients); ok && too {
					want, got := serverGoal(work, clients), mine.PerSecond/theirs.PerSecond
					all = append(all, goal{What: fmt.Sprintf("%s, connections: %d, %s : %s", work, clients, pair[0], pair[1]), Goal: want, Got: got, Unit: "×", Met: got >= want})
				}
			}
			for _, work := range serverBlocks {
				mine, ok := r.find(pair[0], work, clients)
				if only, too := r.find(ceiling(pair[0], work), work, clients); ok && too {
					got := 100 * mine.PerSecond / only.PerSecond
					all = append(all, goal{What: fmt.Sprintf("%s, connections: %d, %s : %s", work, clients, pair[0], ceiling(pair[0], work)), Goal: 70, Got: got, Unit: "%", Met: got >= 70})
				}
			}
		}
		all = append(all, r.memoryGoals(pair)...)
	}
	return all
}

// memoryGoals compare memory at rest, and the most of it under any load but blocks, which the original keeps there.
func (r *serverResults) memoryGoals(pair [2]string) (all []goal) {
	atMost := func(what string, mine, theirs int64) {
		if mine > 0 && theirs > 0 {
			got := float64(mine) / float64(theirs)
			all = append(all, goal{What: fmt.Sprintf("memory %s, %s : %s", what, pair[0], pair[1]), Goal: 0.2, Got: got, Met: got <= 0.2, AtMost: true})
		}
	}
	atMost("at rest", r.Rest[pair[0]], r.Rest[pair[1]])
	mine, _ := r.most(pair[0])
	theirs, _ := r.most(pair[1])
	atMost("under load", mine, theirs)
	if mine, theirs := r.Listeners[pair[0]], r.Listeners[pair[1]]; mine != nil && theirs != nil {
		atMost(fmt.Sprintf("with %d listeners", mine.Listeners), mine.With, theirs.With)
	}
	return all
}

// most is the most memory under a load, and the most of it that is in no file.
func (r *serverResults) most(subject string) (all, anonymous int64) {
	for _, work := range serverWorks {
		if s, ok := r.find(subject, work, serverClients); ok {
			all, anonymous = max(all, s.Memory), max(anonymous, s.Anonymous)
		}
	}
	return all, anonymous
}
