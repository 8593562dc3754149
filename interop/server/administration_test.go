//go:build interop

package server_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/proto/cloud/cloudtest"
	. "github.com/seed-73b3884f/parsec-agent/server/servertest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// TestSameAdministration sends an administrator's requests to both, and wants the same statuses and the same JSON.
func TestSameAdministration(t *testing.T) {
	theirs := Remote(t, strings.TrimSuffix(cloudtest.Server(t).HTTP(), "/"))
	ours := New(t, Options{})
	ours.Clock.Advance(time.Since(ours.Clock.Now()) - 2*time.Minute)
	o, plain := ours.Unborn(), ours.Unborn()
	b := &twoServers{t: t, ours: ours, theirs: theirs, o: o}
	for _, org := range []*Organization{o, plain} {
		req := org.BootstrapReq()
		if org == o {
			org.Sequestered(req)
		}
		r := org.Prepare(cloud.Anonymous, req, "")
		ours.Clock.Advance(time.Since(ours.Clock.Now()))
		OK(t, ours.Send(r))
		OK(t, theirs.Send(r))
		ours.Clock.Advance(-time.Minute)
	}
	bob := o.NewDevice("bob")
	b.command(o.First, o.First.UserCreateReq(bob, trust.Standard))
	carol := o.NewDevice("carol")
	b.command(o.First, o.First.UserCreateReq(carol, trust.Outsider))
	b.command(o.First, &cloud.UserRevokeReq{RevokedUserCertificate: o.First.Sign(&trust.RevokedUserCertificate{
		Author: o.First.ID, Timestamp: ours.Clock.Tick(), UserID: carol.User,
	})})
	realm := trust.NewRealmID()
	b.command(bob, &cloud.RealmCreateReq{RealmRoleCertificate: bob.RoleReq(realm, bob.User, trust.Owner)})
	b.command(bob, &cloud.BlockCreateReq{BlockID: trust.NewBlockID(), RealmID: realm, Block: []byte("123")})
	b.command(bob, bob.VlobReq(realm, 0, "12345"))

	b.organizations()
	b.people(bob, carol)
	b.services(plain)
	if b.asked < 150 {
		t.Errorf("only %d requests were compared", b.asked)
	}
}

// twoServers are the two servers.
type twoServers struct {
	t            *testing.T
	ours, theirs *Server
	o            *Organization
	asked        int
}

// command sends a command of a device to both, which take it.
func (b *twoServers) command(d *Device, req cloud.Request) {
	b.t.Helper()
	b.ours.Clock.Advance(time.Since(b.ours.Clock.Now()))
	r := d.Org.Prepare(cloud.Authenticated, req, d.Token())
	OK(b.t, b.ours.Send(r))
	OK(b.t, b.theirs.Send(r))
	b.ours.Clock.Advance(-time.Minute / 2)
	for now := time.Now(); b.ours.Clock.Now().Before(now.Add(-time.Minute / 2)); {
		b.ours.Clock.Advance(time.Second)
	}
}

// ask sends a request with the token; the body is JSON, or text that is taken as it is.
func (b *twoServers) ask(method, path string, body any) {
	b.t.Helper()
	h := http.Header{"Authorization": {"Bearer " + AdministrationToken}}
	r := &Request{Method: method, Path: "/administration" + path, Header: h}
	if text, ok := body.(string); ok {
		r.Body = []byte(text)
	} else if body != nil {
		r.Body = Must(json.Marshal(body))
	}
	if body != nil {
		h.Set("Content-Type", "application/json")
	}
	b.send(r)
}

func (b *twoServers) send(r *Request) {
	b.t.Helper()
	b.asked++
	b.ours.Clock.Advance(time.Since(b.ours.Clock.Now()))
	ours, theirs := b.ours.Send(r), b.theirs.Send(r)
	what := fmt.Sprintf("%s %s %.200s", r.Method, r.Path, r.Body)
	if ours.Status != theirs.Status {
		b.t.Errorf("%s: ours HTTP status %d %s, theirs %d %s", what, ours.Status, ours.Body, theirs.Status, theirs.Body)
		return
	}
	if ours.Status == http.StatusNotFound && strings.HasPrefix(theirs.Header.Get("Content-Type"), "text/html") {
		return // a page for people
	}
	for _, h := range []string{"Content-Type", "Allow"} {
		if x, y := ours.Header.Get(h), theirs.Header.Get(h); x != y && !strings.HasPrefix(x, y+", ") && !strings.HasSuffix(x, ", "+y) && !strings.Contains(x, ", "+y+", ") {
			b.t.Errorf("%s: header %s: ours %q, theirs %q", what, h, x, y)
		}
	}
	if x, y := masked(ours), masked(theirs); !reflect.DeepEqual(x, y) {
		b.t.Errorf("%s:\nours   %v\ntheirs %v", what, x, y)
	}
}

