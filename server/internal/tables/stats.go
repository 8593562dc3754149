package tables

import (
	"context"

	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Stats are how much an organisation has.
type Stats struct {
	DataSize, MetadataSize, Realms uint64
	// Users are all that there were, and Active those that are not revoked.
	Users, Active uint64
	PerProfile    map[trust.Profile]ProfileStats
}

// ProfileStats count the users of a profile.
type ProfileStats struct{ Active, Revoked uint64 }

// Existed reports whether an organisation was there at a moment.
func Existed(ctx context.Context, tx *store.Tx, org int64, at trust.DateTime) (bool, error) {
	one := int64(0)
	return tx.Get(ctx, store.SQL(`SELECT 1 FROM organization WHERE num = $1 AND created_on <= $2`, org, at.Micros()), &one)
}

// StatsAt counts what an organisation had at a moment, or has now for nil.
func StatsAt(ctx context.Context, tx *store.Tx, org int64, at *trust.DateTime) (*Stats, error) {
	s := &Stats{PerProfile: map[trust.Profile]ProfileStats{}}
	until := int64(1<<63 - 1)
	if at != nil {
		until = at.Micros()
	}
	err := tx.Each(ctx, store.SQL(`SELECT CASE WHEN revoked_on <= $2 THEN 1 ELSE 0 END, (SELECT x.profile FROM profile x WHERE x.org = p.org AND x.person = p.id
		AND x.since <= $2 ORDER BY x.since DESC LIMIT 1) FROM person p WHERE p.org = $1 AND p.created_on <= $2`, org, until), func(r store.Row) error {
		revoked, profile := false, trust.Profile(0)
		if err := r.Scan(store.Bool(&revoked), store.Small(&profile)); err != nil {
			return err
		}
		s.count(profile, revoked)
		return nil
	})
	if err != nil {
		return nil, err
	}
	_, err = tx.Get(ctx, store.SQL(`SELECT count(*) FROM realm WHERE org = $1 AND deleted = 0 AND created_on <= $2`, org, until), store.Small(&s.Realms))
	if err != nil {
		return nil, err
	}
	if at == nil {
		s.MetadataSize, s.DataSize, err = Usage(ctx, tx, org)
		return s, err
	}
	_, err = tx.Get(ctx, store.SQL(`SELECT CAST(coalesce(sum(length(data)), 0) AS BIGINT) FROM vlob WHERE org = $1 AND created_on <= $2`, org, until), store.Small(&s.MetadataSize))
	if err == nil {
		_, err = tx.Get(ctx, store.SQL(`SELECT CAST(coalesce(sum(size), 0) AS BIGINT) FROM block WHERE org = $1 AND stored = 1 AND created_on <= $2`, org, until),
			store.Small(&s.DataSize))
	}
	return s, err
}

func (s *Stats) count(p trust.Profile, revoked bool) {
	of := s.PerProfile[p]
	s.Users++
	if revoked {
		of.Revoked++
	} else {
		of.Active++
		s.Active++
	}
	s.PerProfile[p] = of
}
