package rules

import (
	"context"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/events"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
)

func (*Service) ping(_ context.Context, _ *Call, req *cloud.PingReq) (cloud.PingRep, error) {
	return &cloud.PingOK{Pong: req.Ping}, nil
}

// pingEverybody tells all listeners of the organisation too.
func (s *Service) pingEverybody(ctx context.Context, c *Call, req *cloud.PingReq) (cloud.PingRep, error) {
	return write(ctx, s, c, nil, func(tx *store.Tx, _ *tables.Author) (cloud.PingRep, error) {
		e, err := events.New(c.Org, events.Audience{Everybody: true}, &cloud.EventPinged{Ping: req.Ping})
		if err == nil {
			tx.Emit(e)
		}
		return &cloud.PingOK{Pong: req.Ping}, err
	})
}
