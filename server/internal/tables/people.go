package tables

import (
	"context"

	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// User is a person of an organisation.
type User struct {
	ID        trust.UserID
	Email     string
	Label     string
	Profile   trust.Profile
	CreatedOn trust.DateTime
	RevokedOn *trust.DateTime
	Frozen    bool
	// TOSAcceptedOn is when the user last accepted terms of service.
	TOSAcceptedOn *trust.DateTime
}

const userColumns = `SELECT id, email, label, profile, created_on, revoked_on, frozen, tos_accepted_on FROM person`

func scanUser(r store.Row, u *User) error { return r.Scan(u.columns()...) }

func (u *User) columns() []any {
	return []any{
		store.Fixed(&u.ID), &u.Email, &u.Label, store.Small(&u.Profile), store.Time(&u.CreatedOn), store.MaybeTime(&u.RevokedOn),
		store.Bool(&u.Frozen), store.MaybeTime(&u.TOSAcceptedOn),
	}
}

func user(ctx context.Context, tx *store.Tx, s store.Statement) (*User, error) {
	u := &User{}
	found, err := tx.Get(ctx, s, u.columns()...)
	if err != nil || !found {
		return nil, err
	}
	return u, nil
}

// GetUser returns a user, or nil.
func GetUser(ctx context.Context, tx *store.Tx, org int64, id trust.UserID) (*User, error) {
	return user(ctx, tx, store.SQL(userColumns+` WHERE org = $1 AND id = $2`, org, id[:]))
}

// ActiveUser returns the user with an address that is not revoked, or nil.
func ActiveUser(ctx context.Context, tx *store.Tx, org int64, email string) (*User, error) {
	return user(ctx, tx, store.SQL(userColumns+` WHERE org = $1 AND email = $2 AND revoked_on IS NULL`, org, email))
}

// Users calls f for every user of an organisation.
func Users(ctx context.Context, tx *store.Tx, org int64, f func(User) error) error {
	return tx.Each(ctx, store.SQL(userColumns+` WHERE org = $1 ORDER BY created_on, id`, org), func(r store.Row) error {
		u := User{}
		if err := scanUser(r, &u); err != nil {
			return err
		}
		return f(u)
	})
}

// CountActive returns how many users are not revoked.
func CountActive(ctx context.Context, tx *store.Tx, org int64) (n uint64, err error) {
	_, err = tx.Get(ctx, store.SQL(`SELECT count(*) FROM person WHERE org = $1 AND revoked_on IS NULL`, org), store.Small(&n))
	return n, err
}

// InsertUser adds a user with the profile of the certificate.
func InsertUser(ctx context.Context, tx *store.Tx, org int64, c *trust.UserCertificate) error {
	handle := c.Handle()
	_, err := tx.Exec(ctx, `INSERT INTO person (org, id, email, label, profile, created_on, frozen) VALUES ($1, $2, $3, $4, $5, $6, 0)`,
		org, c.UserID[:], handle.Email.String(), handle.Label.String(), int64(c.Profile), c.Timestamp.Micros())
	if err != nil {
		return err
	}
	return insertProfile(ctx, tx, org, c.UserID, c.Profile, c.Timestamp)
}

func insertProfile(ctx context.Context, tx *store.Tx, org int64, id trust.UserID, p trust.Profile, at trust.DateTime) error {
	_, err := tx.Exec(ctx, `INSERT INTO profile (org, person, since, profile) VALUES ($1, $2, $3, $4)`, org, id[:], at.Micros(), int64(p))
	return err
}

// UpdateProfile gives a user another profile.
func UpdateProfile(ctx context.Context, tx *store.Tx, org int64, c *trust.UserUpdateCertificate) error {
	_, err := tx.Exec(ctx, `UPDATE person SET profile = $3 WHERE org = $1 AND id = $2`, org, c.UserID[:], int64(c.NewProfile))
	if err != nil {
		return err
	}
	return insertProfile(ctx, tx, org, c.UserID, c.NewProfile, c.Timestamp)
}

// RevokeUser ends a user.
func RevokeUser(ctx context.Context, tx *store.Tx, org int64, c *trust.RevokedUserCertificate) error {
	_, err := tx.Exec(ctx, `UPDATE person SET revoked_on = $3 WHERE org = $1 AND id = $2`, org, c.UserID[:], c.Timestamp.Micros())
	return err
}

// FreezeUser lets a user in no more, or again.
func FreezeUser(ctx context.Context, tx *store.Tx, org int64, id trust.UserID, frozen bool) error {
	_, err := tx.Exec(ctx, `UPDATE person SET frozen = $3 WHERE org = $1 AND id = $2`, org, id[:], store.Truth(frozen))
	return err
}

// AcceptTOS notes that a user accepted the terms.
func AcceptTOS(ctx context.Context, tx *store.Tx, org int64, id trust.UserID, now trust.DateTime) error {
	_, err := tx.Exec(ctx, `UPDATE person SET tos_accepted_on = $3 WHERE org = $1 AND id = $2`, org, id[:], now.Micros())
	return err
}

// HasDevice reports whether an id is that of a device.
func HasDevice(ctx context.Context, tx *store.Tx, org int64, id trust.DeviceID) (bool, error) {
	one := int64(0)
	return tx.Get(ctx, store.SQL(`SELECT 1 FROM device WHERE org = $1 AND id = $2`, org, id[:]), &one)
}

// InsertDevice adds a device.
func InsertDevice(ctx context.Context, tx *store.Tx, org int64, c *trust.DeviceCertificate) error {
	_, err := tx.Exec(ctx, `INSERT INTO device (org, id, person, label, verify_key, created_on) VALUES ($1, $2, $3, $4, $5, $6)`,
		org, c.DeviceID[:], c.UserID[:], c.Label().String(), c.VerifyKey[:], c.Timestamp.Micros())
	return err
}

// Author is who sends a request, as of now.
type Author struct {
	Device trust.DeviceID
	User   trust.UserID
	Key    trust.VerifyKey
	// Profile, RevokedOn, Frozen and TOSAcceptedOn are the user's.
	Profile       trust.Profile
	RevokedOn     *trust.DateTime
	Frozen        bool
	TOSAcceptedOn *trust.DateTime
	// Expired to Sequestered are the organisation's.
	Expired                bool
	TOSUpdatedOn           *trust.DateTime
	MinimumArchivingPeriod int64
	Sequestered            bool
	Topics
}

// AuthorStatement is what FindAuthor asks.
func AuthorStatement(org int64, device trust.DeviceID) store.Statement {
	return store.SQL(`SELECT d.person, d.verify_key, p.profile, p.revoked_on, p.frozen, p.tos_accepted_on, o.is_expired,
		o.tos_updated_on, o.minimum_archiving_period, CASE WHEN o.sequester_authority IS NULL THEN 0 ELSE 1 END, o.common_last, o.sequester_last, o.shamir_last
		FROM device d JOIN person p ON p.org = d.org AND p.id = d.person JOIN organization o ON o.num = d.org
		WHERE d.org = $1 AND d.id = $2`, org, device[:])
}

// FindAuthor returns a device with all that matters of its user and organisation, or nil.
func FindAuthor(ctx context.Context, tx *store.Tx, org int64, device trust.DeviceID) (*Author, error) {
	a := &Author{Device: device}
	found, err := tx.Get(ctx, AuthorStatement(org, device),
		store.Fixed(&a.User), store.Fixed(&a.Key), store.Small(&a.Profile), store.MaybeTime(&a.RevokedOn), store.Bool(&a.Frozen),
		store.MaybeTime(&a.TOSAcceptedOn), store.Bool(&a.Expired), store.MaybeTime(&a.TOSUpdatedOn), &a.MinimumArchivingPeriod,
		store.Bool(&a.Sequestered), store.MaybeTime(&a.Common), store.MaybeTime(&a.Sequester), store.MaybeTime(&a.Shamir))
	if err != nil || !found {
		return nil, err
	}
	return a, nil
}

// MustAcceptTOS reports whether the user has terms of service to accept.
func (a *Author) MustAcceptTOS() bool {
	return a.TOSUpdatedOn != nil && (a.TOSAcceptedOn == nil || a.TOSAcceptedOn.Before(*a.TOSUpdatedOn))
}
