// Package tables reads and writes the rows of the store: what a table means is said here once, what may be done with it is the
// matter of package rules. Every function runs in the caller's transaction.
package tables

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Organization is a tenant of the server.
type Organization struct {
	// Num stands for the organisation in all other tables.
	Num int64
	ID  trust.OrganizationID
	// TokenDigest is what the bootstrap token must give, nil for an organisation that needs none.
	TokenDigest   []byte
	Bootstrapped  bool
	RootVerifyKey *trust.VerifyKey
	// Authority is the certificate of the sequester authority, nil without a sequester.
	Authority []byte
	Settings
	Topics
}

// Settings are what an administrator may change.
type Settings struct {
	Expired          bool
	OutsiderAllowed  bool
	ActiveUsersLimit *uint64
	// MinimumArchivingPeriod is in seconds.
	MinimumArchivingPeriod int64
	// TOS is nil where there are no terms of service.
	TOS *TOS
}

// TOS are terms of service.
type TOS struct {
	UpdatedOn trust.DateTime
	// URLs are by locale.
	URLs map[string]string
}

// Topics are the moments of the last certificates, nil before the first.
type Topics struct{ Common, Sequester, Shamir *trust.DateTime }

const organizationColumns = `SELECT num, id, bootstrap_token, bootstrapped_on, root_verify_key, sequester_authority, is_expired, outsider_allowed,
	active_users_limit, minimum_archiving_period, tos_updated_on, tos_urls, common_last, sequester_last, shamir_last FROM organization`

// FindOrganization returns an organisation by its name, or nil.
func FindOrganization(ctx context.Context, tx *store.Tx, id trust.OrganizationID) (*Organization, error) {
	return organization(ctx, tx, store.SQL(organizationColumns+` WHERE id = $1`, id.String()))
}

// OrganizationExpiredStatement is what OrganizationExpired asks.
func OrganizationExpiredStatement(num int64) store.Statement {
	return store.SQL(`SELECT is_expired FROM organization WHERE num = $1`, num)
}

// OrganizationExpired reports whether there is an organisation with a number, and whether it expired.
func OrganizationExpired(ctx context.Context, tx *store.Tx, num int64) (found, expired bool, err error) {
	found, err = tx.Get(ctx, OrganizationExpiredStatement(num), store.Bool(&expired))
	return found, expired, err
}

// GetOrganization returns an organisation by its number, or nil.
func GetOrganization(ctx context.Context, tx *store.Tx, num int64) (*Organization, error) {
	return organization(ctx, tx, store.SQL(organizationColumns+` WHERE num = $1`, num))
}

func organization(ctx context.Context, tx *store.Tx, s store.Statement) (found *Organization, err error) {
	err = tx.Each(ctx, s, func(r store.Row) error {
		found, err = scanOrganization(r)
		return err
	})
	return found, err
}

// OrganizationsByName returns all organisations, by name.
func OrganizationsByName(ctx context.Context, tx *store.Tx) (all []Organization, err error) {
	err = tx.Each(ctx, store.SQL(organizationColumns), func(r store.Row) error {
		o, err := scanOrganization(r)
		if err == nil {
			all = append(all, *o)
		}
		return err
	})
	slices.SortFunc(all, func(a, b Organization) int { return strings.Compare(a.ID.String(), b.ID.String()) }) // databases order otherwise
	return all, err
}

func scanOrganization(r store.Row) (*Organization, error) {
	o := &Organization{}
	var id string
	var urls *string
	var bootstrapped, updated *trust.DateTime
	var limit *int64
	err := r.Scan(&o.Num, &id, &o.TokenDigest, store.MaybeTime(&bootstrapped), store.MaybeFixed(&o.RootVerifyKey), &o.Authority,
		store.Bool(&o.Expired), store.Bool(&o.OutsiderAllowed), &limit, &o.MinimumArchivingPeriod, store.MaybeTime(&updated), &urls,
		store.MaybeTime(&o.Common), store.MaybeTime(&o.Sequester), store.MaybeTime(&o.Shamir))
	if err != nil {
		return nil, err
	}
	o.Bootstrapped = bootstrapped != nil
	if limit != nil {
		n := uint64(*limit) //nolint:gosec // was one when it was written
		o.ActiveUsersLimit = &n
	}
	if updated != nil && urls != nil {
		o.TOS = &TOS{UpdatedOn: *updated}
		if err := json.Unmarshal([]byte(*urls), &o.TOS.URLs); err != nil {
			return nil, err
		}
	}
	o.ID, err = trust.NewOrganizationID(id)
	return o, err
}

