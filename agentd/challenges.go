package agentd

import (
	"sync"
	"time"

	"github.com/seed-73b3884f/parsec-agent/kim"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers/tpm/attestation"
)

// Bounds of the challenges that wait for an answer.
const (
	challengeLife       = time.Hour
	challengesPerOwner  = 64
	challengesOfAllTold = 4096
)

// challenges are the verifiers' halves of attestation challenges. Each is for its owner
// and is given out once, right or wrong. They do not outlive the process: who misses one
// makes another.
type challenges struct {
	mu   sync.Mutex // guards the field below
	open map[attestation.ChallengeID]openChallenge
}

type openChallenge struct {
	*attestation.Pending
	owner   kim.Owner
	expires time.Time
}

// add keeps a challenge.
func (c *challenges) add(owner kim.Owner, p *attestation.Pending, now time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	mine := 0
	for id, o := range c.open {
		if now.After(o.expires) {
			o.Wipe()
			delete(c.open, id)
		} else if o.owner == owner {
			mine++
		}
	}
	if mine >= challengesPerOwner || len(c.open) >= challengesOfAllTold {
		return &wire.Error{
			Status: wire.StatusInsufficientMemory, Object: "attestation challenge",
			Reason: "too many challenges wait for an answer", Remedy: "answer them, or wait: each is forgotten after an hour",
		}
	}
	if c.open == nil {
		c.open = map[attestation.ChallengeID]openChallenge{}
	}
	c.open[p.ID] = openChallenge{p, owner, now.Add(challengeLife)}
	return nil
}

// take returns a challenge and forgets it.
func (c *challenges) take(owner kim.Owner, id attestation.ChallengeID, now time.Time) (*attestation.Pending, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	o, ok := c.open[id]
	if !ok || o.owner != owner || now.After(o.expires) {
		return nil, &wire.Error{
			Status: wire.StatusDoesNotExist, Object: "attestation challenge",
			Reason: "no challenge of yours waits for this answer: it was answered once, is older than an hour, or the agent was started anew",
			Remedy: "make a new challenge: parsecctl key attest-verify STATEMENT --ca FILE --challenge-out FILE",
		}
	}
	delete(c.open, id)
	return o.Pending, nil
}
