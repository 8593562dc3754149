package tables

import (
	"context"

	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// topic is a column of the table of certificates.
type topic int64

const (
	common topic = iota + 1
	sequester
	shamir
	realm
)

// Ranks of certificates that have one moment: a user comes before its device, a brief before its shares.
const (
	RankFirst = iota
	RankSecond
)

// Certificate is a certificate to store.
type Certificate struct {
	SignedOn trust.DateTime
	Rank     int
	Signed   []byte
	// Redacted is what outsiders get, nil where they get the same.
	Redacted []byte
}

func insertCertificate(ctx context.Context, tx *store.Tx, org int64, t topic, subject []byte, c Certificate) error {
	_, err := tx.Exec(ctx, `INSERT INTO certificate (org, topic, subject, signed_on, rank, signed, redacted) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		org, int64(t), subject, c.SignedOn.Micros(), int64(c.Rank), c.Signed, blob(c.Redacted))
	return err
}

// AddCommon adds a certificate about users and devices, and moves the topic on.
func AddCommon(ctx context.Context, tx *store.Tx, org int64, c Certificate) error {
	if err := insertCertificate(ctx, tx, org, common, []byte{}, c); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `UPDATE organization SET common_last = $2 WHERE num = $1`, org, c.SignedOn.Micros())
	return err
}

// AddSequester adds a certificate of the sequester, and moves the topic on.
func AddSequester(ctx context.Context, tx *store.Tx, org int64, c Certificate) error {
	if err := insertCertificate(ctx, tx, org, sequester, []byte{}, c); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `UPDATE organization SET sequester_last = $2 WHERE num = $1`, org, c.SignedOn.Micros())
	return err
}

// AddShamir adds a certificate of a shared recovery for everybody who may see it, and moves the topic on.
func AddShamir(ctx context.Context, tx *store.Tx, org int64, c Certificate, viewers ...trust.UserID) error {
	for _, v := range viewers {
		if err := insertCertificate(ctx, tx, org, shamir, v[:], c); err != nil {
			return err
		}
	}
	_, err := tx.Exec(ctx, `UPDATE organization SET shamir_last = $2 WHERE num = $1`, org, c.SignedOn.Micros())
	return err
}

// LastShamir returns the moment of the last certificate of a shared recovery that a user may see, nil if there is none.
func LastShamir(ctx context.Context, tx *store.Tx, org int64, user trust.UserID) (last *trust.DateTime, err error) {
	_, err = tx.Get(ctx, store.SQL(`SELECT max(signed_on) FROM certificate WHERE org = $1 AND topic = $2 AND subject = $3`, org, int64(shamir), user[:]), store.MaybeTime(&last))
	return last, err
}

// AddRealm adds a certificate of a realm that exists, and moves the topic on.
func AddRealm(ctx context.Context, tx *store.Tx, org int64, id trust.RealmID, c Certificate) error {
	if err := insertCertificate(ctx, tx, org, realm, id[:], c); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `UPDATE realm SET last_certificate = $3 WHERE org = $1 AND id = $2`, org, id[:], c.SignedOn.Micros())
	return err
}

// Signed is a certificate as it was received, and its moment.
type Signed struct {
	On     trust.DateTime
	Signed []byte
}

// certificates returns those of a subject that are later than after.
func certificates(ctx context.Context, tx *store.Tx, org int64, t topic, subject []byte, redacted bool, after *trust.DateTime) (all []Signed, err error) {
	text := `SELECT signed_on, signed FROM certificate WHERE org = $1 AND topic = $2 AND subject = $3 AND signed_on > $4 ORDER BY signed_on, rank`
	if redacted {
		text = `SELECT signed_on, coalesce(redacted, signed) FROM certificate WHERE org = $1 AND topic = $2 AND subject = $3 AND signed_on > $4
			ORDER BY signed_on, rank`
	}
	from := int64(-1 << 63)
	if after != nil {
		from = after.Micros()
	}
	err = tx.Each(ctx, store.SQL(text, org, int64(t), subject, from), func(r store.Row) error {
		s := Signed{}
		err := r.Scan(store.Time(&s.On), &s.Signed)
		all = append(all, s)
		return err
	})
	return all, err
}

// CommonCertificates returns those after a moment, as an outsider gets them when redacted.
func CommonCertificates(ctx context.Context, tx *store.Tx, org int64, redacted bool, after *trust.DateTime) ([]Signed, error) {
	return certificates(ctx, tx, org, common, []byte{}, redacted, after)
}

// SequesterCertificates returns those after a moment.
func SequesterCertificates(ctx context.Context, tx *store.Tx, org int64, after *trust.DateTime) ([]Signed, error) {
	return certificates(ctx, tx, org, sequester, []byte{}, false, after)
}

// ShamirCertificates returns those that a user may see, after a moment.
func ShamirCertificates(ctx context.Context, tx *store.Tx, org int64, viewer trust.UserID, after *trust.DateTime) ([]Signed, error) {
	return certificates(ctx, tx, org, shamir, viewer[:], false, after)
}

// RealmCertificates returns those of a realm after a moment.
func RealmCertificates(ctx context.Context, tx *store.Tx, org int64, id trust.RealmID, after *trust.DateTime) ([]Signed, error) {
	return certificates(ctx, tx, org, realm, id[:], false, after)
}
