package enrol

import (
	"context"
	"errors"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// line is one attempt as one side sees it: at each step it says something, and gets what the other side says at the same step.
type line[Own, Peer any] struct {
	side Side
	id   trust.GreetingAttemptID
	// ask says something once. ready is false as long as the other side has said nothing; asking again is harmless.
	ask func(ctx context.Context, own Own) (peer Peer, ready bool, err error)
	// end cancels the attempt.
	end  func(ctx context.Context, reason cloud.CancelledGreetingAttemptReason) error
	pace pace
	tell func(Notice)
	last Own // what was said at the step that both are through with
}

type (
	claimerLine = line[cloud.ClaimerStep, cloud.GreeterStep]
	greeterLine = line[cloud.GreeterStep, cloud.ClaimerStep]
)

// exchange says something and waits for what the other side says.
func (l *line[Own, Peer]) exchange(ctx context.Context, own Own) (peer Peer, err error) {
	for n := 0; ; n++ {
		ready := false
		err := online(ctx, l.pace, l.tell, func(ctx context.Context) (err error) {
			peer, ready, err = l.ask(ctx, own)
			return err
		})
		if err != nil {
			return peer, err
		}
		if l.last = own; ready {
			return peer, nil
		}
		if err := wait(ctx, l.pace.poll, n); err != nil {
			return peer, err
		}
	}
}

// stays says the last again and again, until the attempt is over or the context ends: a person who thinks does not see that the other
// side has gone.
func (l *line[Own, Peer]) stays(ctx context.Context) error {
	for {
		if err := wait(ctx, []time.Duration{l.pace.watch}, 0); err != nil {
			return err
		}
		if _, _, err := l.ask(ctx, l.last); err != nil && !errors.Is(err, cloud.ErrOffline) {
			return err
		}
	}
}

// fail ends the attempt for a reason, and returns the error that says so. The other side is told if that is possible.
func (l *line[Own, Peer]) fail(ctx context.Context, reason cloud.CancelledGreetingAttemptReason) error {
	l.hangUp(ctx, reason)
	return &OverError{Reason: reason, By: l.side}
}

// hangUp tells the other side that the attempt is over, whatever the context says.
func (l *line[Own, Peer]) hangUp(ctx context.Context, reason cloud.CancelledGreetingAttemptReason) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), l.pace.farewell)
	defer cancel()
	_ = l.end(ctx, reason) // who cannot be told finds out at the next step
}

// want is the step that must be there.
func want[T any](step any) (T, error) {
	own, ok := step.(T)
	if !ok {
		return own, meddling("another step than the one that was asked for")
	}
	return own, nil
}

// over is the error of an attempt that somebody cancelled.
func over(origin cloud.GreeterOrClaimer, reason cloud.CancelledGreetingAttemptReason) error {
	return &OverError{Reason: reason, By: origin}
}

// gone is the error of an attempt that the server does not know any more.
func gone() error {
	return &OverError{Reason: cloud.CancelledAutomaticallyCancelled, By: SideGreeter}
}
