package tables

import (
	"context"

	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// InvitationKind says what an invitation is for.
type InvitationKind uint8

// Kinds, as the store has them.
const (
	ForUser InvitationKind = iota + 1
	ForDevice
	ForShamirRecovery
)

// InvitationState says whether an invitation can be used.
type InvitationState uint8

// States, as the store has them. One that is pending in the store counts as cancelled when its set-up was deleted.
const (
	Pending InvitationState = iota + 1
	Finished
	Cancelled
)

// Invitation lets whoever has its token ask to be greeted.
type Invitation struct {
	Num int64
	// Digest and Sealed stand for the token.
	Digest, Sealed []byte
	Kind           InvitationKind
	State          InvitationState
	CreatedOn      trust.DateTime
	CreatedBy      trust.UserID
	// Email is whom an invitation of a user is for, Claimer whom the others are.
	Email   *string
	Claimer *trust.UserID
	// SetupOn names the set-up of a shared recovery.
	SetupOn *trust.DateTime
}

const invitationColumns = `SELECT num, token_digest, token_sealed, kind, state, created_on, created_by, claimer_email, claimer, setup_on FROM invitation `

func (i *Invitation) columns() []any {
	return []any{
		&i.Num, &i.Digest, &i.Sealed, store.Small(&i.Kind), store.Small(&i.State), store.Time(&i.CreatedOn), store.Fixed(&i.CreatedBy), &i.Email,
		store.MaybeFixed(&i.Claimer), store.MaybeTime(&i.SetupOn),
	}
}

func invitation(ctx context.Context, tx *store.Tx, s store.Statement) (*Invitation, error) {
	i := &Invitation{}
	found, err := tx.Get(ctx, s, i.columns()...)
	if err != nil || !found {
		return nil, err
	}
	return i, nil
}

// FindInvitation returns the invitation with a token, or nil.
func FindInvitation(ctx context.Context, tx *store.Tx, org int64, digest []byte) (*Invitation, error) {
	return invitation(ctx, tx, store.SQL(invitationColumns+`WHERE org = $1 AND token_digest = $2`, org, digest))
}

// GetInvitation returns an invitation by its number, or nil.
func GetInvitation(ctx context.Context, tx *store.Tx, org, num int64) (*Invitation, error) {
	return invitation(ctx, tx, store.SQL(invitationColumns+`WHERE org = $1 AND num = $2`, org, num))
}

// PendingInvitation returns the invitation that waits for the same claimer to do the same, or nil.
func PendingInvitation(ctx context.Context, tx *store.Tx, org int64, i *Invitation) (*Invitation, error) {
	switch i.Kind {
	case ForUser:
		return invitation(ctx, tx, store.SQL(invitationColumns+`WHERE org = $1 AND kind = 1 AND state = 1 AND claimer_email = $2`, org, *i.Email))
	case ForDevice:
		return invitation(ctx, tx, store.SQL(invitationColumns+`WHERE org = $1 AND kind = 2 AND state = 1 AND claimer = $2`, org, i.Claimer[:]))
	case ForShamirRecovery:
	}
	return invitation(ctx, tx, store.SQL(invitationColumns+`WHERE org = $1 AND kind = 3 AND state = 1 AND claimer = $2 AND setup_on = $3`,
		org, i.Claimer[:], i.SetupOn.Micros()))
}

// Invitations returns those that a user may see, the oldest first: of users if they are to be included, devices of the user's own, and all shared
// recoveries.
func Invitations(ctx context.Context, tx *store.Tx, org int64, user trust.UserID, users bool) (all []Invitation, err error) {
	err = tx.Each(ctx, store.SQL(invitationColumns+`WHERE org = $1 AND (kind = 3 OR kind = 2 AND claimer = $2 OR kind = 1 AND $3 = 1) ORDER BY created_on, num`,
		org, user[:], store.Truth(users)), func(r store.Row) error {
		i := Invitation{}
		err := r.Scan(i.columns()...)
		all = append(all, i)
		return err
	})
	return all, err
}

// NextInvitation returns the number of the next invitation. The caller holds the lock of invitations.
func NextInvitation(ctx context.Context, tx *store.Tx, org int64) (num int64, err error) {
	_, err = tx.Get(ctx, store.SQL(`SELECT coalesce(max(num), 0) + 1 FROM invitation WHERE org = $1`, org), &num)
	return num, err
}

// InsertInvitation adds an invitation that is pending.
func InsertInvitation(ctx context.Context, tx *store.Tx, org int64, i *Invitation) error {
	var email, claimer any
	if i.Email != nil {
		email = *i.Email
	}
	if i.Claimer != nil {
		claimer = i.Claimer[:]
	}
	_, err := tx.Exec(ctx, `INSERT INTO invitation (org, num, token_digest, token_sealed, kind, state, created_on, created_by, claimer_email, claimer, setup_on)
		VALUES ($1, $2, $3, $4, $5, 1, $6, $7, $8, $9, $10)`,
		org, i.Num, i.Digest, i.Sealed, int64(i.Kind), i.CreatedOn.Micros(), i.CreatedBy[:], email, claimer, store.Micros(i.SetupOn))
	return err
}

// EndInvitation makes an invitation useless, and forgets what was exchanged by its means.
func EndInvitation(ctx context.Context, tx *store.Tx, org, num int64, state InvitationState, now trust.DateTime) error {
	_, err := tx.Exec(ctx, `UPDATE invitation SET state = $3, ended_on = $4 WHERE org = $1 AND num = $2`, org, num, int64(state), now.Micros())
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `DELETE FROM greeting_step WHERE org = $1 AND attempt IN (SELECT id FROM greeting_attempt WHERE org = $1 AND invitation = $2)`,
		org, num)
	return err
}
