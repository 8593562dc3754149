package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
)

// print writes the report for people.
func (r *serverResults) print(out io.Writer) {
	printMachine(out, r.Machine, r.When, r.Each)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "request\tconnections\tserver\tper second\tp50 µs\tp99 µs\tCPU µs each\tof PostgreSQL\tMB under load\tMB/s\tagainst the original")
	for _, work := range slices.Concat(serverWorks, serverBlocks) {
		for _, clients := range []int{1, serverClients} {
			for _, l := range r.Loads {
				if l.Work == work && l.Clients == clients {
					r.printServerLoad(w, &l)
				}
			}
		}
	}
	_ = w.Flush()
	fmt.Fprintln(out)
	for _, name := range []string{oursSQLite, theirsMemory, oursPostgres, theirsPostgres} {
		if held, ok := r.Rest[name]; ok {
			most, anonymous := r.most(name)
			fmt.Fprintf(w, "%s\t%.1f MB at rest\t%.1f MB without files\t%.1f MB at most under small requests\t%.1f MB without files\n",
				name, megabytes(held), megabytes(r.RestAnonymous[name]), megabytes(most), megabytes(anonymous))
		}
	}
	_ = w.Flush()
	fmt.Fprintln(out)
	for _, name := range []string{oursSQLite, theirsMemory, oursPostgres, theirsPostgres} {
		if l, ok := r.Listeners[name]; ok {
			l.print(w, name)
		}
	}
	_ = w.Flush()
	fmt.Fprintln(out)
	printGoals(w, r.Goals)
	_ = w.Flush()
}

func (r *serverResults) printServerLoad(w io.Writer, l *serverLoad) {
	s, _ := r.find(l.Subject, l.Work, l.Clients)
	rate, ratio := "", ""
	if slices.Contains(serverBlocks, l.Work) {
		rate = fmt.Sprintf("%.0f", s.PerSecond*serverBlock/1e6)
	}
	for _, pair := range serverPairs {
		if theirs, ok := r.find(pair[1], l.Work, l.Clients); ok && l.Subject == pair[0] {
			ratio = fmt.Sprintf("%.2f×", s.PerSecond/theirs.PerSecond)
		}
	}
	fmt.Fprintf(w, "%s\t%d\t%s\t%.0f\t%.0f\t%.0f\t%.1f\t%.1f\t%.1f\t%s\t%s\n",
		l.Work, l.Clients, l.Subject, s.PerSecond, s.P50, s.P99, s.CPU, s.Postgres, megabytes(s.Memory), rate, ratio)
}
