package rules

import (
	"context"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/events"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// eventsListen answers those who ask for events by command: there is a stream for them.
func (*Service) eventsListen(context.Context, *Call, *cloud.EventsListenReq) (cloud.EventsListenRep, error) {
	return &cloud.NotAvailable{}, nil
}

// Subscribe starts a listener that was registered before, and returns the frames to send first: the organisation's configuration, and
// what the client missed.
func (s *Service) Subscribe(ctx context.Context, c *Call, l *events.Listener) ([]string, error) {
	var o *tables.Organization
	profile, realms := trust.Profile(0), []trust.RealmID{}
	_, err := read(ctx, s, c, func(tx *store.Tx, a *tables.Author) (_ struct{}, err error) {
		if a.MustAcceptTOS() {
			return struct{}{}, &cloud.HTTPError{Status: cloud.StatusMustAcceptTOS}
		}
		profile = a.Profile
		if o, err = tables.GetOrganization(ctx, tx, c.Org); err != nil {
			return struct{}{}, err
		}
		memberships, err := tables.Memberships(ctx, tx, c.Org, a.User)
		for _, m := range memberships {
			if m.Role != trust.NoRole {
				realms = append(realms, m.Realm)
			}
		}
		return struct{}{}, err
	})
	if err != nil {
		return nil, err
	}
	first, err := cloud.EventFrame(s.configuration(o), nil)
	return append([]string{string(first)}, l.Start(profile, realms)...), err
}

func (s *Service) configuration(o *tables.Organization) *cloud.EventOrganizationConfig {
	config := &cloud.EventOrganizationConfig{
		ActiveUsersLimit: o.ActiveUsersLimit, RealmMinimumArchivingPeriodBeforeDeletion: &o.MinimumArchivingPeriod,
		UserProfileOutsiderAllowed: o.OutsiderAllowed,
	}
	if s.Config.KeepAlive > 0 {
		seconds := uint64(max(1, s.Config.KeepAlive/time.Second))
		config.SSEKeepaliveSeconds = &seconds
	}
	return config
}
