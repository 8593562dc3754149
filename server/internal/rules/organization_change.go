package rules

import (
	"context"
	"fmt"
	"strings"

	"github.com/seed-73b3884f/parsec-agent/server/internal/events"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Change is what an administrator wants of an organisation. What is nil stays as it is, or as it is by default.
type Change struct {
	Expired         *bool
	OutsiderAllowed *bool
	// Limit is how many active users there may be.
	Limit *Limit
	// ArchivingPeriod is in seconds.
	ArchivingPeriod *int64
	// TOS are terms of service by locale, or none.
	TOS *Terms
}

// Limit is a bound, or none.
type Limit struct{ Most *uint64 }

// Terms are terms of service, none where URLs is nil.
type Terms struct{ URLs map[string]string }

// apply makes the change.
func (c *Change) apply(s *tables.Settings, now trust.DateTime) {
	if c.Expired != nil {
		s.Expired = *c.Expired
	}
	if c.OutsiderAllowed != nil {
		s.OutsiderAllowed = *c.OutsiderAllowed
	}
	if c.Limit != nil {
		s.ActiveUsersLimit = c.Limit.Most
	}
	if c.ArchivingPeriod != nil {
		s.MinimumArchivingPeriod = *c.ArchivingPeriod
	}
	if c.TOS != nil {
		s.TOS = nil
		if c.TOS.URLs != nil {
			s.TOS = &tables.TOS{UpdatedOn: now, URLs: c.TOS.URLs}
		}
	}
}

// String says what is changed, for the audit log.
func (c *Change) String() string {
	parts := []string{}
	add := func(name string, value any) { parts = append(parts, fmt.Sprintf("%s=%v", name, value)) }
	if c.Expired != nil {
		add("expired", *c.Expired)
	}
	if c.OutsiderAllowed != nil {
		add("outsiders", *c.OutsiderAllowed)
	}
	if c.Limit != nil && c.Limit.Most != nil {
		add("users", *c.Limit.Most)
	} else if c.Limit != nil {
		add("users", "unlimited")
	}
	if c.ArchivingPeriod != nil {
		add("archiving_period", *c.ArchivingPeriod)
	}
	if c.TOS != nil {
		add("terms", len(c.TOS.URLs))
	}
	return strings.Join(parts, " ")
}

// MakeOrganization makes an organisation that waits for its bootstrap, and returns the token for that. One that waits already gets another
// token and settings.
func (s *Service) MakeOrganization(ctx context.Context, by Administrator, id trust.OrganizationID, c Change) (token trust.AccessToken, err error) {
	token = trust.GenerateAccessToken()
	digest, err := s.TokenDigest(&token)
	if err != nil {
		return token, err
	}
	settings := s.InitialSettings(by.Now)
	c.apply(&settings, by.Now)
	a := act{"create organisation", id, c.String()}
	return token, s.administer(ctx, by, a, []store.Lock{store.Server()}, func(tx *store.Tx) error {
		return s.createOrganization(ctx, tx, id, digest, settings, by.Now)
	})
}

// createOrganization is for those who hold the lock of the server.
func (*Service) createOrganization(ctx context.Context, tx *store.Tx, id trust.OrganizationID, digest []byte, settings tables.Settings, now trust.DateTime) error {
	o, err := tables.FindOrganization(ctx, tx, id)
	switch {
	case err != nil:
		return err
	case o != nil && o.Bootstrapped:
		return ErrOrganizationExists
	case o != nil:
		if err := tables.UpdateToken(ctx, tx, o.Num, digest); err != nil {
			return err
		}
		return tables.UpdateSettings(ctx, tx, o.Num, settings)
	}
	erased, err := tables.BeingErased(ctx, tx, id)
	if err == nil && erased > 0 {
		err = ErrBeingErased
	}
	if err != nil {
		return err
	}
	return tables.InsertOrganization(ctx, tx, &tables.Organization{ID: id, TokenDigest: digest, Settings: settings}, now)
}

// ChangeOrganization changes the settings of an organisation. Streams end where its users may not go on as before: it expired, or
// there are new terms.
func (s *Service) ChangeOrganization(ctx context.Context, by Administrator, id trust.OrganizationID, c Change) error {
	locks := func(org int64) []store.Lock { return []store.Lock{store.Organization(org), store.Common(org)} }
	return s.administerIn(ctx, by, act{"change organisation", id, c.String()}, locks, func(tx *store.Tx, o *tables.Organization) error {
		c.apply(&o.Settings, by.Now)
		effect := events.Effect{Kind: events.Forget}
		if o.Expired || c.TOS != nil {
			effect.Kind = events.Disconnect
		}
		tx.Emit(events.Silent(o.Num, effect))
		return tables.UpdateSettings(ctx, tx, o.Num, o.Settings)
	})
}

// FindOrganization returns an organisation.
func (s *Service) FindOrganization(ctx context.Context, id trust.OrganizationID) (*tables.Organization, error) {
	o, err := s.Locate(ctx, id, false, trust.DateTime{})
	if err == nil && o == nil {
		err = ErrNoOrganization
	}
	return o, err
}
