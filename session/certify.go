package session

import (
	"context"
	"fmt"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Gaps are how much later than the bound that a server names a second attempt is dated (docs/spec/parsec-cloud-data.md 4.9).
const (
	ManifestGap  = 100 * time.Millisecond
	RealmGap     = 250 * time.Millisecond
	UserGap      = 500 * time.Millisecond // users, devices, shared recovery
	ArchivingGap = time.Millisecond
)

const (
	maxAttempts = 8
	// mostAhead bounds what a server can make us sign: it takes nothing that is more than 300 s ahead of its clock, and answers nobody whose clock is more than 320 s behind.
	mostAhead = 620 * time.Second
)

// UnexpectedStatusError is a status that the command has and the caller did not expect.
type UnexpectedStatusError struct{ Status string }

func (e *UnexpectedStatusError) Error() string { return "the server answers " + e.Status }

func statusError(rep cloud.Reply) error { return &UnexpectedStatusError{rep.Status()} }

// Certify sends a command that carries what the device signs. sign makes it for a timestamp, and again with a later one if the server wants that: nothing may be kept of the first. A server
// whose clock is too far from ours gives ErrClock, with both times; bounds that no honest server has are refused. Other statuses are the caller's.
func Certify[R cloud.Reply](ctx context.Context, s *Session, gap time.Duration, sign func(d *trust.LocalDevice, at trust.DateTime) (cloud.Exchange[R], error)) (R, error) {
	none := *new(R)
	at, err := trust.DateTimeOf(s.now())
	if err != nil {
		return none, err
	}
	for range maxAttempts {
		var req cloud.Exchange[R]
		err := s.device.Use(func(d *trust.LocalDevice) (err error) {
			req, err = sign(d, at)
			return err
		})
		if err != nil {
			return none, err
		}
		rep, err := cloud.Do(ctx, s.outer, req)
		if err != nil {
			return none, err
		}
		switch r := cloud.Reply(rep).(type) {
		case *cloud.TimestampOutOfBallpark:
			return none, fmt.Errorf("%w: it is %v here and %v there", ErrClock, r.ClientTimestamp, r.ServerTimestamp)
		case *cloud.RequireGreaterTimestamp:
			if at, err = Later(s.now(), r.StrictlyGreaterThan, gap); err != nil {
				return none, err
			}
		default:
			return rep, nil
		}
	}
	return none, ErrBusy
}

// Later is the timestamp of the next attempt, after the bound that a server named. A bound that no honest server has is ErrClock.
func Later(clock time.Time, bound trust.DateTime, gap time.Duration) (trust.DateTime, error) {
	now, err := trust.DateTimeOf(clock)
	if err != nil {
		return now, err
	}
	if bound.After(now.Add(mostAhead)) {
		return now, fmt.Errorf("%w: the server wants a time after %v, it is %v here", ErrClock, bound, now)
	}
	if at := bound.Add(gap); at.After(now) {
		return at, nil
	}
	return now, nil
}
