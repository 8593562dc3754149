package kimtest

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/kim"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

const (
	crashDirectory = "KIMTEST_CRASH_DIRECTORY"
	crashRound     = "KIMTEST_CRASH_ROUND"
	crashWorkers   = 4
	crashRounds    = 20
	soakRounds     = 500
)

// testCrash runs a child that creates and deletes entries and says so after each, kills it
// at a random moment, and looks at what is there. Entries stay over the rounds.
func testCrash(t *testing.T, c Config) {
	rounds := crashRounds
	if os.Getenv("PARSEC_SOAK") != "" {
		rounds = soakRounds
	}
	dir := t.TempDir()
	there := map[psa.KeyName]bool{}
	acknowledged := 0
	for round := range rounds {
		log := killedChild(t, dir, round)
		acknowledged += len(log)
		doubtful := replay(t, there, log, round)
		examine(t, c, dir, there, doubtful)
		if t.Failed() {
			t.Fatalf("round %d", round)
		}
	}
	if acknowledged < rounds {
		t.Errorf("only %d changes in %d rounds: the test tests nothing", acknowledged, rounds)
	}
	t.Logf("%d rounds, %d acknowledged changes, %d entries", rounds, acknowledged, len(there))
}

// killedChild returns the acknowledgements of one child's life.
func killedChild(t *testing.T, dir string, round int) []string {
	t.Helper()
	// The name of the suite's test alone: the child's Run sees the variable and obeys.
	suite, _, _ := strings.Cut(t.Name(), "/")
	child := exec.Command(os.Args[0], "-test.run=^"+suite+"$")
	child.Env = append(os.Environ(), crashDirectory+"="+dir, crashRound+"="+strconv.Itoa(round))
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
	moment := time.Duration(rand.Int64N(int64(80 * time.Millisecond)))
	killer := time.AfterFunc(moment, func() { _ = child.Process.Kill() })
	rest, readErr := io.ReadAll(lines)
	killer.Stop()
	_ = child.Process.Kill()
	_ = child.Wait() // killed
	if err != nil || readErr != nil || first != "ready\n" {
		t.Fatalf("the child said %q: %v, %v\n%s%s", first, err, readErr, rest, &trouble)
	}
	whole, _, _ := strings.Cut(string(rest), "FAIL")
	if strings.Contains(string(rest), "error") {
		t.Fatalf("the child failed: %s%s", rest, &trouble)
	}
	all := strings.SplitAfter(whole, "\n")
	return all[:len(all)-1] // what follows the last newline was not said to the end
}

// replay follows the acknowledgements and returns the names that each worker may have
// been at when it died.
func replay(t *testing.T, there map[psa.KeyName]bool, log []string, round int) map[psa.KeyName]bool {
	t.Helper()
	var steps [crashWorkers]int
	for _, line := range log {
		verb, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		name := psa.KeyName(rest)
		var r, worker, key int
		if _, err := fmt.Sscanf(rest, "r%d w%d k%d", &r, &worker, &key); err != nil {
			t.Fatalf("the child said %q: %v", line, err)
		}
		steps[worker]++
		switch verb {
		case "created":
			there[name] = true
		case "deleted":
			delete(there, name)
		default:
			t.Fatalf("the child said %q", line)
		}
	}
	doubtful := map[psa.KeyName]bool{}
	for worker, step := range steps {
		_, name := crashStep(round, worker, step)
		doubtful[name] = true
	}
	return doubtful
}

// crashStep is what a worker does in its nth step: it creates keys and deletes every
// second one right after.
func crashStep(round, worker, n int) (verb string, name psa.KeyName) {
	// Steps come as create, create, delete the second.
	key, verb := n/3*2, "created"
	switch n % 3 {
	case 1:
		key++
	case 2:
		key++
		verb = "deleted"
	}
	return verb, psa.KeyName(fmt.Sprintf("r%d w%d k%d", round, worker, key))
}

// crashEntry derives an entry from its name, so that a look tells whether it is whole.
func crashEntry(name psa.KeyName) kim.Entry {
	e := entry(Alice, name, strings.Repeat(string(name), 3), P256())
	if strings.HasSuffix(string(name), "3") {
		e.Attributes = Ed25519()
	}
	return e
}

func examine(t *testing.T, c Config, dir string, there, doubtful map[psa.KeyName]bool) {
	t.Helper()
	s, err := c.Open(t, dir)
	if err != nil {
		t.Fatalf("the store does not open after the crash: %v", err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	for name := range there {
		if !doubtful[name] {
			holds(t, s, crashEntry(name))
		}
	}
	for _, e := range s.All() {
		Same(t, "entry after the crash", e, crashEntry(e.Name))
		if !there[e.Name] && !doubtful[e.Name] {
			t.Errorf("%q is there, though it was deleted", e.Name)
		}
	}
	for name := range doubtful {
		_, err := s.Get(Alice, name, Software)
		delete(there, name)
		if err == nil {
			there[name] = true
		} else {
			is(t, "get what was being made", err, kim.ErrNotFound)
			is(t, "status", err, wire.StatusDoesNotExist)
		}
	}
}

// crashing is the child's side: it reports whether this process is one, after it has done
// its work, which ends when it is killed or nobody listens.
func crashing(t *testing.T, c Config) bool {
	dir := os.Getenv(crashDirectory)
	if dir == "" {
		return false
	}
	round, err := strconv.Atoi(os.Getenv(crashRound))
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.Open(t, dir)
	if err != nil {
		say(fmt.Sprintf("error: %v", err))
		return true
	}
	say("ready")
	var wg sync.WaitGroup
	for worker := range crashWorkers {
		wg.Go(func() { crashWorker(t, s, round, worker) })
	}
	wg.Wait()
	return true
}

func crashWorker(t *testing.T, s kim.Store, round, worker int) {
	for n := 0; ; n++ {
		verb, name := crashStep(round, worker, n)
		e := crashEntry(name)
		var err error
		if verb == "created" {
			err = Create(t, s, e)
		} else {
			err = s.Delete(t.Context(), e)
		}
		if err != nil {
			say(fmt.Sprintf("error: %s: %v", name, err))
			return
		}
		say(verb + " " + string(name))
	}
}

// say writes a line with one system call. A parent that is gone ends the child by SIGPIPE.
func say(line string) { _, _ = os.Stdout.WriteString(line + "\n") }
