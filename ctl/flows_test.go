package ctl_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"
)

// flows are people with an organisation on a server: Alice and a second machine with one uid, Bob with another one.
type flows struct {
	*testing.T

	site               *site
	alice, bob, second *home
}

// TestFlows takes people through an organisation's life by parsecctl alone, each with an agent of their own. TestReferenceFlows does it on other servers.
func TestFlows(t *testing.T) {
	t.Parallel()
	play(t, onSQLite(t), !testing.Short())
}

// play goes through the flows in order, for each stands on those before it; short ones are what each server is asked for.
func play(t *testing.T, s *site, whole bool) {
	t.Helper()
	f := &flows{t, s, newHome(t, os.Getuid()), newHome(t, otherUID(t)), newHome(t, os.Getuid())}
	for _, flow := range []struct {
		name  string
		whole bool // left out of a short run
		run   func()
	}{
		{"bootstrap", false, f.bootstraps},
		{"a second person", false, f.joins},
		{"a second device", false, f.addsDevice},
		{"profiles", false, f.promotes},
		{"a third person", true, f.promotedGreets},
		{"protection", true, f.protects},
		{"locks", true, f.locks},
		{"recovery by a file", true, f.recoversByFile},
		{"recovery by shares", true, f.recoversByShares},
		{"revocation", false, f.revokes},
		{"terms of service", false, f.acceptsTerms},
		{"a frozen user", false, f.isFrozen},
		{"an expired organisation", false, f.expires},
		{"what is left", false, f.forgets},
	} {
		if flow.whole && !whole {
			continue
		}
		begin := time.Now()
		flow.run()
		t.Logf("%s: %v", flow.name, time.Since(begin).Round(time.Millisecond))
		if s.strike != nil {
			s.strike()
		}
	}
}

// connection is how a device stands with its server.
type connection struct{ State, Reason, Remedy, Terms string }

// stands waits until a device stands so with its server.
func (m *home) stands(device, state string) connection {
	m.t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		var v struct {
			Organization struct{ Connection connection }
		}
		m.reads(&v, "org", "status", "--brief", "--device", device)
		now := v.Organization.Connection
		if now.State == state {
			return now
		}
		if time.Now().After(deadline) {
			m.t.Fatalf("device %q is not %s but %+v", device, state, now)
		}
	}
}

// knows waits until somebody has these devices and this profile, in the eyes of a device.
func (m *home) knows(device, email string, devices int, profile string) {
	m.t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		var seen people
		m.reads(&seen, "user", "list", "--device", device)
		if n, now, _ := seen.of(email); n == devices && now == profile {
			return
		}
		if time.Now().After(deadline) {
			m.t.Fatalf("%s is no %s with %d devices: %+v", email, profile, devices, seen)
		}
	}
}

// refused runs a command that must end with an exit status and say these words.
func (m *home) refused(status int, words string, args ...string) {
	m.t.Helper()
	code, _, problems := m.try(args...)
	for word := range strings.SplitSeq(words, "|") {
		if code != status || !strings.Contains(problems, word) {
			m.t.Errorf("parsecctl %q: exit status %d, want %d, and %q:\n%s", args, code, status, words, problems)
			return
		}
	}
}

// devices returns the states of the devices by label.
func (m *home) devices() map[string]string {
	m.t.Helper()
	var all struct {
		Devices []struct{ Label, State string }
	}
	m.reads(&all, "device", "list")
	states := map[string]string{}
	for _, d := range all.Devices {
		states[d.Label] = d.State
	}
	return states
}

// link makes an invitation and returns its link.
func (m *home) link(args ...string) string {
	m.t.Helper()
	return strings.TrimSpace(m.must(args...))
}

func (f *flows) bootstraps() {
	address := bootstrapAddress(f.site.host(), "Acme")
	f.alice.bootstrap(f.site.host(), "Acme")
	f.alice.refused(6, "parsecctl device unlock", "org", "status")
	f.alice.unlock("Acme")
	f.alice.stands("Acme", "online")
	f.bob.refused(4, "bootstrapped the organisation already|another address", "org", "bootstrap", address, "--name", "Bob", "--email", "bob@example.com", "--label", "desk",
		"--password-file", f.bob.passwordFile())
}

