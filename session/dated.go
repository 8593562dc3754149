package session

import (
	"context"
	"fmt"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Dated has upload send what carries a timestamp, and again with a later one if the server wants that, by the rules of Certify. It returns the last reply.
func (s *Session) Dated(ctx context.Context, gap time.Duration, upload func(ctx context.Context, at trust.DateTime) (cloud.Reply, error)) (cloud.Reply, error) {
	at, err := trust.DateTimeOf(s.now())
	if err != nil {
		return nil, err
	}
	for range maxAttempts {
		rep, err := upload(ctx, at)
		if err != nil {
			return nil, err
		}
		switch r := rep.(type) {
		case *cloud.TimestampOutOfBallpark:
			return nil, fmt.Errorf("%w: it is %v here and %v there", ErrClock, r.ClientTimestamp, r.ServerTimestamp)
		case *cloud.RequireGreaterTimestamp:
			if at, err = s.later(r.StrictlyGreaterThan, gap); err != nil {
				return nil, err
			}
		default:
			return rep, nil
		}
	}
	return nil, ErrBusy
}
