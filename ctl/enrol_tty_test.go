package ctl_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// code finds on the screen what a person is to say.
func (p *person) code() string {
	p.t.Helper()
	p.see("Say this code")
	said := regexp.MustCompile(`Say this code to .*:\s+([A-Z2-9]) ([A-Z2-9]) ([A-Z2-9]) ([A-Z2-9])\s`)
	var m []string
	p.until(func(screen string) bool {
		m = said.FindStringSubmatch(screen)
		return m != nil
	})
	return strings.Join(m[1:], "")
}

// TestPeopleAtTerminals has two people enrol each other who read the screen and type.
func TestPeopleAtTerminals(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	alice, bob := newHome(t, os.Getuid()), newHome(t, os.Getuid())
	first := sit(t, alice.dir, "parsecctl", "org", "bootstrap", bootstrapAddress(server, "Acme"))
	first.waitFor("Name []: ", "Alice")
	first.waitFor("E-mail address []: ", "alice@example.com")
	first.waitFor("Name of the device [", "laptop")
	first.waitFor("Is that right?", "y")
	first.waitFor("New password of Acme/laptop: ", password)
	first.waitFor("The same again: ", "another")
	first.see("The two differ.")
	first.seeAgain("New password of Acme/laptop: ", 2)
	first.write(password)
	first.seeAgain("The same again: ", 2)
	first.write(password)
	if got := first.leave(); got != 0 || strings.Contains(first.screen(), password) {
		t.Fatalf("%d: %s", got, first.screen())
	}
	alice.unlock("Acme")
	link := strings.TrimSpace(alice.must("user", "invite", "bob@example.com"))
	greeter := sit(t, alice.dir, "parsecctl", "invite", "greet", "bob@example.com")
	claimer := sit(t, bob.dir, "parsecctl", "invite", "claim", link, "--label", "desk")
	claimer.waitFor("Name []: ", "Bob")
	claimer.waitFor("E-mail address [bob@example.com]: ", "")
	claimer.waitFor("Name of the device [desk]: ", "")
	claimer.waitFor("Is that right?", "y")
	claimer.waitFor("New password of Acme/desk: ", password)
	claimer.waitFor("The same again: ", password)
	spoken := greeter.code()
	claimer.see("0  none of these")
	claimer.waitFor("Number: ", spoken)
	spoken = claimer.code()
	greeter.see("0  none of these")
	greeter.waitFor("Number: ", spoken)
	greeter.see("bob@example.com was invited")
	greeter.waitFor("Is that right?", "c")
	greeter.waitFor("Name [Bob]: ", "Robert")
	greeter.waitFor("E-mail address [bob@example.com]: ", "")
	greeter.waitFor("Name of the device [desk]: ", "")
	greeter.waitFor("Profile (admin, standard or outsider) [STANDARD]: ", "")
	greeter.seeAgain("Is that right?", 2)
	greeter.write("y")
	if got := greeter.leave(); got != 0 {
		t.Errorf("greeter: %d: %s", got, greeter.screen())
	}
	if got := claimer.leave(); got != 0 || strings.Contains(claimer.screen(), password) {
		t.Errorf("claimer: %d: %s", got, claimer.screen())
	}
	var seen struct {
		Users []struct{ Email, Name string }
	}
	alice.reads(&seen, "user", "list", "bob@example.com")
	if len(seen.Users) != 1 || seen.Users[0].Name != "Robert" {
		t.Errorf("%+v", seen)
	}
}

// TestLeftAlone: who leaves in the middle finds the work again, and can end it.
func TestLeftAlone(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	alice := newHome(t, os.Getuid())
	alice.bootstrap(server, "Acme")
	alice.unlock("Acme")
	alice.must("device", "invite")
	p := sit(t, alice.dir, "parsecctl", "invite", "greet", "")
	p.see("Waiting for")
	if _, err := p.master.WriteString("\x03"); err != nil {
		t.Fatal(err)
	}
	if got := p.leave(); got != 1 || !strings.Contains(p.screen(), "goes on in the agent") || !strings.Contains(p.screen(), "parsecctl work watch") {
		t.Errorf("%d: %s", got, p.screen())
	}
	var all struct {
		Works []struct{ ID, Kind, State string }
	}
	alice.reads(&all, "work", "list")
	if len(all.Works) != 2 || all.Works[1].Kind != "greet" || all.Works[1].State != "running" {
		t.Fatalf("%+v", all)
	}
	alice.must("work", "cancel")
	alice.reads(&all, "work", "list")
	if all.Works[1].State != "cancelled" {
		t.Errorf("%+v", all)
	}
	if code, _, problems := alice.try("work", "watch"); code != 5 || !strings.Contains(problems, "no work of yours waits") {
		t.Errorf("%d %s", code, problems)
	}
	if code, _, problems := alice.try("invite", "greet", "nobody@example.com"); code != 5 || !strings.Contains(problems, "parsecctl invite list") {
		t.Errorf("%d %s", code, problems)
	}
	alice.must("invite", "cancel", "")
	if code, _, problems := alice.try("invite", "claim", "https://example.com/nonsense"); code != 1 || !strings.Contains(problems, "the link of the invitation") {
		t.Errorf("%d %s", code, problems)
	}
}
