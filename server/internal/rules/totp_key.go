package rules

import (
	"context"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

const purposeOpaqueKey = "opaque key"

// maxDoublings bounds how long wrong codes lock a key: 34 years, which nobody waits for to go on.
const maxDoublings = 30

// totpCreateOpaqueKey is 3.12. One-time codes need not be set up for it.
func (s *Service) totpCreateOpaqueKey(ctx context.Context, c *Call, _ *cloud.TOTPCreateOpaqueKeyReq) (cloud.TOTPCreateOpaqueKeyRep, error) {
	id, key := trust.TOTPOpaqueKeyID{}, trust.GenerateSecretKey()
	id.Generate()
	b, err := key.Export()
	if err != nil {
		return nil, err
	}
	defer clear(b)
	sealed := s.Secrets.Seal(purposeOpaqueKey, ofUser(c.Org, c.User, id[:]), b)
	return write(ctx, s, c, []store.Lock{store.User(c.Org, c.User)}, func(tx *store.Tx, _ *tables.Author) (cloud.TOTPCreateOpaqueKeyRep, error) {
		err := tables.AddOpaqueKey(ctx, tx, c.Org, c.User, tables.OpaqueKey{ID: id, Sealed: sealed})
		return &cloud.TOTPCreateOpaqueKeyOK{OpaqueKey: key, OpaqueKeyID: id}, err
	})
}

// totpFetchOpaqueKey is 3.12: user, set up, key, throttle, code. Tries for one user wait for each other, so that none escapes the count.
func (s *Service) totpFetchOpaqueKey(ctx context.Context, c *Call, req *cloud.TOTPFetchOpaqueKeyReq) (cloud.TOTPFetchOpaqueKeyRep, error) {
	return anonymous(ctx, c, s.locked(store.User(c.Org, req.UserID)), func(tx *store.Tx) (cloud.TOTPFetchOpaqueKeyRep, error) {
		active, err := c.activeUser(ctx, tx, req.UserID)
		if err != nil {
			return nil, err
		}
		t, err := tables.GetTOTP(ctx, tx, c.Org, req.UserID)
		if err != nil {
			return nil, err
		}
		k, err := tables.GetOpaqueKey(ctx, tx, c.Org, req.UserID, req.OpaqueKeyID)
		switch {
		case err != nil:
			return nil, err
		case !active || !t.Confirmed || k == nil:
			return &cloud.InvalidOneTimePassword{}, nil
		}
		if until := throttled(k); until != nil && !c.Now.After(*until) {
			return &cloud.Throttled{WaitUntil: *until}, nil
		}
		fits, err := s.codeFits(c, req.UserID, t, req.OneTimePassword)
		if err != nil {
			return nil, err
		}
		return s.tried(ctx, tx, c, req.UserID, k, fits)
	})
}

// tried counts a try, and gives the key out if the code was right.
func (s *Service) tried(ctx context.Context, tx *store.Tx, c *Call, user trust.UserID, k *tables.OpaqueKey, fits bool) (cloud.TOTPFetchOpaqueKeyRep, error) {
	if !fits {
		k.Failures, k.FailedOn = k.Failures+1, &c.Now
		return &cloud.InvalidOneTimePassword{}, tables.SetFailures(ctx, tx, c.Org, user, k)
	}
	key, err := s.openKey(c.Org, user, k)
	if err != nil {
		return nil, err
	}
	if k.Failures > 0 {
		k.Failures, k.FailedOn = 0, nil
		err = tables.SetFailures(ctx, tx, c.Org, user, k)
	}
	return &cloud.TOTPFetchOpaqueKeyOK{OpaqueKey: key}, err
}

// throttled returns until when no code for a key is looked at, nil for no such time: a second after the first wrong one, then twice as long each time.
func throttled(k *tables.OpaqueKey) *trust.DateTime {
	if k.Failures == 0 || k.FailedOn == nil {
		return nil
	}
	until := k.FailedOn.Add(time.Second << min(k.Failures-1, maxDoublings))
	return &until
}

func (s *Service) openKey(org int64, user trust.UserID, k *tables.OpaqueKey) (trust.SecretKey, error) {
	b, err := s.Secrets.Open(purposeOpaqueKey, ofUser(org, user, k.ID[:]), k.Sealed)
	if err != nil {
		return trust.SecretKey{}, err
	}
	defer clear(b)
	return trust.NewSecretKey(b)
}
