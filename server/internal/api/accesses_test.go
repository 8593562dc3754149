package api_test

import (
	"fmt"
	"testing"

	. "github.com/seed-73b3884f/parsec-agent/server/servertest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// TestAccesses: administrators see who may do what, and might before.
func TestAccesses(t *testing.T) {
	Each(t, Options{}, func(t *testing.T, s *Server) {
		o := s.Bootstrapped()
		alice, bob := o.First, o.Enrol("bob", trust.Standard)
		realm := alice.CreateRealm()
		OK(t, alice.Do(alice.RotationReq(realm, 1, alice.User)))
		alice.Revoke(bob)
		users := JSON[map[string][]fields](t, admin(s, "GET", o.AdministrationPath("/accesses"), nil), 200)["users"]
		if len(users) != 2 {
			t.Fatalf("%v", users)
		}
		first, second := users[0], users[1]
		if first["user_email"] != "alice@example.com" || first["profile"] != "ADMIN" || first["revoked_on"] != nil || second["user_id"] != bob.User.String() || second["revoked_on"] == nil {
			t.Errorf("%v", users)
		}
		if got := fmt.Sprint(first["realms"]); got != fmt.Sprintf("[map[realm_id:%s role:OWNER since:%v]]", realm, since(t, first)) {
			t.Error(got)
		}
		if got := fmt.Sprint(second["profiles"]); got != fmt.Sprintf("[map[profile:STANDARD since:%v]]", second["created_on"]) {
			t.Error(got)
		}
		if answer := admin(s, "GET", "/organizations/None/accesses", nil); answer.Status != 404 {
			t.Errorf("HTTP status %d", answer.Status)
		}
	})
}

// since is the moment of the first role.
func since(t *testing.T, user fields) any {
	t.Helper()
	realms, ok := user["realms"].([]any)
	if !ok || len(realms) != 1 {
		t.Fatalf("%v", user)
	}
	m, ok := realms[0].(map[string]any)
	if !ok {
		t.Fatalf("%v", realms)
	}
	return m["since"]
}
