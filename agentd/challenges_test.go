package agentd

import (
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/kim"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers/tpm/attestation"
)

func pending(n byte) *attestation.Pending {
	return &attestation.Pending{ID: attestation.ChallengeID{n, 1}}
}

// TestChallengesAreUsedOnce: by their owner, within an hour, once.
func TestChallengesAreUsedOnce(t *testing.T) {
	var c challenges
	alice, bob := kim.Owner{Auth: wire.AuthUnixPeer, App: "1"}, kim.Owner{Auth: wire.AuthUnixPeer, App: "2"}
	now := time.Now()
	for n := range byte(3) {
		if err := c.add(alice, pending(n), now); err != nil {
			t.Fatal(err)
		}
	}
	refused := func(what string, owner kim.Owner, n byte, now time.Time) {
		t.Helper()
		if p, err := c.take(owner, pending(n).ID, now); p != nil || wire.StatusOf(err) != wire.StatusDoesNotExist {
			t.Errorf("%s: %v, %v", what, p, err)
		}
	}
	refused("somebody else's", bob, 0, now)
	if p, err := c.take(alice, pending(0).ID, now); err != nil || p.ID != pending(0).ID {
		t.Errorf("%v, %v", p, err)
	}
	refused("used", alice, 0, now)
	refused("unknown", alice, 9, now)
	refused("old", alice, 1, now.Add(challengeLife+time.Second))
	if err := c.add(bob, pending(10), now.Add(challengeLife+time.Second)); err != nil || len(c.open) != 1 {
		t.Errorf("%d challenges stay, %v", len(c.open), err)
	}
}

// TestChallengesAreBounded: nobody fills the memory, and nobody keeps others from verifying.
func TestChallengesAreBounded(t *testing.T) {
	var c challenges
	now := time.Now()
	alice, bob := kim.Owner{App: "1"}, kim.Owner{App: "2"}
	for n := range byte(challengesPerOwner) {
		if err := c.add(alice, pending(n), now); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.add(alice, pending(challengesPerOwner), now); wire.StatusOf(err) != wire.StatusInsufficientMemory {
		t.Errorf("one more: %v", err)
	}
	if err := c.add(bob, pending(200), now); err != nil {
		t.Errorf("somebody else: %v", err)
	}
	if err := c.add(alice, pending(201), now.Add(2*challengeLife)); err != nil {
		t.Errorf("later: %v", err)
	}
}
