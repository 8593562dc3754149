package tables

import (
	"context"
	"crypto/rand"

	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Audit is something that an administrator did, or was refused.
type Audit struct {
	DoneOn trust.DateTime
	// Who is the administrator, as what let them in.
	Who    string
	Action string
	// Organization is the name of one, empty where there is none. Object is what in it was meant, and how it was changed.
	Organization, Object string
	// Result is ok, or why not.
	Result string
}

// AddAudit adds a record.
func AddAudit(ctx context.Context, tx *store.Tx, a Audit) error {
	id := make([]byte, 16)
	_, _ = rand.Read(id) // never fails
	_, err := tx.Exec(ctx, `INSERT INTO audit (done_on, id, who, action, organization, object, result) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		a.DoneOn.Micros(), id, a.Who, a.Action, a.Organization, a.Object, a.Result)
	return err
}

// Audits returns the newest records before a moment, or of all, at most so many; the newest comes first.
func Audits(ctx context.Context, tx *store.Tx, before *trust.DateTime, most int) (all []Audit, err error) {
	until := int64(1<<63 - 1)
	if before != nil {
		until = before.Micros()
	}
	err = tx.Each(ctx, store.SQL(`SELECT done_on, who, action, organization, object, result FROM audit WHERE done_on < $1
		ORDER BY done_on DESC, id DESC LIMIT $2`, until, int64(most)), func(r store.Row) error {
		a := Audit{}
		err := r.Scan(store.Time(&a.DoneOn), &a.Who, &a.Action, &a.Organization, &a.Object, &a.Result)
		all = append(all, a)
		return err
	})
	return all, err
}

// DropAudits removes records of before a moment, at most a batch of them, and reports whether there may be more.
func DropAudits(ctx context.Context, tx *store.Tx, before trust.DateTime) (more bool, err error) {
	n, err := tx.Exec(ctx, `DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE done_on < $1 ORDER BY done_on LIMIT $2)`,
		before.Micros(), int64(PurgeBatch))
	return n == PurgeBatch, err
}
