package enrol

import (
	"context"
	"errors"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
)

// pace says how long to wait between questions to a server.
type pace struct {
	// poll are the waits for the other side, the last one again and again.
	poll []time.Duration
	// watch is how often a flow looks whether the other side is still there while a person thinks.
	watch time.Duration
	// offline are the waits for the server.
	offline []time.Duration
	// farewell is how long the other side may be told that it is over.
	farewell time.Duration
}

// usual is the reference's pace.
var usual = pace{
	poll:     []time.Duration{31 * time.Millisecond, 62 * time.Millisecond, 125 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond, time.Second},
	watch:    2 * time.Second,
	offline:  []time.Duration{time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second},
	farewell: 10 * time.Second,
}

// wait waits for the n-th time.
func wait(ctx context.Context, waits []time.Duration, n int) error {
	timer := time.NewTimer(waits[min(n, len(waits)-1)])
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

// online repeats something until the server can be reached, or the context ends. It may have been executed more than once.
func online(ctx context.Context, p pace, tell func(Notice), do func(context.Context) error) error {
	for n := 0; ; n++ {
		err := do(ctx)
		if ctx.Err() != nil && err != nil {
			return context.Cause(ctx)
		}
		if !errors.Is(err, cloud.ErrOffline) {
			return err
		}
		if n == 0 {
			tell(Notice{Event: EventOffline, Err: err})
		}
		if err := wait(ctx, p.offline, n); err != nil {
			return err
		}
	}
}