// NextOrganization returns the number of the next organisation. The caller holds the lock of the server. Numbers are not given again: what was
// remembered of one is never taken for another.
func NextOrganization(ctx context.Context, tx *store.Tx) (num int64, err error) {
	_, err = tx.Get(ctx, store.SQL(`SELECT coalesce(max(num), 0) + 1 FROM (SELECT num FROM organization UNION ALL SELECT num FROM erased_organization) AS numbers`), &num)
	return num, err
}

// InsertOrganization adds an organisation that waits for its bootstrap. The caller holds the lock of the server.
func InsertOrganization(ctx context.Context, tx *store.Tx, o *Organization, now trust.DateTime) error {
	num, err := NextOrganization(ctx, tx)
	if err != nil {
		return err
	}
	o.Num = num
	_, err = tx.Exec(ctx, `INSERT INTO organization (num, id, created_on, bootstrap_token, is_expired, outsider_allowed, minimum_archiving_period)
		VALUES ($1, $2, $3, $4, 0, 0, 0)`, o.Num, o.ID.String(), now.Micros(), blob(o.TokenDigest))
	if err != nil {
		return err
	}
	return UpdateSettings(ctx, tx, o.Num, o.Settings)
}

// UpdateToken gives an organisation that waits for its bootstrap another token.
func UpdateToken(ctx context.Context, tx *store.Tx, org int64, digest []byte) error {
	_, err := tx.Exec(ctx, `UPDATE organization SET bootstrap_token = $2 WHERE num = $1`, org, blob(digest))
	return err
}

// UpdateSettings replaces all settings.
func UpdateSettings(ctx context.Context, tx *store.Tx, org int64, s Settings) error {
	var limit, updated, urls any
	if s.ActiveUsersLimit != nil {
		limit = int64(min(*s.ActiveUsersLimit, 1<<62))
	}
	if s.TOS != nil {
		text, err := json.Marshal(s.TOS.URLs)
		if err != nil {
			return err
		}
		updated, urls = s.TOS.UpdatedOn.Micros(), string(text)
	}
	_, err := tx.Exec(ctx, `UPDATE organization SET is_expired = $2, outsider_allowed = $3, active_users_limit = $4, minimum_archiving_period = $5,
		tos_updated_on = $6, tos_urls = $7 WHERE num = $1`,
		org, store.Truth(s.Expired), store.Truth(s.OutsiderAllowed), limit, s.MinimumArchivingPeriod, updated, urls)
	return err
}

// Bootstrap makes an organisation a usable one.
func Bootstrap(ctx context.Context, tx *store.Tx, org int64, root trust.VerifyKey, authority []byte, at, now trust.DateTime) error {
	var sequester any
	if authority != nil {
		sequester = at.Micros()
	}
	_, err := tx.Exec(ctx, `UPDATE organization SET bootstrapped_on = $2, root_verify_key = $3, sequester_authority = $4, common_last = $5, sequester_last = $6
		WHERE num = $1`, org, now.Micros(), root[:], blob(authority), at.Micros(), sequester)
	return err
}

// Usage returns how many bytes the vlobs and the blocks of an organisation have.
func Usage(ctx context.Context, tx *store.Tx, org int64) (vlobs, blocks uint64, err error) {
	_, err = tx.Get(ctx, store.SQL(`SELECT CAST(coalesce(sum(vlob_bytes), 0) AS BIGINT), CAST(coalesce(sum(block_bytes), 0) AS BIGINT)
		FROM realm WHERE org = $1`, org), store.Small(&vlobs), store.Small(&blocks))
	return vlobs, blocks, err
}

// blob is bytes as an argument, where nil is null.
func blob(b []byte) any {
	if b == nil {
		return nil
	}
	return b
}
