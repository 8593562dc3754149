package rules

import (
	"context"
	"errors"

	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Administrator is who administers.
type Administrator struct {
	// Who is what let them in, for the audit log: never a secret.
	Who string
	Now trust.DateTime
}

// RefusedError is why nothing is done for an administrator.
type RefusedError struct {
	Reason string
	// After is what the moment of a certificate must exceed, nil where that is not why.
	After *trust.DateTime
}

func (r *RefusedError) Error() string { return r.Reason }

// Why nothing is done.
var (
	ErrNoOrganization     error = &RefusedError{Reason: "there is no such organisation"}
	ErrOrganizationExists error = &RefusedError{Reason: "the organisation exists already, and is bootstrapped"}
	ErrBeingErased        error = &RefusedError{Reason: "an organisation with this name was erased, and its blocks are not removed yet"}
	ErrNoUser             error = &RefusedError{Reason: "there is no such user"}
	ErrUserRevoked        error = &RefusedError{Reason: "the user is revoked"}
	ErrNoRealm            error = &RefusedError{Reason: "there is no such realm"}
	ErrRealmUsed          error = &RefusedError{Reason: "the realm is in use: its deletion is not planned or not due, and it has a member who is not revoked"}
)

// act is what an administrator wants to do: a record of the audit log that has no result yet.
type act struct {
	action       string
	organization trust.OrganizationID
	// object is what in the organisation is meant, and how it is to be changed.
	object string
}

// record writes what became of an act.
func (by Administrator) record(ctx context.Context, tx *store.Tx, a act, outcome error) error {
	r := tables.Audit{DoneOn: by.Now, Who: by.Who, Action: a.action, Organization: a.organization.String(), Object: a.object, Result: "ok"}
	if outcome != nil {
		r.Result = outcome.Error()
	}
	return tables.AddAudit(ctx, tx, r)
}

// administer does something with locks, and records in the same transaction what became of it. A refusal of f changes nothing else.
func (s *Service) administer(ctx context.Context, by Administrator, a act, locks []store.Lock, f func(*store.Tx) error) error {
	var outcome error
	err := s.Store.Write(ctx, locks, func(tx *store.Tx) error {
		outcome = f(tx)
		if _, refused := errors.AsType[*RefusedError](outcome); outcome != nil && !refused {
			return outcome
		}
		return by.record(ctx, tx, a, outcome)
	})
	if err != nil {
		s.Log.ErrorContext(ctx, "an administrator's request failed", "who", by.Who, "action", a.action, "organization", a.organization.String(), "error", err)
		return err
	}
	result := "ok"
	if outcome != nil {
		result = outcome.Error()
	}
	s.Log.InfoContext(ctx, "administration", "who", by.Who, "action", a.action, "organization", a.organization.String(), "object", a.object, "result", result)
	return outcome
}

// administerIn is administer for something in an organisation that exists, with locks that its number makes.
func (s *Service) administerIn(ctx context.Context, by Administrator, a act, locks func(int64) []store.Lock, f func(*store.Tx, *tables.Organization) error) error {
	o, err := s.Locate(ctx, a.organization, false, by.Now)
	if err != nil {
		return err
	}
	if o == nil {
		return s.administer(ctx, by, a, nil, func(*store.Tx) error { return ErrNoOrganization })
	}
	return s.administer(ctx, by, a, locks(o.Num), func(tx *store.Tx) error {
		now, err := tables.GetOrganization(ctx, tx, o.Num)
		if err == nil && now == nil {
			err = ErrNoOrganization
		}
		if err != nil {
			return err
		}
		return f(tx, now)
	})
}

// Refused records something that an administrator was not let do.
func (s *Service) Refused(ctx context.Context, by Administrator, action string, why error) error {
	return s.administer(ctx, by, act{action: action}, nil, func(*store.Tx) error { return &RefusedError{Reason: why.Error()} })
}

// Audits returns the newest records of the audit log before a moment, or of all for nil, at most so many.
func (s *Service) Audits(ctx context.Context, before *trust.DateTime, most int) (all []tables.Audit, err error) {
	err = s.Store.Read(ctx, func(tx *store.Tx) error {
		all, err = tables.Audits(ctx, tx, before, most)
		return err
	})
	return all, err
}
