package export

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Why nothing is exported.
var (
	ErrNoOrganization = errors.New("there is no such organisation, or it is not bootstrapped")
	ErrNoRealm        = errors.New("there is no such realm")
	ErrDeleted        = errors.New("the data of the realm was deleted")
	ErrTooEarly       = errors.New("the realm was made after that moment")
	ErrTooLate        = errors.New("that moment is too late: what clients may still date before it is missing")
)

// Progress is how far an export is.
type Progress struct {
	Step        string
	Done, Total uint64 // bytes
}

// Options say what is exported, where from and to.
type Options struct {
	Store        *store.Store
	Blocks       blocks.Store
	Organization trust.OrganizationID
	Realm        trust.RealmID
	// At is the moment as of which the realm is exported, nil for the latest one, or that of a file that is gone on with.
	At *trust.DateTime
	// Now is the time.
	Now trust.DateTime
	// Path is the file.
	Path string
	// Progress hears how far it is, if it is not nil.
	Progress func(Progress)
}

// Latest is the last moment as of which a realm can be exported: what comes later may be dated before.
func Latest(now trust.DateTime) trust.DateTime { return now.Add(-cloud.ClientLate) }

// run is an export at work.
type run struct {
	Options

	org    int64
	root   trust.VerifyKey
	at     trust.DateTime
	totals tables.Totals
	out    *output
}

// Realm exports a realm, and returns the moment as of which it is.
func Realm(ctx context.Context, o Options) (at trust.DateTime, err error) {
	r := &run{Options: o, at: Latest(o.Now)}
	if r.out, err = openFile(o.Path); err != nil {
		return at, err
	}
	defer func() { err = errors.Join(err, r.out.close()) }()
	there, err := r.out.state(ctx)
	if err != nil {
		return at, err
	}
	if err := r.choose(there); err != nil {
		return at, err
	}
	if err := r.look(ctx); err != nil {
		return at, err
	}
	own := &info{
		organization: o.Organization.String(), realm: o.Realm[:], root: r.root[:], snapshot: r.at.Micros(),
		vlobBytes: int64(r.totals.VlobBytes), blockBytes: int64(r.totals.BlockBytes), //nolint:gosec // sums of what is stored
	}
	if there == nil {
		there, err = own, r.out.begin(ctx, own)
	} else if why := own.differs(there); why != "" {
		err = fmt.Errorf("%w: %s", ErrOther, why)
	}
	if err != nil {
		return at, err
	}
	return r.at, r.steps(ctx, there)
}

// choose decides as of which moment it is.
func (r *run) choose(there *info) error {
	if r.At != nil {
		if r.At.After(r.at) {
			return fmt.Errorf("%w: it must not be after %s", ErrTooLate, r.at)
		}
		r.at = *r.At
	} else if there != nil {
		at, err := trust.DateTimeFromMicros(there.snapshot)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrOther, err)
		}
		r.at = at
	}
	return nil
}

// look finds the realm.
func (r *run) look(ctx context.Context) error {
	return r.Store.Read(ctx, func(tx *store.Tx) error {
		o, err := tables.FindOrganization(ctx, tx, r.Organization)
		switch {
		case err != nil:
			return err
		case o == nil || o.RootVerifyKey == nil:
			return ErrNoOrganization
		}
		r.org, r.root = o.Num, *o.RootVerifyKey
		realm, err := tables.GetRealm(ctx, tx, r.org, r.Realm)
		switch {
		case err != nil:
			return err
		case realm == nil:
			return ErrNoRealm
		case realm.Deleted:
			return ErrDeleted
		}
		signed, err := tables.RealmCertificates(ctx, tx, r.org, r.Realm, nil)
		if err == nil && (len(signed) == 0 || signed[0].On.After(r.at)) {
			err = ErrTooEarly
		}
		if err != nil {
			return err
		}
		r.totals, err = tables.RealmTotals(ctx, tx, r.org, r.Realm, r.at)
		return err
	})
}

