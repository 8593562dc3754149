package rules_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	. "github.com/seed-73b3884f/parsec-agent/server/servertest"
)

// profileCells are 3.4 to 3.7 and 3.10 to 3.14 by profile, and 1.4 by what else there is about the user or the organisation. Commands about realms are
// of their owner: who becomes an outsider keeps roles.
const profileCells = `
                                    ADMIN          STANDARD       OUTSIDER       revoked frozen terms    expired
async_enrollment_accept             ok             -              -              461     462    463      460
async_enrollment_list               ok             -              -              461     462    463      460
async_enrollment_reject             ok             -              -              461     462    463      460
block_create                        ok             ok             ok             461     462    463      460
block_read                          ok             ok             ok             461     462    463      460
certificate_get                     ok             ok             ok             461     462    463      460
device_create                       ok             ok             ok             461     462    463      460
device_create for another           invalid        invalid        invalid        461     462    463      460
events_listen                       not_available  not_available  not_available  461     462    463      460
invite_list                         ok             ok             ok             461     462    463      460
invite_new_device                   ok             ok             ok             461     462    463      460
invite_new_shamir_recovery          ok             ok             ok             461     462    463      460
invite_new_user                     ok             -              -              461     462    463      460
list_frozen_users                   ok             -              -              461     462    463      460
organization_info                   ok             ok             ok             461     462    463      460
ping                                ok             ok             ok             461     462    463      460
realm_create                        ok             ok             -              461     462    463      460
realm_create for another            invalid        invalid        -              461     462    463      460
realm_get_keys_bundle               ok             ok             ok             461     462    463      460
realm_rename                        ok             ok             ok             461     462    463      460
realm_rotate_key                    ok             ok             ok             461     462    463      460
realm_self_promote_to_owner         ok             ok             outsider       461     462    463      460
realm_share                         ok             ok             ok             461     462    463      460
realm_unshare                       ok             ok             ok             461     462    463      460
realm_update_archiving              ok             ok             ok             461     462    463      460
shamir_recovery_delete              ok             ok             ok             461     462    463      460
shamir_recovery_setup               ok             ok             ok             461     462    463      460
totp_create_opaque_key              ok             ok             ok             461     462    463      460
totp_setup_confirm                  ok             ok             ok             461     462    463      460
totp_setup_get_secret               already_setup  already_setup  already_setup  461     462    463      460
user_create of ADMIN                ok             -              -              461     462    463      460
user_create of STANDARD             ok             -              -              461     462    463      460
user_create of OUTSIDER             ok             -              -              461     462    463      460
user_revoke of ADMIN                ok             -              -              461     462    463      460
user_revoke of STANDARD             ok             -              -              461     462    463      460
user_revoke of OUTSIDER             ok             -              -              461     462    463      460
user_revoke of oneself              invalid        -              -              461     462    463      460
user_revoke of somebody revoked     user_already_revoked  -       -              461     462    463      460
user_revoke of nobody               user_not_found        -       -              461     462    463      460
user_update of ADMIN                ok             -              -              461     462    463      460
user_update of STANDARD             ok             -              -              461     462    463      460
user_update of OUTSIDER             ok             -              -              461     462    463      460
user_update of oneself              invalid        -              -              461     462    463      460
user_update of somebody revoked     user_revoked   -              -              461     462    463      460
user_update of nobody               user_not_found -              -              461     462    463      460
vlob_create                         ok             ok             ok             461     462    463      460
vlob_poll_changes                   ok             ok             ok             461     462    463      460
vlob_read_batch                     ok             ok             ok             461     462    463      460
vlob_read_versions                  ok             ok             ok             461     462    463      460
vlob_update                         ok             ok             ok             461     462    463      460
tos_accept                          no_tos         no_tos         no_tos         461     462    tos_mismatch 460
tos_get                             no_tos         no_tos         no_tos         461     462    ok       460
`

// TestProfiles sends every request as each of three users: first where each is refused for what the columns on the right say, then without that, and once
// more revoked. So what was refused would have been let in, and was not done.
func TestProfiles(t *testing.T) {
	t.Parallel()
	all := readTable(t, profileCells)
	Each(t, Options{}, func(t *testing.T, s *Server) {
		c := newCast(t, s)
		if asked := slices.Sorted(maps.Keys(asks)); !slices.Equal(asked, slices.Sorted(slices.Values(all.names()))) {
			t.Fatalf("the rows are not the requests, which are %q", asked)
		}
		send := func(column func(actor int) int) {
			t.Helper()
			for _, r := range all.rows {
				for i, a := range slices.Backward(c.actors) { // who may is the last one
					n := column(i)
					holds(t, r.cells[n], c.send(a.Device, asks[r.name](c, a)), r.name, all.columns[i], all.columns[n])
				}
			}
		}
		for n, situation := range all.columns[4:] {
			c.enter(situation)
			send(func(int) int { return n + 4 })
			c.leave(situation)
		}
		send(func(actor int) int { return actor })
		for _, a := range c.actors {
			c.first.Revoke(a.Device)
		}
		send(func(int) int { return 3 })
	})
}

// send sends a request of either family of devices.
func (c *cast) send(d *Device, req cloud.Request) *Answer {
	f := cloud.Authenticated
	switch req.(type) {
	case *cloud.TOSGetReq, *cloud.TOSAcceptReq:
		f = cloud.TOS
	}
	return d.Org.Send(d.Org.Prepare(f, req, d.Token()))
}

// enter brings a situation about.
func (c *cast) enter(situation string) {
	c.t.Helper()
	want := cloud.StatusUserFrozen
	switch situation {
	case "frozen":
		c.freeze(true)
	case "terms":
		want = cloud.StatusMustAcceptTOS
		c.change(map[string]any{"tos": map[string]string{"en": "https://example.com/terms"}})
	case "expired":
		want = cloud.StatusOrganizationExpired
		c.change(map[string]any{"is_expired": true})
	}
	for _, d := range c.actors { // what is remembered of them is forgotten by a message
		Eventually(c.t, func() bool { return d.Do(RealmsOf()).Status == want })
	}
}

// leave ends it again: that holds at once.
func (c *cast) leave(situation string) {
	c.t.Helper()
	switch situation {
	case "frozen":
		c.freeze(false)
	case "terms":
		c.change(map[string]any{"tos": nil})
	case "expired":
		c.change(map[string]any{"is_expired": false})
	}
	for _, d := range c.actors {
		OK(c.t, d.Do(RealmsOf()))
	}
}

func (c *cast) change(body map[string]any) {
	c.t.Helper()
	JSON[struct{}](c.t, c.first.Org.Administer("PATCH", c.first.Org.AdministrationPath(""), AdministrationToken, body), 200)
}

func (c *cast) freeze(frozen bool) {
	c.t.Helper()
	for _, d := range c.actors {
		body := map[string]any{"frozen": frozen, "user_id": d.User.String()}
		JSON[struct{}](c.t, c.first.Org.Administer("POST", c.first.Org.AdministrationPath("/users/freeze"), AdministrationToken, body), 200)
	}
}
