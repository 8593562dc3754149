package tables

import (
	"context"

	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Side is one of the two peers of a greeting.
type Side uint8

// Sides, as the store has them.
const (
	Greeter Side = iota + 1
	Claimer
)

// Other is the peer of a side.
func (s Side) Other() Side { return Greeter + Claimer - s }

// Attempt is an attempt of a claimer and a greeter to talk.
type Attempt struct {
	ID         trust.GreetingAttemptID
	Invitation int64
	Greeter    trust.UserID
	// GreeterJoined and ClaimerJoined are nil before they did.
	GreeterJoined, ClaimerJoined *trust.DateTime
	// CancelledOn is nil while it goes on; then CancelledBy and Reason say who ended it, and why.
	CancelledOn *trust.DateTime
	CancelledBy Side
	Reason      string
}

// Joined returns when a side joined, or nil.
func (a *Attempt) Joined(s Side) *trust.DateTime {
	if s == Greeter {
		return a.GreeterJoined
	}
	return a.ClaimerJoined
}

const attemptColumns = `SELECT id, invitation, greeter, greeter_joined, claimer_joined, cancelled_on, coalesce(cancelled_by, 0), coalesce(cancelled_reason, '')
	FROM greeting_attempt `

func attempt(ctx context.Context, tx *store.Tx, s store.Statement) (*Attempt, error) {
	a := &Attempt{}
	found, err := tx.Get(ctx, s, store.Fixed(&a.ID), &a.Invitation, store.Fixed(&a.Greeter), store.MaybeTime(&a.GreeterJoined),
		store.MaybeTime(&a.ClaimerJoined), store.MaybeTime(&a.CancelledOn), store.Small(&a.CancelledBy), &a.Reason)
	if err != nil || !found {
		return nil, err
	}
	return a, nil
}

// GetAttempt returns an attempt, or nil.
func GetAttempt(ctx context.Context, tx *store.Tx, org int64, id trust.GreetingAttemptID) (*Attempt, error) {
	return attempt(ctx, tx, store.SQL(attemptColumns+`WHERE org = $1 AND id = $2`, org, id[:]))
}

// ActiveAttempt returns the attempt that a greeter and the claimer of an invitation are in, or nil.
func ActiveAttempt(ctx context.Context, tx *store.Tx, org, invitation int64, greeter trust.UserID) (*Attempt, error) {
	return attempt(ctx, tx, store.SQL(attemptColumns+`WHERE org = $1 AND invitation = $2 AND greeter = $3 AND cancelled_on IS NULL`,
		org, invitation, greeter[:]))
}

// InsertAttempt adds an attempt that nobody has joined.
func InsertAttempt(ctx context.Context, tx *store.Tx, org int64, a *Attempt) error {
	_, err := tx.Exec(ctx, `INSERT INTO greeting_attempt (org, id, invitation, greeter) VALUES ($1, $2, $3, $4)`, org, a.ID[:], a.Invitation, a.Greeter[:])
	return err
}

// JoinAttempt notes that a side is there.
func JoinAttempt(ctx context.Context, tx *store.Tx, org int64, id trust.GreetingAttemptID, s Side, now trust.DateTime) error {
	text := `UPDATE greeting_attempt SET claimer_joined = $3 WHERE org = $1 AND id = $2`
	if s == Greeter {
		text = `UPDATE greeting_attempt SET greeter_joined = $3 WHERE org = $1 AND id = $2`
	}
	_, err := tx.Exec(ctx, text, org, id[:], now.Micros())
	return err
}

// CancelAttempt ends an attempt, and forgets what was exchanged in it.
func CancelAttempt(ctx context.Context, tx *store.Tx, org int64, id trust.GreetingAttemptID, by Side, reason string, now trust.DateTime) error {
	_, err := tx.Exec(ctx, `UPDATE greeting_attempt SET cancelled_on = $3, cancelled_by = $4, cancelled_reason = $5 WHERE org = $1 AND id = $2`,
		org, id[:], now.Micros(), int64(by), reason)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `DELETE FROM greeting_step WHERE org = $1 AND attempt = $2`, org, id[:])
	return err
}

// LastJoined returns when each greeter last joined an attempt of an invitation.
func LastJoined(ctx context.Context, tx *store.Tx, org, invitation int64) (map[trust.UserID]trust.DateTime, error) {
	all := map[trust.UserID]trust.DateTime{}
	err := tx.Each(ctx, store.SQL(`SELECT greeter, max(greeter_joined) FROM greeting_attempt
		WHERE org = $1 AND invitation = $2 AND greeter_joined IS NOT NULL GROUP BY greeter`, org, invitation), func(r store.Row) error {
		greeter, at := trust.UserID{}, trust.DateTime{}
		err := r.Scan(store.Fixed(&greeter), store.Time(&at))
		all[greeter] = at
		return err
	})
	return all, err
}

// Step returns what a side left for a step of an attempt, nil before it did.
func Step(ctx context.Context, tx *store.Tx, org int64, id trust.GreetingAttemptID, s Side, step int) (data []byte, err error) {
	found, err := tx.Get(ctx, store.SQL(`SELECT data FROM greeting_step WHERE org = $1 AND attempt = $2 AND side = $3 AND step = $4`,
		org, id[:], int64(s), int64(step)), &data)
	if err == nil && found && data == nil {
		data = []byte{}
	}
	return data, err
}

// AddStep keeps what a side leaves for a step.
func AddStep(ctx context.Context, tx *store.Tx, org int64, id trust.GreetingAttemptID, s Side, step int, data []byte) error {
	_, err := tx.Exec(ctx, `INSERT INTO greeting_step (org, attempt, side, step, data) VALUES ($1, $2, $3, $4, $5)`,
		org, id[:], int64(s), int64(step), data)
	return err
}

// keptAttempts is how many attempts that were cancelled a greeter and a claimer have: nobody asks for older ones.
const keptAttempts = 16

// TrimAttempts forgets older attempts that were cancelled.
func TrimAttempts(ctx context.Context, tx *store.Tx, org, invitation int64, greeter trust.UserID) error {
	_, err := tx.Exec(ctx, `DELETE FROM greeting_attempt WHERE org = $1 AND invitation = $2 AND greeter = $3 AND cancelled_on IS NOT NULL AND id NOT IN (
		SELECT id FROM greeting_attempt WHERE org = $1 AND invitation = $2 AND greeter = $3 AND cancelled_on IS NOT NULL ORDER BY cancelled_on DESC, id LIMIT $4)`,
		org, invitation, greeter[:], int64(keptAttempts))
	return err
}