// masked is an answer without what each server makes itself, its own addresses, and how the original words what is wrong with a field.
func masked(a *Answer) any {
	var v any
	if json.Unmarshal(a.Body, &v) != nil {
		return string(a.Body)
	}
	return mask("", v)
}

func mask(name string, v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, inner := range v {
			v[k] = mask(k, inner)
		}
		return v
	case []any:
		if name == "detail" {
			return places(v)
		}
		for i := range v {
			v[i] = mask("", v[i])
		}
		return v
	case string:
		switch name {
		case "bootstrap_url", "bootstrap_url_as_http_redirection", "totp_reset_url", "totp_reset_url_as_http_redirection":
			scheme, rest, _ := strings.Cut(v, "://")
			_, path, _ := strings.Cut(rest, "/")
			before, _, _ := strings.Cut(path, "p=")
			return scheme + before
		case "updated_on":
			return len(v) > 0
		}
	}
	return v
}

// places are the fields that a refusal names.
func places(problems []any) any {
	all := []string{}
	for _, p := range problems {
		loc, _ := p.(map[string]any)["loc"].([]any)
		if len(loc) > 2 {
			loc = loc[:2]
		}
		if len(loc) > 1 && loc[0] == "body" && fmt.Sprintf("%T", loc[1]) == "float64" {
			loc[1] = "position"
		}
		all = append(all, fmt.Sprint(loc))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

type fieldsOf = map[string]any

// organizations asks for all about organisations.
func (b *twoServers) organizations() {
	b.t.Helper()
	at, made := b.o.AdministrationPath, "Made"+trust.NewUserID().String()[:20]
	for _, h := range []string{"", "Bearer", "Bearer ", "Basic x", "bearer  s3cr3t", "Bearer x"} {
		b.send(&Request{Method: "GET", Path: "/administration/stats", Header: http.Header{"Authorization": {h}}})
	}
	for _, content := range []string{"", "text/plain", "application/json; charset=utf-8", "application/vnd.api+json", "application/x-www-form-urlencoded"} {
		b.send(&Request{
			Method: "POST", Path: "/administration/organizations", Body: []byte(`{"organization_id":"` + made + `"}`),
			Header: http.Header{"Authorization": {"Bearer s3cr3t"}, "Content-Type": {content}},
		})
	}
	for _, body := range []any{
		"", "{", "[1]", "null", "1", "\xff", "{} {}",
		fieldsOf{},
		fieldsOf{"organization_id": "a b"},
		fieldsOf{"organization_id": made, "x": 1},
		fieldsOf{"organization_id": b.o.ID.String()},
		fieldsOf{"organization_id": made, "tos": 3, "active_users_limit": "x"},
	} {
		b.ask("POST", "/organizations", body)
		b.ask("PATCH", at(""), body)
	}
	for field, values := range map[string][]any{
		"is_expired":                                     {nil, 1, "true", true, false},
		"user_profile_outsider_allowed":                  {nil, 1, "true", false, true},
		"active_users_limit":                             {nil, -1, json.RawMessage("1.0"), "1", true, json.RawMessage("18446744073709551616"), 7, nil},
		"realm_minimum_archiving_period_before_deletion": {nil, -1, json.RawMessage("1.0"), "1", true, 0, 5},
		"tos": {fieldsOf{}, fieldsOf{"en": 1}, fieldsOf{"en": nil}, []any{}, "x", fieldsOf{"en": "https://x", "fr": "y"}},
	} {
		for _, v := range values {
			b.ask("POST", "/organizations", fieldsOf{"organization_id": made, field: v})
			b.ask("GET", "/organizations/"+made, nil)
			b.ask("PATCH", at(""), fieldsOf{field: v})
			b.ask("GET", at(""), nil)
		}
	}
	b.ask("POST", "/organizations", fieldsOf{"organization_id": made, "tos": nil})
	b.ask("PATCH", at(""), fieldsOf{"tos": nil, "is_expired": false, "active_users_limit": nil})
	for _, path := range []string{"a%20b", "Nobody", made, "a%2Fb", strings.Repeat("a", 33)} {
		b.ask("GET", "/organizations/"+path, nil)
		b.ask("PATCH", "/organizations/"+path, fieldsOf{})
		b.ask("GET", "/organizations/"+path+"/stats", nil)
		b.ask("GET", "/organizations/"+path+"/users", nil)
		b.ask("GET", "/organizations/"+path+"/sequester/services", nil)
	}
	b.ask("GET", at("/stats"), nil)
	for _, query := range []string{
		"", "?format=csv", "?format=json", "?format=CSV", "?format=", "?at=", "?at=x", "?at=2000-01-01T00:00:00Z", "?at=2000-01-01", "?at=2100-01-01T00:00:00%2B02:00",
		"?format=csv&format=json", "?at=x&at=", "?z=1",
	} {
		b.ask("GET", "/stats"+query, nil)
	}
	b.ask("PUT", "/stats", fieldsOf{})
	b.ask("PUT", at(""), fieldsOf{})
	b.ask("GET", at("/nothing"), nil)
}

// people asks for all about users.
func (b *twoServers) people(bob, carol *Device) {
	b.t.Helper()
	at, nobody := b.o.AdministrationPath, strings.Repeat("0", 32)
	b.ask("GET", at("/users"), nil)
	for _, body := range []fieldsOf{
		{},
		{"frozen": "x", "user_id": "x"},
		{"user_id": "x"},
		{"user_id": 5},
		{"user_email": 5},
		{"user_email": "x"},
		{"user_email": nil, "user_id": nil},
		{"user_email": "a@example.com", "user_id": nobody},
		{"user_id": nobody},
		{"user_id": "00000000-0000-0000-0000-000000000000"},
		{"user_email": "a@example.com"},
		{"user_id": carol.User.String()},
		{"user_email": "carol@example.com"},
		{"user_id": bob.User.String()},
		{"user_email": "bob@example.com"},
		{"user_id": bob.User.String(), "send_email": 1},
	} {
		for _, frozen := range []any{nil, true, false} {
			if _, given := body["frozen"]; frozen != nil && !given {
				body["frozen"] = frozen
			}
			for _, org := range []string{at(""), "/organizations/Nobody", "/organizations/a%20b"} {
				b.ask("POST", org+"/users/freeze", body)
				b.ask("POST", org+"/users/reset_totp", body)
			}
			b.ask("GET", at("/users"), nil)
			delete(body, "frozen")
		}
	}
}

// services asks for all about the sequester.
func (b *twoServers) services(plain *Organization) {
	b.t.Helper()
	at := b.o.AdministrationPath("/sequester/services")
	sign := func(c trust.ServiceCertificate) string {
		return base64.StdEncoding.EncodeToString(Must(trust.SignServiceCertificate(c, b.o.Authority)))
	}
	storage, hook := fieldsOf{"type": "storage"}, fieldsOf{"type": "webhook", "webhook_url": "https://hook"}
	one, two := trust.SequesterServiceID{1}, trust.SequesterServiceID{2}
	service := func(id trust.SequesterServiceID) string {
		b.ours.Clock.Advance(time.Since(b.ours.Clock.Now()))
		return sign(&trust.SequesterServiceCertificate{Timestamp: b.ours.Clock.Tick(), ServiceID: id, ServiceLabel: "box", EncryptionKeyDER: serviceKey(b.t)})
	}
	revocation := func(id trust.SequesterServiceID) string {
		b.ours.Clock.Advance(time.Since(b.ours.Clock.Now()))
		return sign(&trust.SequesterRevokedServiceCertificate{Timestamp: b.ours.Clock.Tick(), ServiceID: id})
	}
	early := service(one)
	for _, certificate := range []any{"AA==", "A", "A A==", "AA==\n", "", 5, nil, service(one), early, service(one), service(two), revocation(one)} {
		for _, config := range []any{storage, hook, fieldsOf{"type": "x"}, fieldsOf{"type": "webhook"}, fieldsOf{}, nil, "x", fieldsOf{"type": "storage", "u": 1}} {
			for _, org := range []string{at, plain.AdministrationPath("/sequester/services"), "/organizations/Nobody/sequester/services"} {
				b.ask("POST", org, fieldsOf{"service_certificate": certificate, "config": config})
			}
		}
		b.ask("GET", at, nil)
	}
	for _, id := range []any{one.String(), two.String(), strings.Repeat("9", 32), "x", 5, nil} {
		for _, config := range []any{storage, hook, fieldsOf{"type": "webhook", "webhook_url": 5}} {
			b.ask("PUT", at+"/config", fieldsOf{"service_id": id, "config": config})
		}
		b.ask("GET", at, nil)
	}
	for _, certificate := range []any{"AA==", 5, nil, early, revocation(trust.SequesterServiceID{3}), revocation(one), revocation(one)} {
		for _, org := range []string{at, plain.AdministrationPath("/sequester/services"), "/organizations/Nobody/sequester/services"} {
			b.ask("POST", org+"/revoke", fieldsOf{"revoked_service_certificate": certificate})
		}
		b.ask("GET", at, nil)
	}
	b.ask("POST", at, fieldsOf{})
	b.ask("POST", at+"/revoke", fieldsOf{})
	b.ask("PUT", at+"/config", fieldsOf{})
}

// serviceKey is a key that a sequester service could have.
func serviceKey(t *testing.T) []byte {
	t.Helper()
	key := Must(rsa.GenerateKey(rand.Reader, 1024))
	return Must(x509.MarshalPKIXPublicKey(&key.PublicKey))
}
