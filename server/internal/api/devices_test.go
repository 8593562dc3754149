package api_test

import (
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	. "github.com/seed-73b3884f/parsec-agent/server/servertest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// quietly changes rows as another process does whose message has not arrived.
func quietly(t *testing.T, o *Organization, change func(*store.Tx, *tables.Organization) error) {
	t.Helper()
	err := o.Rules.Store.Write(t.Context(), nil, func(tx *store.Tx) error {
		found, err := tables.FindOrganization(t.Context(), tx, o.ID)
		if err != nil {
			return err
		}
		return change(tx, found)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestRefusalsAreNotRemembered: who was refused is let in as soon as the store allows it, without a message that says so.
func TestRefusalsAreNotRemembered(t *testing.T) {
	Each(t, Options{}, func(t *testing.T, s *Server) {
		terms := &tables.TOS{UpdatedOn: s.Clock.Tick(), URLs: map[string]string{"en": "https://example.com/terms"}}
		for name, c := range map[string]struct {
			want   cloud.HTTPStatus
			change func(tx *store.Tx, o *tables.Organization, d *Device, refused bool) error
		}{
			"frozen": {cloud.StatusUserFrozen, func(tx *store.Tx, o *tables.Organization, d *Device, refused bool) error {
				return tables.FreezeUser(t.Context(), tx, o.Num, d.User, refused)
			}},
			"terms": {cloud.StatusMustAcceptTOS, func(tx *store.Tx, o *tables.Organization, _ *Device, refused bool) error {
				if o.TOS = nil; refused {
					o.TOS = terms
				}
				return tables.UpdateSettings(t.Context(), tx, o.Num, o.Settings)
			}},
			"accepted": {cloud.StatusMustAcceptTOS, func(tx *store.Tx, o *tables.Organization, d *Device, refused bool) error {
				if !refused {
					return tables.AcceptTOS(t.Context(), tx, o.Num, d.User, terms.UpdatedOn)
				}
				o.TOS = terms
				return tables.UpdateSettings(t.Context(), tx, o.Num, o.Settings)
			}},
			"expired": {cloud.StatusOrganizationExpired, func(tx *store.Tx, o *tables.Organization, _ *Device, refused bool) error {
				o.Expired = refused
				return tables.UpdateSettings(t.Context(), tx, o.Num, o.Settings)
			}},
		} {
			bob := s.Bootstrapped().Enrol("bob", trust.Standard) // who is not remembered yet
			for _, refused := range []bool{true, false} {
				quietly(t, bob.Org, func(tx *store.Tx, o *tables.Organization) error { return c.change(tx, o, bob, refused) })
				want := cloud.StatusOK
				if refused {
					want = c.want
				}
				for range 2 {
					if a := bob.Do(&cloud.OrganizationInfoReq{}); a.Status != want {
						t.Errorf("%s, refused %t: HTTP status %d, want %d", name, refused, a.Status, want)
					}
				}
			}
		}
	})
}