// steps does what is not done yet.
func (r *run) steps(ctx context.Context, there *info) error {
	for _, step := range []struct {
		done bool
		do   func(context.Context) error
	}{
		{there.certificates, r.certificates},
		{there.vlobs, r.vlobs},
		{there.blocks, r.blocks},
		{there.blocksContents, r.contents},
	} {
		if step.done {
			continue
		}
		if err := step.do(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) tell(step string, done, total uint64) {
	if r.Progress != nil {
		r.Progress(Progress{step, done, total})
	}
}

// certificates writes those up to the moment, and the keys bundles that they rotated.
func (r *run) certificates(ctx context.Context) error {
	r.tell("certificates", 0, 0)
	return r.Store.Read(ctx, func(tx *store.Tx) error {
		common, err := tables.CommonCertificates(ctx, tx, r.org, false, nil)
		if err != nil {
			return err
		}
		sequester, err := tables.SequesterCertificates(ctx, tx, r.org, nil)
		if err != nil {
			return err
		}
		realm, err := tables.RealmCertificates(ctx, tx, r.org, r.Realm, nil)
		if err != nil {
			return err
		}
		return r.out.change(ctx, func(out *sql.Tx) error {
			for table, signed := range map[string][]tables.Signed{"common_certificate": common, "sequester_certificate": sequester, "realm_certificate": realm} {
				if err := r.signed(ctx, out, table, signed); err != nil {
					return err
				}
			}
			if err := r.keys(ctx, tx, out, rotations(realm, r.at)); err != nil {
				return err
			}
			_, err := out.ExecContext(ctx, `UPDATE info SET certificates_export_done = 1`)
			return err
		})
	})
}

func (r *run) signed(ctx context.Context, out *sql.Tx, table string, all []tables.Signed) error {
	for i, c := range all {
		if c.On.After(r.at) {
			break // they are in order
		}
		if _, err := out.ExecContext(ctx, `INSERT INTO `+table+` (_id, certificate) VALUES (?, ?)`, i, c.Signed); err != nil { //nolint:gosec // a constant
			return err
		}
	}
	return nil
}

// rotations counts how often the key of a realm was rotated until a moment: that is the index of the last one.
func rotations(all []tables.Signed, at trust.DateTime) (n uint64) {
	for _, c := range all {
		if claim, err := trust.Look(c.Signed); err == nil && !c.On.After(at) && claim.Type == (&trust.RealmKeyRotationCertificate{}).Type() {
			n++
		}
	}
	return n
}

func (r *run) keys(ctx context.Context, tx *store.Tx, out *sql.Tx, last uint64) error {
	for index := uint64(1); index <= last; index++ {
		bundle, err := tables.Bundle(ctx, tx, r.org, r.Realm, index)
		if err != nil {
			return err
		}
		if _, err := out.ExecContext(ctx, `INSERT INTO realm_keys_bundle (key_index, keys_bundle) VALUES (?, ?)`, index, bundle); err != nil {
			return err
		}
	}
	users, err := tables.UserAccesses(ctx, tx, r.org, r.Realm, last)
	if err != nil {
		return err
	}
	services, err := tables.ServiceAccesses(ctx, tx, r.org, r.Realm, last)
	if err != nil {
		return err
	}
	for text, all := range map[string][]tables.KeyAccess{
		`INSERT INTO realm_keys_bundle_access (_id, user_id, key_index, access) VALUES (?, ?, ?, ?)`:                        users,
		`INSERT INTO realm_sequester_keys_bundle_access (_id, sequester_service_id, key_index, access) VALUES (?, ?, ?, ?)`: services,
	} {
		for i, a := range all {
			if _, err := out.ExecContext(ctx, text, i, a.Holder[:], a.KeyIndex, a.Access); err != nil {
				return err
			}
		}
	}
	return nil
}
