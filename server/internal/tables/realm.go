package tables

import (
	"context"

	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Realm is what vlobs and blocks are in.
type Realm struct {
	ID              trust.RealmID
	LastCertificate trust.DateTime
	// LastVlob is the newest moment of a vlob, nil before the first.
	LastVlob *trust.DateTime
	// KeyIndex is how many rotations there were.
	KeyIndex   uint64
	Named      bool
	Archiving  trust.ArchivingState
	DeletionOn *trust.DateTime
	// Deleted says that an administrator purged it.
	Deleted bool
	// Checkpoint is how many vlobs were written.
	Checkpoint uint64
	// Role is that of the user for whom RealmFor looked.
	Role trust.Role
}

// Due reports whether the moment of the planned deletion has come.
func (r *Realm) Due(now trust.DateTime) bool {
	return r.Archiving == trust.DeletionPlanned && r.DeletionOn != nil && !now.Before(*r.DeletionOn)
}

const realmColumns = `SELECT r.last_certificate, r.last_vlob, r.key_index, r.named, r.archiving, r.deletion_on, r.deleted, r.checkpoint`

func (r *Realm) columns() []any {
	return []any{
		store.Time(&r.LastCertificate), store.MaybeTime(&r.LastVlob), store.Small(&r.KeyIndex), store.Bool(&r.Named), store.Small(&r.Archiving),
		store.MaybeTime(&r.DeletionOn), store.Bool(&r.Deleted), store.Small(&r.Checkpoint),
	}
}

// GetRealm returns a realm, or nil.
func GetRealm(ctx context.Context, tx *store.Tx, org int64, id trust.RealmID) (*Realm, error) {
	r := &Realm{ID: id}
	found, err := tx.Get(ctx, store.SQL(realmColumns+` FROM realm r WHERE r.org = $1 AND r.id = $2`, org, id[:]), r.columns()...)
	if err != nil || !found {
		return nil, err
	}
	return r, nil
}

// RealmForStatement is what RealmFor asks.
func RealmForStatement(org int64, id trust.RealmID, user trust.UserID) store.Statement {
	return store.SQL(realmColumns+`, coalesce((SELECT m.role FROM realm_role m WHERE m.org = r.org AND m.realm = r.id AND m.person = $3), 0)
		FROM realm r WHERE r.org = $1 AND r.id = $2`, org, id[:], user[:])
}

// RealmFor is GetRealm with the role that a user has in the realm.
func RealmFor(ctx context.Context, tx *store.Tx, org int64, id trust.RealmID, user trust.UserID) (*Realm, error) {
	r := &Realm{ID: id}
	found, err := tx.Get(ctx, RealmForStatement(org, id, user), append(r.columns(), store.Small(&r.Role))...)
	if err != nil || !found {
		return nil, err
	}
	return r, nil
}

// InsertRealm adds a realm as its first certificate makes it.
func InsertRealm(ctx context.Context, tx *store.Tx, org int64, id trust.RealmID, at trust.DateTime) error {
	_, err := tx.Exec(ctx, `INSERT INTO realm (org, id, created_on, last_certificate, key_index, named, archiving, deleted, checkpoint, vlob_bytes, block_bytes)
		VALUES ($1, $2, $3, $3, 0, 0, $4, 0, 0, 0, 0)`, org, id[:], at.Micros(), int64(trust.Available))
	return err
}

// Role returns the role that a user has in a realm now.
func Role(ctx context.Context, tx *store.Tx, org int64, id trust.RealmID, user trust.UserID) (role trust.Role, err error) {
	_, err = tx.Get(ctx, store.SQL(`SELECT role FROM realm_role WHERE org = $1 AND realm = $2 AND person = $3`, org, id[:], user[:]), store.Small(&role))
	return role, err
}

// SetRole gives a role, or takes it away.
func SetRole(ctx context.Context, tx *store.Tx, org int64, c *trust.RealmRoleCertificate) error {
	_, err := tx.Exec(ctx, `INSERT INTO realm_role (org, realm, person, role, changed_on) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (org, realm, person) DO UPDATE SET role = excluded.role, changed_on = excluded.changed_on`,
		org, c.RealmID[:], c.UserID[:], int64(c.Role), c.Timestamp.Micros())
	return err
}

// Membership is what a user is, or was, in a realm.
type Membership struct {
	Realm trust.RealmID
	// Role is NoRole for a former member, since ChangedOn.
	Role      trust.Role
	ChangedOn trust.DateTime
	// LastCertificate is the realm's.
	LastCertificate trust.DateTime
}

// Memberships returns the realms that a user is or was in.
func Memberships(ctx context.Context, tx *store.Tx, org int64, user trust.UserID) (all []Membership, err error) {
	m := Membership{}
	columns := []any{store.Fixed(&m.Realm), store.Small(&m.Role), store.Time(&m.ChangedOn), store.Time(&m.LastCertificate)}
	err = tx.Each(ctx, store.SQL(`SELECT m.realm, m.role, m.changed_on, r.last_certificate FROM realm_role m JOIN realm r ON r.org = m.org AND r.id = m.realm
		WHERE m.org = $1 AND m.person = $2 ORDER BY m.realm`, org, user[:]), func(r store.Row) error {
		err := r.Scan(columns...)
		all = append(all, m)
		return err
	})
	return all, err
}

// Member is a user with a role.
type Member struct {
	User    trust.UserID
	Role    trust.Role
	Revoked bool
	Profile trust.Profile
}

// Members returns the users that have a role, revoked ones too.
func Members(ctx context.Context, tx *store.Tx, org int64, id trust.RealmID) (all []Member, err error) {
	err = tx.Each(ctx, store.SQL(`SELECT r.person, r.role, CASE WHEN p.revoked_on IS NULL THEN 0 ELSE 1 END, p.profile FROM realm_role r
		JOIN person p ON p.org = r.org AND p.id = r.person WHERE r.org = $1 AND r.realm = $2 AND r.role > 0 ORDER BY r.person`, org, id[:]),
		func(r store.Row) error {
			m := Member{}
			if err := r.Scan(store.Fixed(&m.User), store.Small(&m.Role), store.Bool(&m.Revoked), store.Small(&m.Profile)); err != nil {
				return err
			}
			all = append(all, m)
			return nil
		})
	return all, err
}

// SetAccess keeps the newest access that a user was given to a keys bundle.
func SetAccess(ctx context.Context, tx *store.Tx, org int64, id trust.RealmID, index uint64, user trust.UserID, access []byte) error {
	_, err := tx.Exec(ctx, `INSERT INTO keys_access (org, realm, key_index, person, access) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (org, realm, key_index, person) DO UPDATE SET access = excluded.access`, org, id[:], count(index), user[:], access)
	return err
}

// Access returns the access of a user to a keys bundle, or nil.
func Access(ctx context.Context, tx *store.Tx, org int64, id trust.RealmID, index uint64, user trust.UserID) (access []byte, err error) {
	_, err = tx.Get(ctx, store.SQL(`SELECT access FROM keys_access WHERE org = $1 AND realm = $2 AND key_index = $3 AND person = $4`,
		org, id[:], count(index), user[:]), &access)
	return access, err
}

// Bundle returns a keys bundle, or nil.
func Bundle(ctx context.Context, tx *store.Tx, org int64, id trust.RealmID, index uint64) (bundle []byte, err error) {
	_, err = tx.Get(ctx, store.SQL(`SELECT bundle FROM keys_bundle WHERE org = $1 AND realm = $2 AND key_index = $3`, org, id[:], count(index)), &bundle)
	return bundle, err
}

// Rotate adds a keys bundle and makes it the last one.
func Rotate(ctx context.Context, tx *store.Tx, org int64, id trust.RealmID, index uint64, bundle []byte) error {
	_, err := tx.Exec(ctx, `INSERT INTO keys_bundle (org, realm, key_index, bundle) VALUES ($1, $2, $3, $4)`, org, id[:], count(index), bundle)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE realm SET key_index = $3 WHERE org = $1 AND id = $2`, org, id[:], count(index))
	return err
}

// SetNamed notes that a realm has a name.
func SetNamed(ctx context.Context, tx *store.Tx, org int64, id trust.RealmID) error {
	_, err := tx.Exec(ctx, `UPDATE realm SET named = 1 WHERE org = $1 AND id = $2`, org, id[:])
	return err
}

// SetArchiving notes whether a realm is in use.
func SetArchiving(ctx context.Context, tx *store.Tx, org int64, id trust.RealmID, c trust.ArchivingConfiguration) error {
	var date any
	if c.State == trust.DeletionPlanned {
		date = c.DeletionDate.Micros()
	}
	_, err := tx.Exec(ctx, `UPDATE realm SET archiving = $3, deletion_on = $4 WHERE org = $1 AND id = $2`, org, id[:], int64(c.State), date)
	return err
}

// count is a number as an argument. Those that the store has are far below the bound.
func count(n uint64) int64 { return int64(min(n, 1<<62)) }
