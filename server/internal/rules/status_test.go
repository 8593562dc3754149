package rules_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"

	"github.com/seed-73b3884f/parsec-agent/server/internal/rules"
	"github.com/seed-73b3884f/parsec-agent/server/pgtest"
	"github.com/seed-73b3884f/parsec-agent/server/servertest"
)

// unreachable are the statuses of the specification that no request gets of this server, each with the reason.
var unreachable = map[string]string{
	"anonymous async_enrollment_submit invalid_submit_payload_signature":     "whose signature it is, administrators' clients verify (3.11)",
	"authenticated async_enrollment_accept invalid_accept_payload_signature": "whose signature it is, the newcomer's client verifies (3.11)",
	"authenticated events_listen ok":                                         "events come by the stream (1.8)",
}

// everyStatus compares what the servers of all tests of this package answered with what the specification says they can. It is asked once they have
// run, and returns with what the program ends. Where only some ran or one failed, there is nothing to compare.
func everyStatus(code int) int {
	if code != 0 || !allRan() {
		return code
	}
	possible, err := statuses()
	if err != nil {
		fmt.Println(err)
		return 1
	}
	databases := []string{servertest.SQLite, servertest.PostgreSQL}
	if !pgtest.Installed() { // its tests said so
		databases = databases[:1]
	}
	wrong := compare(possible, databases, servertest.Saw)
	for _, line := range wrong {
		fmt.Println(line)
	}
	return min(len(wrong), 1)
}

// allRan says whether the program was asked for all tests, and for nothing else.
func allRan() bool {
	for _, name := range []string{"test.run", "test.skip", "test.list", "test.fuzz", "test.bench"} {
		if f := flag.Lookup(name); f != nil && f.Value.String() != "" {
			return false
		}
	}
	return true
}

// statuses are all of the specification for the commands of this server: family, command, status.
func statuses() (all [][3]string, err error) {
	b, err := os.ReadFile("../../../docs/spec/parsec-cloud-rpc.json")
	if err != nil {
		return nil, err
	}
	var spec struct {
		Families []struct {
			Name     string
			Commands []struct {
				Name      string
				Responses []struct{ Status string }
			}
		}
	}
	if err := json.Unmarshal(b, &spec); err != nil {
		return nil, err
	}
	ours, found := rules.Commands(), 0
	for _, f := range spec.Families {
		for _, c := range f.Commands {
			if !slices.Contains(ours[f.Name], c.Name) {
				continue
			}
			found++
			for _, r := range c.Responses {
				all = append(all, [3]string{f.Name, c.Name, r.Status})
			}
		}
	}
	for _, commands := range ours {
		found -= len(commands)
	}
	if found != 0 {
		return nil, fmt.Errorf("%d commands of the server are not in the specification", -found)
	}
	return all, nil
}

// compare names the cells that are missing, and those that were excused in vain.
func compare(possible [][3]string, databases []string, saw func(servertest.Seen) bool) (wrong []string) {
	excuses := len(unreachable)
	for _, p := range possible {
		name := p[0] + " " + p[1] + " " + p[2]
		_, excused := unreachable[name]
		if excused {
			excuses--
		}
		for _, database := range databases {
			switch got := saw(servertest.Seen{Database: database, Family: p[0], Command: p[1], Status: p[2]}); {
			case !got && !excused:
				wrong = append(wrong, fmt.Sprintf("no test of this package gets the answer %s on %s", name, database))
			case got && excused:
				wrong = append(wrong, fmt.Sprintf("%s is said to be unreachable, and a test got it on %s", name, database))
			}
		}
	}
	if excuses != 0 {
		wrong = append(wrong, fmt.Sprintf("%d statuses are said to be unreachable that the specification does not have", excuses))
	}
	return wrong
}