// joins has Bob become a member after a call with Alice.
func (f *flows) joins() {
	link := f.alice.link("user", "invite", "bob@example.com")
	meet(f.T, f.alice, f.bob, []string{"invite", "greet", "bob@example.com", "--profile", "standard"},
		[]string{"invite", "claim", link, "--name", "Bob", "--label", "desk", "--password-file", f.bob.passwordFile()})
	f.bob.refused(6, "the invitation was used|ask for a new invitation", "invite", "claim", link, "--name", "Bob", "--label", "x", "--password-file", f.bob.passwordFile())
	if got := f.bob.devices(); len(got) != 1 || got["desk"] != "locked" {
		f.Errorf("Bob's devices: %v", got)
	}
	f.bob.unlock("bob@example.com")
	f.bob.stands("Acme", "online")
	f.bob.knows("Acme", "alice@example.com", 1, "ADMIN")
	f.alice.knows("Acme", "bob@example.com", 1, "STANDARD")
	f.bob.refused(4, "administrator", "user", "invite", "carol@example.com")
}

// addsDevice brings Alice's second machine in. The server may be struck while the codes are compared.
func (f *flows) addsDevice() {
	link, c := f.alice.link("device", "invite"), newConversation()
	c.began = f.site.strike
	converse(f.T, c, f.alice, f.second, []string{"invite", "greet", ""}, []string{"invite", "claim", link, "--label", "phone", "--password-file", f.second.passwordFile()})
	f.second.unlock("Acme/phone")
	f.second.stands("Acme/phone", "online")
	f.second.knows("Acme/phone", "alice@example.com", 2, "ADMIN")
	f.bob.knows("Acme", "alice@example.com", 2, "ADMIN")
}

func (f *flows) promotes() {
	f.alice.refused(4, "", "user", "update", "alice@example.com", "--profile", "standard")
	f.alice.must("user", "update", "bob@example.com", "--profile", "admin")
	f.bob.knows("Acme", "bob@example.com", 1, "ADMIN")
	f.bob.link("user", "invite", "nobody@example.com")
	f.bob.must("invite", "cancel", "nobody@example.com")
	f.bob.refused(5, "parsecctl invite list", "invite", "greet", "nobody@example.com")
}

// promotedGreets has Bob bring Carol in.
func (f *flows) promotedGreets() {
	link := f.bob.link("user", "invite", "carol@example.com")
	meet(f.T, f.bob, f.second, []string{"invite", "greet", "carol@example.com"},
		[]string{"invite", "claim", link, "--name", "Carol", "--label", "tablet", "--password-file", f.second.passwordFile()})
	f.second.unlock("carol@example.com")
	f.second.stands("carol@example.com", "online")
	f.alice.knows("Acme", "carol@example.com", 1, "STANDARD")
}

// forgets looks at what Alice has when all is over.
func (f *flows) forgets() {
	var status struct {
		Chain []struct{ Kind string }
	}
	f.alice.reads(&status, "org", "status", "--export", "chain")
	kinds := map[string]int{}
	for _, l := range status.Chain {
		kinds[l.Kind]++
	}
	if kinds["user"] < 2 || kinds["device"] < 3 || kinds["profile"] != 1 || kinds["revocation"] != 1 {
		f.Errorf("the chain has %v", kinds)
	}
	f.alice.audit(f.T, "chain", len(status.Chain))
	f.alice.must("device", "lock")
	f.alice.refused(6, "parsecctl device unlock", "user", "list")
	f.alice.must("org", "forget", "--yes", "Acme")
	f.alice.unlock("Acme")
	f.alice.stands("Acme", "online")
	f.knowsPin()
}

// knowsPin: what was forgotten is pinned anew.
func (f *flows) knowsPin() {
	var all struct{ Organizations []json.RawMessage }
	f.alice.reads(&all, "org", "list")
	if len(all.Organizations) != 1 {
		f.Errorf("pinned are %s", all.Organizations)
	}
}
