package api_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	. "github.com/seed-73b3884f/parsec-agent/server/servertest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// TestAudit: what administrators changed, and what they were refused, is kept with who it was, and no secret is.
func TestAudit(t *testing.T) {
	Each(t, Options{}, func(t *testing.T, s *Server) {
		log := &bytes.Buffer{}
		s.Rules.Log = slog.New(slog.NewTextHandler(log, nil))
		s.Clock.Advance(1000 * 24 * time.Hour) // after all that other tests did in the database
		o := s.Bootstrapped()
		at := o.AdministrationPath
		name := "t" + o.ID.String()
		text := JSON[map[string]string](t, admin(s, "POST", "/tokens", fields{"name": name, "scopes": []string{"users"}, "organization_id": o.ID.String()}), 200)["token"]
		who := "token " + name + " from 127.0.0.1"
		s.Clock.Advance(time.Second)
		hook := "https://hook.example.com/secret-of-the-hook"
		for _, step := range []struct {
			method, path, token string
			body                any
			want                []string
		}{
			{"GET", at("/users"), text, nil, nil},
			{"GET", at("/stats"), text, nil, []string{who, "GET /administration/organizations/{organization}/stats", "", "", "The token does not allow this"}},
			{"GET", at("/stats"), "parsec_admin_" + strings.Repeat("A", 43), nil, nil},
			{
				"POST", at("/users/freeze"), text,
				fields{"frozen": true, "user_id": o.First.User.String()},
				[]string{who, "freeze user", o.ID.String(), "user " + o.First.User.String(), "ok"},
			},
			{
				"POST", at("/users/freeze"), text,
				fields{"frozen": false, "user_email": "x@example.com"},
				[]string{who, "unfreeze user", o.ID.String(), "user x@example.com", "there is no such user"},
			},
			{
				"PATCH", at(""), AdministrationToken,
				fields{"is_expired": false, "active_users_limit": 5, "tos": fields{"en": "https://x"}},
				[]string{"administration token from 127.0.0.1", "change organisation", o.ID.String(), "expired=false users=5 terms=1", "ok"},
			},
			{
				"POST", at("/users/reset_totp"), AdministrationToken,
				fields{"user_id": o.First.User.String()},
				[]string{"administration token from 127.0.0.1", "reset one-time codes", o.ID.String(), "user " + o.First.User.String(), "ok"},
			},
			{
				"PUT", at("/sequester/services/config"), AdministrationToken,
				fields{"service_id": strings.Repeat("0", 32), "config": fields{"type": "webhook", "webhook_url": hook}},
				[]string{
					"administration token from 127.0.0.1", "configure sequester service", o.ID.String(), "service " + strings.Repeat("0", 32) + " of type webhook",
					"the organisation has no sequester",
				},
			},
			{
				"DELETE", "/tokens/" + name, AdministrationToken, nil,
				[]string{"administration token from 127.0.0.1", "revoke token", "", "token " + name, "ok"},
			},
		} {
			s.Clock.Advance(time.Second)
			s.Administer(step.method, step.path, step.token, step.body)
			newest := JSON[map[string][]map[string]string](t, admin(s, "GET", "/audit?limit=1", nil), 200)["records"][0]
			moment := Must(trust.DateTimeOf(s.Clock.Now())).String()
			if step.want == nil {
				if newest["done_on"] == moment {
					t.Errorf("%s %s is kept: %v", step.method, step.path, newest)
				}
				continue
			}
			got := []string{newest["who"], newest["action"], newest["organization_id"], newest["object"], newest["result"]}
			if strings.Join(got, "|") != strings.Join(step.want, "|") || newest["done_on"] != moment {
				t.Errorf("%q, want %q", got, step.want)
			}
			if !strings.Contains(log.String(), step.want[1]) {
				t.Errorf("%q is not logged", step.want[1])
			}
		}
		all := string(admin(s, "GET", "/audit", nil).Body) + log.String()
		for _, secret := range []string{text, AdministrationToken, "hook.example.com", strings.Repeat("A", 43)} {
			if strings.Contains(all, secret) {
				t.Errorf("%q shows", secret)
			}
		}
		before := Must(trust.DateTimeOf(s.Clock.Now()))
		for _, r := range JSON[map[string][]map[string]string](t, admin(s, "GET", "/audit?before="+before.String(), nil), 200)["records"] {
			if r["done_on"] == before.String() {
				t.Errorf("%v is not before", r)
			}
		}
		for _, query := range []string{"?limit=0", "?limit=1001", "?limit=x", "?before=x"} {
			if a := admin(s, "GET", "/audit"+query, nil); a.Status != 400 {
				t.Errorf("%s: %s", query, a.Body)
			}
		}
	})
}
