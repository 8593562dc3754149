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
		rep := &cloud.CertificateGetOK{RealmCertificates: map[trust.RealmID][][]byte{}}
		var err error
		if rep.CommonCertificates, err = tables.CommonCertificates(ctx, tx, c.Org, a.Profile == trust.Outsider, req.CommonAfter); err != nil {
			return nil, err
		}
		if rep.SequesterCertificates, err = tables.SequesterCertificates(ctx, tx, c.Org, req.SequesterAfter); err != nil {
			return nil, err
		}
		if rep.ShamirRecoveryCertificates, err = tables.ShamirCertificates(ctx, tx, c.Org, a.User, req.ShamirRecoveryAfter); err != nil {
			return nil, err
		}
		return rep, c.realmCertificates(ctx, tx, req, rep)
	})
}

// realmCertificates adds those of realms that the caller is in, and of those that the caller was in up to the end.
func (c *Call) realmCertificates(ctx context.Context, tx *store.Tx, req *cloud.CertificateGetReq, rep *cloud.CertificateGetOK) error {
	memberships, err := tables.Memberships(ctx, tx, c.Org, c.User)
	if err != nil {
		return err
	}
	for _, m := range memberships {
		var after, until *trust.DateTime
		if t, ok := req.RealmAfter[m.Realm]; ok {
			after = &t
		}
		if m.Role == trust.NoRole {
			until = &m.ChangedOn
		}
		found, err := tables.RealmCertificates(ctx, tx, c.Org, m.Realm, after, until)
		if err != nil {
			return err
		}
		if len(found) > 0 {
			rep.RealmCertificates[m.Realm] = found
		}
	}
	return nil
}
