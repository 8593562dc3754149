package observe

import (
	"context"
	"errors"
	"time"

	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Blocks is a block store whose operations are measured, and which can what the store can: promises about memory are the store's.
func (m *Metrics) Blocks(s blocks.Store) blocks.Store {
	plain := &measured{s, m}
	a, ok := s.(blocks.Appender)
	if !ok {
		return plain
	}
	into := &measuredAppender{plain, a}
	if o, ok := s.(blocks.Opener); ok {
		return &measuredOpener{into, o}
	}
	if r, ok := s.(blocks.Rows); ok {
		return &measuredRows{into, r}
	}
	return into
}

type measured struct {
	blocks.Store

	m *Metrics
}

type measuredAppender struct {
	*measured

	appender blocks.Appender
}

type measuredOpener struct {
	*measuredAppender

	opener blocks.Opener
}

type measuredRows struct {
	*measuredAppender

	rows blocks.Rows
}

func (s *measured) took(operation string, start time.Time, err error) {
	outcome := "failed"
	switch {
	case err == nil:
		outcome = "ok"
	case errors.Is(err, blocks.ErrNotFound):
		outcome = "not found"
	case errors.Is(err, blocks.ErrExists):
		outcome = "exists"
	case errors.Is(err, blocks.ErrUnavailable):
		outcome = "unavailable"
	case errors.Is(err, blocks.ErrCorrupt):
		outcome = "damaged"
	}
	s.m.blocks.of(blockCall{operation, outcome}).took.Observe(time.Since(start))
}

// Create is measured.
func (s *measured) Create(ctx context.Context, org trust.OrganizationID, id trust.BlockID, data []byte) (err error) {
	defer func(start time.Time) { s.took("create", start, err) }(time.Now())
	return s.Store.Create(ctx, org, id, data)
}

// Read is measured.
func (s *measured) Read(ctx context.Context, org trust.OrganizationID, id trust.BlockID) (data []byte, err error) {
	defer func(start time.Time) { s.took("read", start, err) }(time.Now())
	return s.Store.Read(ctx, org, id)
}

// Append is Read behind what is there.
func (s *measuredAppender) Append(ctx context.Context, into []byte, org trust.OrganizationID, id trust.BlockID) (data []byte, err error) {
	defer func(start time.Time) { s.took("read", start, err) }(time.Now())
	return s.appender.Append(ctx, into, org, id)
}

// Open is Read of a store that has blocks in files; what it takes to send them is not measured.
func (s *measuredOpener) Open(ctx context.Context, org trust.OrganizationID, id trust.BlockID) (c blocks.Content, size int, err error) {
	defer func(start time.Time) { s.took("read", start, err) }(time.Now())
	return s.opener.Open(ctx, org, id)
}

// Put is Create of a store whose blocks are rows; what the commit takes is not measured.
func (s *measuredRows) Put(ctx context.Context, tx *store.Tx, org trust.OrganizationID, id trust.BlockID, data []byte) (err error) {
	defer func(start time.Time) { s.took("create", start, err) }(time.Now())
	return s.rows.Put(ctx, tx, org, id, data)
}

// Statement is not measured.
func (s *measuredRows) Statement(org trust.OrganizationID, id trust.BlockID) store.Statement {
	return s.rows.Statement(org, id)
}

// Get is Read of a store whose blocks are rows.
func (s *measuredRows) Get(ctx context.Context, tx *store.Tx, into []byte, org trust.OrganizationID, id trust.BlockID) (data []byte, err error) {
	defer func(start time.Time) { s.took("read", start, err) }(time.Now())
	return s.rows.Get(ctx, tx, into, org, id)
}

// Delete is measured.
func (s *measured) Delete(ctx context.Context, org trust.OrganizationID, id trust.BlockID) (err error) {
	defer func(start time.Time) { s.took("delete", start, err) }(time.Now())
	return s.Store.Delete(ctx, org, id)
}
