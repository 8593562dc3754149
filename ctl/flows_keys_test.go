package ctl_test

import (
	"encoding/json"
	"path/filepath"
	"time"
)

// protects has Bob choose another password, take it back, and choose it again.
func (f *flows) protects() {
	m := f.bob
	change := []string{"device", "protect", "--password", "--password-file", m.write("new", "another horse\n")}
	pending := func(want bool) {
		f.Helper()
		var all struct {
			Devices []struct{ Pending json.RawMessage }
		}
		m.reads(&all, "device", "list")
		if len(all.Devices) != 1 || (all.Devices[0].Pending != nil) != want {
			f.Errorf("a change waits: %s, want %v", all.Devices, want)
		}
	}
	m.must(change...)
	pending(true)
	m.refused(6, "", change...)
	m.must("device", "protect", "--revert")
	pending(false)
	m.must(change...)
	m.must("device", "lock")
	m.unlock("Acme") // the old one still does
	pending(true)
	m.must("device", "lock")
	m.must("device", "unlock", "--password-file", filepath.Join(m.dir, "new"))
	pending(false)
	m.must("device", "lock")
	m.refused(4, "wrong", "device", "unlock", "--password-file", m.passwordFile())
	m.secret = "another horse"
	m.unlock("Acme")
	m.stands("Acme", "online")
}

// locks has people lock, lose power and log out, and come back.
func (f *flows) locks() {
	f.bob.must("device", "lock")
	f.bob.refused(6, "locked|parsecctl device unlock", "user", "list")
	f.bob.unlock("Acme")
	f.bob.stands("Acme", "online")
	f.bob.kill()
	f.bob.refused(6, "locked|parsecctl device unlock", "org", "status")
	f.bob.unlock("Acme")
	f.bob.stands("Acme", "online")
	var out struct{ Locked int }
	f.second.reads(&out, "device", "lock", "--all")
	for label, state := range f.second.devices() {
		if state != "locked" {
			f.Errorf("after the log-out %s is %s", label, state)
		}
	}
	if out.Locked != 2 {
		f.Errorf("%d devices were locked", out.Locked)
	}
	f.second.refused(6, "parsecctl device unlock", "user", "list", "--device", "Acme/phone")
	f.second.unlock("Acme/phone")
	f.second.unlock("carol@example.com")
	f.second.stands("Acme/phone", "online")
}

// recoversByFile has Bob come back on another machine, by a recovery file and its passphrase.
func (f *flows) recoversByFile() {
	file, passphrase := filepath.Join(f.bob.dir, "recovery.psrk"), filepath.Join(f.bob.dir, "passphrase")
	f.bob.must("device", "recovery", "--yes", "--passphrase-out", passphrase, file)
	f.alice.knows("Acme", "bob@example.com", 2, "ADMIN")
	claim := []string{"recovery", "claim", "--file", file, "--label", "back", "--password-file", f.second.passwordFile(), "--passphrase-file"}
	f.second.refused(4, "the secret is wrong", append(claim, f.second.write("wrong", "ABCD-EFGH-IJKL-MNOP-QRST-UVWX-YZ23-4567-ABCD-EFGH-IJKL-MNOP-QRST\n"))...)
	f.second.must(append(claim, passphrase)...)
	f.second.unlock("Acme/back")
	f.second.stands("Acme/back", "online")
	f.second.knows("Acme/back", "bob@example.com", 3, "ADMIN")
	f.alice.knows("Acme", "bob@example.com", 3, "ADMIN")
}

// recoversByShares has Bob deal shares to Alice and Carol, who both let him in again on another machine, and make the shares useless afterwards.
func (f *flows) recoversByShares() {
	f.bob.refused(2, "--threshold", "recovery", "setup", "alice@example.com")
	f.bob.must("recovery", "setup", "--threshold", "2", "alice@example.com", "carol@example.com")
	f.recovery(f.alice, "Acme", "valid")
	f.recovery(f.second, "carol@example.com", "valid")
	link := f.alice.link("recovery", "invite", "bob@example.com")
	c := newConversation()
	claimer := f.second.begin("recovery", "claim", link, "--label", "returned", "--password-file", f.second.passwordFile())
	ended := make(chan int, 1)
	go func() { ended <- claimer.follow(c, "claimer", "greeter") }()
	for m, device := range map[*home]string{f.alice: "Acme", f.second: "carol@example.com"} {
		greeter := m.begin("invite", "greet", link, "--device", device)
		if code := greeter.follow(c, "greeter", "claimer"); code != 0 {
			f.Fatalf("%s hands a share over: %d %+v %s", device, code, greeter.last, &greeter.errors)
		}
	}
	if code := <-ended; code != 0 {
		f.Fatalf("Bob comes back: %d %+v %s", code, claimer.last, &claimer.errors)
	}
	f.second.unlock("Acme/returned")
	f.second.stands("Acme/returned", "online")
	f.alice.knows("Acme", "bob@example.com", 5, "ADMIN")
	f.bob.must("recovery", "delete", "--yes")
	f.recovery(f.bob, "Acme", "deleted")
	f.recovery(f.alice, "Acme", "deleted")
	f.alice.refused(4, "that recovery was deleted", "recovery", "invite", "bob@example.com")
}

// recovery wants the state of a recovery in somebody's eyes.
func (f *flows) recovery(m *home, device, state string) {
	f.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		var all struct {
			Recoveries []struct{ Email, State string }
		}
		m.reads(&all, "recovery", "status", "--device", device)
		if len(all.Recoveries) == 1 && all.Recoveries[0].State == state {
			return
		}
		if time.Now().After(deadline) {
			f.Fatalf("in the eyes of %s the recoveries are %+v, not %s", device, all.Recoveries, state)
		}
	}
}
