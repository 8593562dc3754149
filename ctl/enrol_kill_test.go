package ctl_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// killRounds is how often an agent is killed, and the seed of when.
func killRounds(t *testing.T) (int, *rand.Rand) {
	t.Helper()
	rounds, seed := 4, uint64(time.Now().UnixNano())
	switch {
	case os.Getenv("PARSEC_SOAK") != "":
		rounds = 300
	case testing.Short():
		rounds = 2
	}
	if s := os.Getenv("PARSEC_SEED"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		seed = n
	}
	t.Logf("PARSEC_SEED=%d", seed)
	return rounds, rand.New(rand.NewPCG(seed, 57))
}

// TestKilled kills the agent of one side at random moments of enrolments and bootstraps: the next start is always usable, what was begun goes on by the same commands, and
// everybody ends as exactly one user with a device that opens.
func TestKilled(t *testing.T) {
	t.Parallel()
	rounds, random := killRounds(t)
	server := startServer(t)
	alice, bob := newHome(t, os.Getuid()), newHome(t, os.Getuid())
	alice.bootstrap(server, "Acme", "Alice")
	alice.unlock("Acme")
	for n := range rounds {
		moment := time.Duration(random.IntN(1500)) * time.Millisecond
		switch random.IntN(3) {
		case 0:
			killedBootstrap(t, bob, server, fmt.Sprintf("Org%d", n), moment)
		case 1:
			killedGreeting(t, alice, bob, alice, n, moment)
		default:
			killedGreeting(t, alice, bob, bob, n, moment)
		}
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
				alice.unlock("Acme")
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
		alice.unlock("Acme")
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
