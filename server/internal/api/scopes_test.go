package api_test

import (
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	. "github.com/seed-73b3884f/parsec-agent/server/servertest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// cells say who may ask for what, route by route. Columns are the tokens of TestScopes. A path with A is one of the organisation that some
// tokens are for, with B of another.
const cells = `
                                        none wrong expired revoked whole read organizations users erase all A-read A-organizations A-users A-erase
POST /organizations                     -    -     -       -       x     -    x             -     -     x   -      x               -       -
GET /organizations                      -    -     -       -       x     x    x             -     -     x   -      -               -       -
GET /organizations/A                    -    -     -       -       x     x    x             -     -     x   x      x               -       -
GET /organizations/B                    -    -     -       -       x     x    x             -     -     x   -      -               -       -
PATCH /organizations/A                  -    -     -       -       x     -    x             -     -     x   -      x               -       -
PATCH /organizations/B                  -    -     -       -       x     -    x             -     -     x   -      -               -       -
DELETE /organizations/A                 -    -     -       -       x     -    -             -     x     x   -      -               -       x
DELETE /organizations/B                 -    -     -       -       x     -    -             -     x     x   -      -               -       -
GET /organizations/A/stats              -    -     -       -       x     x    x             -     -     x   x      x               -       -
GET /organizations/B/stats              -    -     -       -       x     x    x             -     -     x   -      -               -       -
GET /stats                              -    -     -       -       x     x    x             -     -     x   -      -               -       -
GET /organizations/A/users              -    -     -       -       x     x    -             x     -     x   x      -               x       -
GET /organizations/B/users              -    -     -       -       x     x    -             x     -     x   -      -               -       -
POST /organizations/A/users/freeze      -    -     -       -       x     -    -             x     -     x   -      -               x       -
POST /organizations/B/users/freeze      -    -     -       -       x     -    -             x     -     x   -      -               -       -
POST /organizations/A/users/reset_totp  -    -     -       -       x     -    -             x     -     x   -      -               x       -
POST /organizations/B/users/reset_totp  -    -     -       -       x     -    -             x     -     x   -      -               -       -
GET /organizations/A/sequester/services            - - - - x x x - - x x x - -
GET /organizations/B/sequester/services            - - - - x x x - - x - - - -
POST /organizations/A/sequester/services           - - - - x - x - - x - x - -
POST /organizations/B/sequester/services           - - - - x - x - - x - - - -
POST /organizations/A/sequester/services/revoke    - - - - x - x - - x - x - -
POST /organizations/B/sequester/services/revoke    - - - - x - x - - x - - - -
PUT /organizations/A/sequester/services/config     - - - - x - x - - x - x - -
PUT /organizations/B/sequester/services/config     - - - - x - x - - x - - - -
GET /organizations/A/accesses           -    -     -       -       x     x    -             x     -     x   x      -               x       -
GET /organizations/B/accesses           -    -     -       -       x     x    -             x     -     x   -      -               -       -
GET /organizations/A/realms             -    -     -       -       x     x    x             -     x     x   x      x               -       x
GET /organizations/B/realms             -    -     -       -       x     x    x             -     x     x   -      -               -       -
DELETE /organizations/A/realms/none     -    -     -       -       x     -    -             -     x     x   -      -               -       x
DELETE /organizations/B/realms/none     -    -     -       -       x     -    -             -     x     x   -      -               -       -
GET /tokens                             -    -     -       -       x     -    -             -     -     -   -      -               -       -
POST /tokens                            -    -     -       -       x     -    -             -     -     -   -      -               -       -
DELETE /tokens/none                     -    -     -       -       x     -    -             -     -     -   -      -               -       -
GET /audit                              -    -     -       -       x     -    -             -     -     -   -      -               -       -
`

// bearers makes the tokens of the table.
func bearers(t *testing.T, s *Server, only trust.OrganizationID) map[string]string {
	t.Helper()
	all := map[string]string{"none": "", "wrong": "x", "whole": AdministrationToken}
	create := func(column string, more fields, scopes ...string) {
		body := fields{"name": only.String() + "-" + column, "scopes": scopes}
		maps.Copy(body, more)
		all[column] = JSON[map[string]string](t, admin(s, "POST", "/tokens", body), 200)["token"]
	}
	scopes := []string{"read", "organizations", "users", "erase"}
	for _, scope := range scopes {
		create(scope, nil, scope)
		create("A-"+scope, fields{"organization_id": only.String()}, scope)
	}
	create("all", nil, scopes...)
	create("revoked", nil, scopes...)
	same(t, admin(s, "DELETE", "/tokens/"+only.String()+"-revoked", nil), 200, `{}`)
	create("expired", fields{"expires_on": s.Clock.Tick().Add(time.Second).String()}, scopes...)
	OK(t, s.Bootstrapped().First.Do(RealmsOf()))
	s.Clock.Advance(time.Minute)
	return all
}

// TestScopes tries every token at every route. Requests of those that are let in are such that they change nothing.
func TestScopes(t *testing.T) {
	Each(t, Options{}, func(t *testing.T, s *Server) {
		a, b := s.Bootstrapped(), s.Bootstrapped()
		tokens := bearers(t, s, a.ID)
		lines := strings.Split(strings.TrimSpace(cells), "\n")
		columns := strings.Fields(lines[0])
		if len(columns) != len(tokens) {
			t.Fatalf("%d columns for %d tokens", len(columns), len(tokens))
		}
		routes := map[string]bool{}
		for _, line := range lines[1:] {
			words := strings.Fields(line)
			method, path := words[0], words[1]
			routes[method+strings.Replace(path, "/B", "/A", 1)] = true
			path = strings.Replace(strings.Replace(path, "/A", "/"+a.ID.String(), 1), "/B", "/"+b.ID.String(), 1)
			for i, cell := range words[2:] {
				answer := s.Administer(method, path, tokens[columns[i]], harmless(method))
				if let := answer.Status != http.StatusForbidden; let != (cell == "x") || answer.Status >= 500 {
					t.Errorf("%s %s with %s: HTTP status %d, %s", method, path, columns[i], answer.Status, answer.Body)
				}
			}
			if len(words) != 2+len(columns) {
				t.Errorf("%s has %d cells", path, len(words)-2)
			}
		}
		if len(routes) != 21 {
			t.Errorf("%d routes are tried", len(routes))
		}
		other := s.Administer("POST", "/organizations", tokens["A-organizations"], fields{"organization_id": b.ID.String()})
		same(t, other, http.StatusForbidden, `{"detail":"The token does not allow this"}`)
		own := s.Administer("POST", "/organizations", tokens["A-organizations"], fields{"organization_id": a.ID.String()})
		same(t, own, http.StatusBadRequest, `{"detail":"Organization already exists"}`)
	})
}

// harmless is a body that no route takes.
func harmless(method string) any {
	if method == http.MethodPost || method == http.MethodPut {
		return fields{}
	}
	if method == http.MethodPatch {
		return fields{"is_expired": "no"}
	}
	return nil
}

// TestAuthorizationHeader: the scheme in any case, white space around the token; what is no token is said to be none.
func TestAuthorizationHeader(t *testing.T) {
	s := New(t, Options{})
	for header, want := range map[string]string{
		"Bearer " + AdministrationToken: "", "bearer  " + AdministrationToken + " ": "", "": "Not authenticated", "Bearer": "Not authenticated", "Bearer ": "Not authenticated",
		"Basic abc": "Not authenticated", AdministrationToken: "Not authenticated", "Bearer x": "Bad authorization token",
		"Bearer parsec_admin_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA": "Bad authorization token", "Bearer parsec_admin_": "Bad authorization token",
	} {
		a := s.Send(&Request{Method: "GET", Path: "/administration/stats", Header: http.Header{"Authorization": {header}}})
		if want == "" {
			same(t, a, http.StatusOK, `{"stats":[]}`)
		} else {
			same(t, a, http.StatusForbidden, `{"detail":"`+want+`"}`)
		}
	}
}

func TestTokensAreRefused(t *testing.T) {
	Each(t, Options{}, func(t *testing.T, s *Server) {
		name := "t" + trust.NewUserID().String()
		create := func(status int, want string, body fields) {
			t.Helper()
			if a := admin(s, "POST", "/tokens", body); int(a.Status) != status || !strings.Contains(string(a.Body), want) {
				t.Errorf("%d, %s, want %d with %q", a.Status, a.Body, status, want)
			}
		}
		create(200, "parsec_admin_", fields{"name": name, "scopes": []string{"read"}, "unknown": 1})
		create(409, "already exists", fields{"name": name, "scopes": []string{"read"}})
		create(422, "1 to 64 letters", fields{"name": "a b", "scopes": []string{"read"}})
		create(422, "needs scopes", fields{"name": "x", "scopes": []string{}})
		create(422, "needs scopes", fields{"name": "x", "scopes": []string{"read", "read"}})
		create(422, "needs scopes", fields{"name": "x", "scopes": []string{"all"}})
		create(422, "has passed", fields{"name": "x", "scopes": []string{"read"}, "expires_on": "2000-01-01T00:00:00Z"})
		create(422, "value_error", fields{"name": "x", "scopes": []string{"read"}, "expires_on": "soon"})
		create(422, "list_type", fields{"name": "x", "scopes": "read"})
		create(422, "string_type", fields{"name": 1, "scopes": []string{"read"}})
		create(422, "too_long", fields{"name": "x", "scopes": strings.Fields(strings.Repeat("read ", 17))})
		same(t, admin(s, "DELETE", "/tokens/none", nil), 404, `{"detail":"Token not found"}`)
		found := false
		for _, one := range JSON[map[string][]fields](t, admin(s, "GET", "/tokens", nil), 200)["tokens"] {
			found = found || one["name"] == name && len(one) == 5
		}
		if !found {
			t.Error("a token is not listed")
		}
	})
}
