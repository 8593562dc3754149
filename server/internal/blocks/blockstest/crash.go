package blockstest

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

const (
	crashPlace   = "BLOCKSTEST_CRASH_PLACE"
	crashWorkers = 4
	crashRounds  = 5
	shortRounds  = 2
	soakRounds   = 300
	crashSize    = 40_000
)

// testCrash runs a child that creates and deletes blocks and says so after each, kills it
// at a random moment, and looks at what is there. Blocks stay over the rounds.
func testCrash(t *testing.T, c Config) {
	rounds := crashRounds
	if testing.Short() {
		rounds = shortRounds
	}
	if os.Getenv("PARSEC_SOAK") != "" {
		rounds = soakRounds
	}
	place, org := c.Place(t), Org(t, "o")
	random := rand.New(rand.NewPCG(seed(t), 2))
	there, acknowledged := blockSet{}, 0
	going := blockSet{} // deletions that were not acknowledged: a killed one may still arrive
	for round := range rounds {
		log := killedChild(t, place, time.Duration(random.Int64N(int64(120*time.Millisecond))))
		acknowledged += len(log)
		doubtful := replay(t, there, going, log)
		examine(t, c, place, org, there, doubtful, going)
		if t.Failed() {
			t.Fatalf("round %d", round)
		}
	}
	if acknowledged < rounds {
		t.Errorf("only %d changes in %d rounds: the test tests nothing", acknowledged, rounds)
	}
	t.Logf("%d rounds, %d acknowledged changes, %d blocks", rounds, acknowledged, len(there))
}

// killedChild returns the lines of one child's life.
func killedChild(t *testing.T, place string, after time.Duration) []string {
	t.Helper()
	// The name of the suite's test alone: the child's Run sees the variable and obeys.
	suite, _, _ := strings.Cut(t.Name(), "/")
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+suite+"$")
	child.Env = append(os.Environ(), crashPlace+"="+place)
	var trouble bytes.Buffer
	child.Stderr = &trouble
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	first, err := lines.ReadString('\n')
	killer := time.AfterFunc(after, func() { _ = child.Process.Kill() })
	rest, readErr := io.ReadAll(lines)
	killer.Stop()
	_ = child.Process.Kill()
	_ = child.Wait() // killed
	if err != nil || readErr != nil || first != "ready\n" {
		t.Fatalf("the child said %q: %v, %v\n%s%s", first, err, readErr, rest, &trouble)
	}
	if bytes.Contains(rest, []byte("error")) {
		t.Fatalf("the child failed: %s%s", rest, &trouble)
	}
	all := strings.SplitAfter(string(rest), "\n")
	return slices.DeleteFunc(all, func(line string) bool { return !strings.HasSuffix(line, "\n") })
}

type blockSet map[trust.BlockID]bool

// replay follows what the child said and returns the blocks that it may have been making.
func replay(t *testing.T, there, going blockSet, log []string) blockSet {
	t.Helper()
	doubtful := blockSet{}
	for _, line := range log {
		verb, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		var id trust.BlockID
		if err := id.UnmarshalText([]byte(rest)); err != nil {
			t.Fatalf("the child said %q: %v", line, err)
		}
		switch verb {
		case "creating":
			doubtful[id] = true
		case "created":
			delete(doubtful, id)
			there[id] = true
		case "deleting":
			delete(there, id)
			going[id] = true
		case "deleted":
			delete(going, id)
		default:
			t.Fatalf("the child said %q", line)
		}
	}
	return doubtful
}

func examine(t *testing.T, c Config, place string, org trust.OrganizationID, there, doubtful, going blockSet) {
	t.Helper()
	s, err := c.Open(t, place)
	if err != nil {
		t.Fatalf("the store does not open after the crash: %v", err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	for id := range doubtful { // what was not acknowledged is done by doing it again
		create(t, s, org, id, Content(id, 0, crashSize))
		holds(t, s, org, id, Content(id, 0, crashSize))
		there[id] = true
	}
	listed := blockSet{}
	for _, id := range ids(t, s, org) {
		listed[id] = true
		if !there[id] && !going[id] {
			t.Errorf("%s is there, though it was deleted", id)
		}
	}
	for id := range there {
		if !listed[id] {
			t.Errorf("%s is not listed", id)
		}
		holds(t, s, org, id, Content(id, 0, crashSize))
	}
}

// crashing is the child's side: it reports whether this process is one, after it has done
// its work, which ends when it is killed or nobody listens.
func crashing(t *testing.T, c Config) bool {
	place := os.Getenv(crashPlace)
	if place == "" {
		return false
	}
	s, err := c.Open(t, place)
	if err != nil {
		say(fmt.Sprintf("error: %v", err))
		return true
	}
	org := Org(t, "o")
	say("ready")
	var wg sync.WaitGroup
	for range crashWorkers {
		wg.Go(func() { crashWorker(t, s, org) })
	}
	wg.Wait()
	return true
}

// crashWorker creates blocks and deletes every third.
func crashWorker(t *testing.T, s blocks.Store, org trust.OrganizationID) {
	for n := 0; ; n++ {
		id := trust.NewBlockID()
		say("creating " + id.String())
		err := s.Create(t.Context(), org, id, Content(id, 0, crashSize))
		if err == nil {
			say("created " + id.String())
			if n%3 == 2 {
				say("deleting " + id.String())
				if err = s.Delete(t.Context(), org, id); err == nil {
					say("deleted " + id.String())
				}
			}
		}
		if err != nil {
			say(fmt.Sprintf("error: %s: %v", id, err))
			return
		}
	}
}

// say writes a line with one system call. A parent that is gone ends the child by SIGPIPE.
func say(line string) { _, _ = os.Stdout.WriteString(line + "\n") }
