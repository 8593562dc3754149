package rules

import (
	"context"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// certificateGet is 3.4. All topics are read from one state of the store, so what a certificate relies on is there too.
func (s *Service) certificateGet(ctx context.Context, c *Call, req *cloud.CertificateGetReq) (cloud.CertificateGetRep, error) {
	return read(ctx, s, c, func(tx *store.Tx, a *tables.Author) (cloud.CertificateGetRep, error) {
		rep := &cloud.CertificateGetOK{
			CommonCertificates: [][]byte{}, SequesterCertificates: [][]byte{}, ShamirRecoveryCertificates: [][]byte{}, RealmCertificates: map[trust.RealmID][][]byte{},
		}
		var err error
		if a.Common != nil {
			redacted := a.Profile == trust.Outsider
			rep.CommonCertificates, err = s.Remembered.certificates(topicOf{org: c.Org, redacted: redacted}, req.CommonAfter, *a.Common, *a.Common,
				func(after *trust.DateTime) ([]tables.Signed, error) {
					return tables.CommonCertificates(ctx, tx, c.Org, redacted, after)
				})
		}
		if err == nil && a.Sequester != nil {
			rep.SequesterCertificates, err = bytesOf(tables.SequesterCertificates(ctx, tx, c.Org, req.SequesterAfter))
		}
		if err == nil && a.Shamir != nil {
			rep.ShamirRecoveryCertificates, err = bytesOf(tables.ShamirCertificates(ctx, tx, c.Org, a.User, req.ShamirRecoveryAfter))
		}
		if err != nil {
			return nil, err
		}
		return rep, s.realmCertificates(ctx, tx, c, req, rep)
	})
}

// bytesOf are certificates without their moments.
func bytesOf(all []tables.Signed, err error) ([][]byte, error) {
	found := make([][]byte, len(all))
	for i, s := range all {
		found[i] = s.Signed
	}
	return found, err
}

// realmCertificates adds those of realms that the caller is in, and of those that the caller was in up to the end.
func (s *Service) realmCertificates(ctx context.Context, tx *store.Tx, c *Call, req *cloud.CertificateGetReq, rep *cloud.CertificateGetOK) error {
	memberships, err := tables.Memberships(ctx, tx, c.Org, c.User)
	if err != nil {
		return err
	}
	for _, m := range memberships {
		var after *trust.DateTime
		if t, ok := req.RealmAfter[m.Realm]; ok {
			after = &t
		}
		until := m.LastCertificate
		if m.Role == trust.NoRole {
			until = m.ChangedOn
		}
		found, err := s.Remembered.certificates(topicOf{org: c.Org, realm: m.Realm}, after, until, m.LastCertificate,
			func(after *trust.DateTime) ([]tables.Signed, error) {
				return tables.RealmCertificates(ctx, tx, c.Org, m.Realm, after)
			})
		if err != nil {
			return err
		}
		if len(found) > 0 {
			rep.RealmCertificates[m.Realm] = found
		}
	}
	return nil
}
