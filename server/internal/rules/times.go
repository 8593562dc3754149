package rules

import (
	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// outOfBallpark returns the refusal of a moment that is too far from the server's clock, else nil.
func (c *Call) outOfBallpark(stated trust.DateTime) *cloud.TimestampOutOfBallpark {
	if cloud.InWindow(c.Now.Time(), stated.Time()) {
		return nil
	}
	return &cloud.TimestampOutOfBallpark{
		BallparkClientEarlyOffset: cloud.ClientEarly.Seconds(), BallparkClientLateOffset: cloud.ClientLate.Seconds(),
		ClientTimestamp: stated, ServerTimestamp: c.Now,
	}
}

// notAbove returns the refusal of a moment that does not exceed all others, nil where there was none, else nil.
func notAbove(stated trust.DateTime, others ...*trust.DateTime) *cloud.RequireGreaterTimestamp {
	var last *trust.DateTime
	for _, o := range others {
		if o != nil && (last == nil || o.After(*last)) {
			last = o
		}
	}
	if last == nil || stated.After(*last) {
		return nil
	}
	return &cloud.RequireGreaterTimestamp{StrictlyGreaterThan: *last}
}
