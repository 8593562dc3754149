package tables

import (
	"context"
	"encoding/json"

	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// EnrollmentState says what became of an enrolment.
type EnrollmentState uint8

// States.
const (
	EnrollmentSubmitted EnrollmentState = iota + 1
	EnrollmentAccepted
	EnrollmentRejected
	EnrollmentCancelled
)

// Identity is what vouches for both sides of an enrolment.
type Identity uint8

// Identities.
const (
	X509 Identity = iota + 1
	OpenBao
)

// Document is a payload with what vouches for it.
type Document struct {
	Payload, Signature []byte
	// Signer is a certificate in DER, or the name of an entity of OpenBao.
	Signer []byte
	// Chain leads from the certificate up, in any order.
	Chain [][]byte
}

// Enrollment is a request to become a user.
type Enrollment struct {
	ID       trust.AsyncEnrollmentID
	Email    string
	State    EnrollmentState
	Identity Identity
	// SubmittedOn is when it came, DecidedOn when it stopped waiting.
	SubmittedOn trust.DateTime
	DecidedOn   *trust.DateTime
	Submit      Document
}

const enrollmentColumns = `SELECT id, email, state, identity, submitted_on, decided_on FROM enrollment WHERE org = $1 `

func (e *Enrollment) columns() []any {
	return []any{
		store.Fixed(&e.ID), &e.Email, store.Small(&e.State), store.Small(&e.Identity), store.Time(&e.SubmittedOn), store.MaybeTime(&e.DecidedOn),
	}
}

func enrollment(ctx context.Context, tx *store.Tx, s store.Statement) (*Enrollment, error) {
	e := &Enrollment{}
	found, err := tx.Get(ctx, s, e.columns()...)
	if err != nil || !found {
		return nil, err
	}
	return e, nil
}

// EnrollmentStatement is what GetEnrollment asks.
func EnrollmentStatement(org int64, id trust.AsyncEnrollmentID) store.Statement {
	return store.SQL(enrollmentColumns+`AND id = $2`, org, id[:])
}

// GetEnrollment returns an enrolment without its documents, or nil.
func GetEnrollment(ctx context.Context, tx *store.Tx, org int64, id trust.AsyncEnrollmentID) (*Enrollment, error) {
	return enrollment(ctx, tx, EnrollmentStatement(org, id))
}

// SubmittedBy returns the enrolment that waits for an address, without its documents, or nil.
func SubmittedBy(ctx context.Context, tx *store.Tx, org int64, email string) (*Enrollment, error) {
	return enrollment(ctx, tx, store.SQL(enrollmentColumns+`AND email = $2 AND state = 1`, org, email))
}

// Submit adds an enrolment that waits.
func Submit(ctx context.Context, tx *store.Tx, org int64, e Enrollment) error {
	chain, err := json.Marshal(e.Submit.Chain)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO enrollment (org, id, email, state, identity, submitted_on, submit_payload, submit_signature, submit_signer, submit_chain)
		VALUES ($1, $2, $3, 1, $4, $5, $6, $7, $8, $9)`, org, e.ID[:], e.Email, int64(e.Identity), e.SubmittedOn.Micros(),
		e.Submit.Payload, given(e.Submit.Signature), given(e.Submit.Signer), string(chain))
	return err
}

// Decide ends the wait of an enrolment.
func Decide(ctx context.Context, tx *store.Tx, org int64, id trust.AsyncEnrollmentID, state EnrollmentState, now trust.DateTime) error {
	_, err := tx.Exec(ctx, `UPDATE enrollment SET state = $3, decided_on = $4 WHERE org = $1 AND id = $2`, org, id[:], int64(state), now.Micros())
	return err
}

// SetAcceptance keeps what an administrator answers.
func SetAcceptance(ctx context.Context, tx *store.Tx, org int64, id trust.AsyncEnrollmentID, d Document) error {
	chain, err := json.Marshal(d.Chain)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE enrollment SET accept_payload = $3, accept_signature = $4, accept_signer = $5, accept_chain = $6 WHERE org = $1 AND id = $2`,
		org, id[:], d.Payload, given(d.Signature), given(d.Signer), string(chain))
	return err
}

// AcceptanceStatement is what Acceptance asks.
func AcceptanceStatement(org int64, id trust.AsyncEnrollmentID) store.Statement {
	return store.SQL(`SELECT accept_payload, accept_signature, accept_signer, accept_chain FROM enrollment WHERE org = $1 AND id = $2 AND state = 2`, org, id[:])
}

// Acceptance returns what an administrator answered to an enrolment that was accepted.
func Acceptance(ctx context.Context, tx *store.Tx, org int64, id trust.AsyncEnrollmentID) (d Document, err error) {
	chain := ""
	_, err = tx.Get(ctx, AcceptanceStatement(org, id), &d.Payload, &d.Signature, &d.Signer, &chain)
	if err == nil {
		err = json.Unmarshal([]byte(chain), &d.Chain)
	}
	return d, err
}

// waiting reads an enrolment with what came with it.
const waiting = `SELECT id, email, state, identity, submitted_on, decided_on, submit_payload, submit_signature, submit_signer, submit_chain
	FROM enrollment WHERE org = $1 AND id = $2`

// Waiting returns the enrolments that wait, the oldest first, up to so many bytes of documents, and at least one if there is any.
func Waiting(ctx context.Context, tx *store.Tx, org int64, most int) (all []Enrollment, err error) {
	wanted := []store.Statement{}
	err = tx.Each(ctx, store.SQL(`SELECT id, length(submit_payload) + length(submit_signature) + length(submit_signer) + length(submit_chain)
		FROM enrollment WHERE org = $1 AND state = 1 ORDER BY submitted_on, id LIMIT 10000`, org), func(r store.Row) error {
		id, size := trust.AsyncEnrollmentID{}, int64(0)
		err := r.Scan(store.Fixed(&id), &size)
		if most -= int(size); most >= 0 || len(wanted) == 0 {
			wanted = append(wanted, store.SQL(waiting, org, id[:]))
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	err = tx.Many(ctx, wanted, func(r store.Row) error {
		e, chain := Enrollment{}, ""
		if err := r.Scan(append(e.columns(), &e.Submit.Payload, &e.Submit.Signature, &e.Submit.Signer, &chain)...); err != nil {
			return err
		}
		all = append(all, e)
		return json.Unmarshal([]byte(chain), &all[len(all)-1].Submit.Chain)
	})
	return all, err
}

// given is bytes as an argument, of which there may be none.
func given(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}
