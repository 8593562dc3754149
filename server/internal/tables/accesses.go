package tables

import (
	"context"

	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// ProfileSince is a profile that a user has, or had, from a moment on.
type ProfileSince struct {
	User    trust.UserID
	Profile trust.Profile
	Since   trust.DateTime
}

// Profiles calls f for all profiles of an organisation's users, the oldest first.
func Profiles(ctx context.Context, tx *store.Tx, org int64, f func(ProfileSince)) error {
	return tx.Each(ctx, store.SQL(`SELECT person, profile, since FROM profile WHERE org = $1 ORDER BY since, person`, org), func(r store.Row) error {
		p := ProfileSince{}
		err := r.Scan(store.Fixed(&p.User), store.Small(&p.Profile), store.Time(&p.Since))
		f(p)
		return err
	})
}

// RoleSince is the role that a user has in a realm since a moment; it is NoRole for a former member.
type RoleSince struct {
	User  trust.UserID
	Realm trust.RealmID
	Role  trust.Role
	Since trust.DateTime
}

// Roles calls f for all roles in an organisation's realms, those of one realm together.
func Roles(ctx context.Context, tx *store.Tx, org int64, f func(RoleSince)) error {
	return tx.Each(ctx, store.SQL(`SELECT person, realm, role, changed_on FROM realm_role WHERE org = $1 ORDER BY realm, person`, org), func(r store.Row) error {
		m := RoleSince{}
		err := r.Scan(store.Fixed(&m.User), store.Fixed(&m.Realm), store.Small(&m.Role), store.Time(&m.Since))
		f(m)
		return err
	})
}
