package ctl_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// killRounds is how often an agent is killed, for how many pairs of people at once, and the seed of when.
func killRounds(t *testing.T) (rounds, pairs int, seed uint64) {
	t.Helper()
	rounds, pairs, seed = 8, 2, uint64(time.Now().UnixNano())
	switch {
	case os.Getenv("PARSEC_SOAK") != "":
		rounds, pairs = 300, 6
	case testing.Short():
		rounds, pairs = 2, 1
	}
	if s := os.Getenv("PARSEC_SEED"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		seed = n
	}
	t.Logf("PARSEC_SEED=%d", seed)
	return rounds, pairs, seed
}

// TestKilled kills the agent of one side at random moments of enrolments and bootstraps: the next start is always usable, what was begun goes on by the same commands, and
// everybody ends as exactly one user with a device that opens.
func TestKilled(t *testing.T) {
	t.Parallel()
	rounds, pairs, seed := killRounds(t)
	server := startServer(t)
	wait := sync.WaitGroup{}
	defer wait.Wait()
	for pair := range pairs { // a round is mostly waiting, for the moment and for the other side to notice, so more pairs than processors
		wait.Go(func() {
			t.Run(fmt.Sprintf("pair %d", pair), func(t *testing.T) {
				killedPair(t, server, pair, rounds/pairs, rand.New(rand.NewPCG(seed, 57+uint64(pair))))
			})
		})
	}
}

// killedPair has two people go through rounds, and looks at what is left in the end.
func killedPair(t *testing.T, server string, pair, rounds int, random *rand.Rand) {
	t.Helper()
	alice, bob := newHome(t, os.Getuid()), newHome(t, os.Getuid())
	alice.bootstrap(server, fmt.Sprintf("Acme%d", pair))
	alice.unlock("")
	for n := range rounds {
		moment, began := time.Duration(random.IntN(1500))*time.Millisecond, time.Now()
		what := []string{"bootstrap", "greeter", "claimer"}[random.IntN(3)]
		switch what {
		case "bootstrap":
			killedBootstrap(t, bob, server, fmt.Sprintf("Org%d-%d", pair, n), moment)
		case "greeter":
			killedGreeting(t, alice, bob, alice, n, moment)
		default:
			killedGreeting(t, alice, bob, bob, n, moment)
		}
		t.Logf("round %d: %s after %v, in all %v", n, what, moment, time.Since(began).Round(time.Millisecond))
		if t.Failed() {
			t.Fatalf("in round %d", n)
		}
	}
	for _, m := range []*home{alice, bob} {
		var all struct {
			Works []struct{ State, Kind, Subject, Reason string }
		}
		m.reads(&all, "work", "list")
		for _, w := range all.Works {
			if w.State != "done" && w.State != "failed" && w.State != "cancelled" {
				t.Errorf("at the end a work is %+v", w)
			}
		}
	}
}

// killedBootstrap kills an agent while it makes an organisation.
func killedBootstrap(t *testing.T, m *home, server, organization string, moment time.Duration) {
	t.Helper()
	args := []string{
		"org", "bootstrap", bootstrapAddress(server, organization), "--name", "Bob", "--email", "bob@example.com", "--label", "desk", "--password-file", m.passwordFile(),
	}
	first := m.begin(args...)
	time.Sleep(moment) // the moment is what is drawn
	m.kill()
	first.follow(newConversation(), "", "")
	for deadline := time.Now().Add(2 * time.Minute); ; {
		code, _, problems := m.try("device", "unlock", "--device", organization, "--password-file", m.passwordFile())
		if code == 0 {
			return
		}
		if code != 5 || time.Now().After(deadline) {
			t.Fatalf("%s after %v: %d %s", organization, moment, code, problems)
		}
		if code, _, problems := m.try(args...); code != 0 {
			t.Logf("%s: %d %s", organization, code, problems)
		}
	}
}

// killedGreeting kills the agent of the victim while somebody is enrolled, and has both sides repeat what they were at until the newcomer is a member.
func killedGreeting(t *testing.T, alice, bob, victim *home, n int, moment time.Duration) {
	t.Helper()
	email := fmt.Sprintf("user%d@example.com", n)
	link := strings.TrimSpace(alice.must("user", "invite", email))
	greet := []string{"invite", "greet", email}
	claim := []string{"invite", "claim", link, "--name", "User", "--label", "desk", "--password-file", bob.passwordFile()}
	c := newConversation()
	over := make(chan struct{})
	ended := make(chan int, 2)
	repeat := func(m *home, me, other string, args []string) {
		code := 1
		for code != 0 {
			select {
			case <-over:
				ended <- code
				return
			default:
			}
			k := m.begin(args...)
			code = k.follow(c, me, other)
			if m == alice && code == 6 {
				alice.unlock("")
			}
			if code != 0 && (k.errors.Len() > 0 && strings.Contains(k.errors.String(), "no invitation that waits") || strings.Contains(k.errors.String(), "the invitation")) {
				break // it was used: what is there is looked at below
			}
		}
		ended <- code
	}
	go repeat(alice, "greeter", "claimer", greet)
	go repeat(bob, "claimer", "greeter", claim)
	time.Sleep(moment) // the moment is what is drawn
	victim.kill()
	if victim == alice {
		alice.unlock("")
	}
	limit := time.AfterFunc(2*time.Minute, func() { close(over) })
	<-ended
	<-ended
	limit.Stop()
	bob.unlock(email)
	var seen people
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) { // until the new certificates have come
		if code, out, _ := alice.try("--json", "user", "list", email); code == 0 && json.Unmarshal([]byte(out), &seen) == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s after %v: nobody knows of them", email, moment)
		}
	}
	if len(seen.Users) != 1 || len(seen.Users[0].Devices) != 1 {
		t.Errorf("%s after %v: %+v", email, moment, seen)
	}
}
