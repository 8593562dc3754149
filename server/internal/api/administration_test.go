package api_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	. "github.com/seed-73b3884f/parsec-agent/server/servertest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// fields is any object of JSON.
type fields = map[string]any

// same compares an answer with JSON, whatever the order of its fields.
func same(t *testing.T, a *Answer, status int, want string) {
	t.Helper()
	if got, wanted := JSON[any](t, a, status), any(nil); json.Unmarshal([]byte(want), &wanted) != nil || string(Must(json.Marshal(got))) != string(Must(json.Marshal(wanted))) {
		t.Errorf("%s, want %s", a.Body, want)
	}
}

// admin sends a request with the token of the whole server.
func admin(s *Server, method, path string, body any) *Answer {
	s.TB().Helper()
	return s.Administer(method, path, AdministrationToken, body)
}

func TestOrganizationsOfAdministrators(t *testing.T) {
	Each(t, Options{}, func(t *testing.T, s *Server) {
		o := s.Unborn()
		at := o.AdministrationPath
		same(t, admin(s, "GET", at(""), nil), 404, `{"detail":"Organization not found"}`)
		same(t, admin(s, "GET", "/organizations/a%20b", nil), 404, `{"detail":"Invalid organization ID"}`)
		first := JSON[map[string]string](t, admin(s, "POST", "/organizations", fields{"organization_id": o.ID.String()}), 200)
		made := JSON[map[string]string](t, admin(s, "POST", "/organizations", fields{
			"organization_id": o.ID.String(), "active_users_limit": 3, "user_profile_outsider_allowed": false, "tos": fields{"en": "https://x"},
			"realm_minimum_archiving_period_before_deletion": 7, "unknown": 1,
		}), 200)
		moment := Must(trust.DateTimeOf(s.Clock.Now())).String()
		same(t, admin(s, "GET", at(""), nil), 200, `{"is_bootstrapped":false,"is_expired":false,"user_profile_outsider_allowed":false,"active_users_limit":3,
			"realm_minimum_archiving_period_before_deletion":7,"tos":{"per_locale_urls":{"en":"https://x"},"updated_on":"`+moment+`"}}`)
		req := o.BootstrapReq()
		req.BootstrapToken = token(t, first["bootstrap_url"])
		Want(t, o.Anonymous(req), "invalid_bootstrap_token")
		req.BootstrapToken = token(t, made["bootstrap_url_as_http_redirection"])
		OK(t, o.Anonymous(req))
		same(t, admin(s, "POST", "/organizations", fields{"organization_id": o.ID.String()}), 400, `{"detail":"Organization already exists"}`)
		if got := JSON[fields](t, admin(s, "GET", at(""), nil), 200); got["is_bootstrapped"] != true {
			t.Errorf("%v", got)
		}
	})
}

// token is the one in the address of a bootstrap.
func token(t *testing.T, address string) *trust.AccessToken {
	t.Helper()
	a, err := trust.ParseAction(address)
	if err != nil {
		t.Fatal(err)
	}
	bootstrap, ok := a.(*trust.BootstrapAddress)
	if !ok {
		t.Fatalf("%T", a)
	}
	return bootstrap.Token
}

// TestChangeOrganization: what an administrator changes is so at once, also for who listens.
func TestChangeOrganization(t *testing.T) {
	Each(t, Options{}, func(t *testing.T, s *Server) {
		o := s.Bootstrapped()
		change := func(body fields) { t.Helper(); same(t, admin(s, "PATCH", o.AdministrationPath(""), body), 200, `{}`) }
		same(t, admin(s, "PATCH", "/organizations/Nobody", fields{}), 404, `{"detail":"Organization not found"}`)
		stream := o.First.Listen("")
		change(fields{})
		change(fields{"active_users_limit": 1, "unknown": true})
		Want(t, o.First.Do(o.First.UserCreateReq(o.NewDevice("bob"), trust.Standard)), "active_users_limit_reached")
		change(fields{"active_users_limit": nil})
		bob := o.Enrol("bob", trust.Standard)
		change(fields{"is_expired": true})
		stream.Ended()
		WantHTTP(t, bob.Do(RealmsOf()), cloud.StatusOrganizationExpired)
		change(fields{"is_expired": false, "tos": fields{"fr": "https://y"}})
		WantHTTP(t, bob.Do(RealmsOf()), cloud.StatusMustAcceptTOS)
		change(fields{"tos": nil})
		OK(t, bob.Do(RealmsOf()))
		stream = bob.Listen("")
		change(fields{"tos": fields{}})
		stream.Ended()
		got := JSON[fields](t, admin(s, "GET", o.AdministrationPath(""), nil), 200)
		if got["is_expired"] != false || got["active_users_limit"] != nil || got["tos"] == nil || got["is_bootstrapped"] != true {
			t.Errorf("%v", got)
		}
	})
}

func TestUsersOfAdministrators(t *testing.T) {
	Each(t, Options{}, func(t *testing.T, s *Server) {
		o := s.Bootstrapped()
		bob, carol := o.Enrol("bob", trust.Standard), o.Enrol("carol", trust.Outsider)
		o.First.Revoke(carol)
		at := o.AdministrationPath
		shown := func(frozen string) string {
			return `{"user_id":"` + bob.User.String() + `","user_email":"bob@example.com","user_name":"bob","frozen":` + frozen + `}`
		}
		if users := JSON[map[string][]fields](t, admin(s, "GET", at("/users"), nil), 200)["users"]; len(users) != 2 || users[1]["user_email"] != "bob@example.com" {
			t.Errorf("%v", users)
		}
		freeze := func(body fields) *Answer { t.Helper(); return admin(s, "POST", at("/users/freeze"), body) }
		OK(t, bob.Do(RealmsOf()))
		stream := bob.Listen("")
		same(t, freeze(fields{"frozen": true, "user_id": bob.User.String()}), 200, shown("true"))
		stream.Ended()
		WantHTTP(t, bob.Do(RealmsOf()), cloud.StatusUserFrozen)
		same(t, freeze(fields{"frozen": false, "user_email": "bob@example.com", "user_id": nil}), 200, shown("false"))
		OK(t, bob.Do(RealmsOf()))
		for _, route := range []string{"/users/freeze", "/users/reset_totp"} {
			ask := func(status int, want string, body fields) {
				t.Helper()
				body["frozen"] = true
				same(t, admin(s, "POST", at(route), body), status, `{"detail":"`+want+`"}`)
			}
			ask(404, "User has been revoked", fields{"user_id": carol.User.String()})
			ask(404, "User not found", fields{"user_email": "carol@example.com"})
			ask(404, "User not found", fields{"user_id": strings.Repeat("0", 32)})
			ask(400, "Missing either `user_id` or `user_email` field", fields{})
			ask(400, "Both `user_id` and `user_email` fields are provided", fields{"user_id": bob.User.String(), "user_email": "bob@example.com"})
			same(t, admin(s, "POST", "/organizations/Nobody"+route, fields{"frozen": true}), 404, `{"detail":"Organization not found"}`)
		}
		reset := JSON[map[string]string](t, admin(s, "POST", at("/users/reset_totp"), fields{"user_email": "bob@example.com"}), 200)
		address, ok := Must(trust.ParseAction(reset["totp_reset_url"])).(*trust.TOTPResetAddress)
		if !ok || address.User != bob.User || reset["user_id"] != bob.User.String() || reset["email_sent_status"] != "NOT_SENT_AS_REQUESTED" {
			t.Fatalf("%v", reset)
		}
		OK(t, o.Anonymous(&cloud.AnonymousTOTPSetupGetSecretReq{UserID: bob.User, Token: address.Token}))
		reset = JSON[map[string]string](t, admin(s, "POST", at("/users/reset_totp"), fields{"user_id": bob.User.String(), "send_email": true}), 200)
		if reset["email_sent_status"] != "SERVER_UNAVAILABLE" || !strings.HasPrefix(reset["totp_reset_url_as_http_redirection"], s.URL+"/redirect/") {
			t.Errorf("%v", reset)
		}
	})
}

func TestStatsOfAdministrators(t *testing.T) {
	Each(t, Options{}, func(t *testing.T, s *Server) {
		o := s.Bootstrapped()
		bob := o.Enrol("bob", trust.Standard)
		realm := bob.CreateRealm()
		OK(t, bob.Do(bob.VlobReq(realm, 0, "12345")))
		OK(t, bob.Do(&cloud.BlockCreateReq{RealmID: realm, BlockID: trust.NewBlockID(), Block: []byte("123")}))
		before := s.Clock.Tick()
		OK(t, bob.Do(bob.VlobReq(realm, 0, "12345")))
		OK(t, o.First.Do(&cloud.UserUpdateReq{UserUpdateCertificate: o.First.Sign(&trust.UserUpdateCertificate{
			Author: o.First.ID, Timestamp: s.Clock.Tick(), UserID: bob.User, NewProfile: trust.Outsider,
		})}))
		o.First.Revoke(bob)
		detail := func(standard, outsider string) string {
			return `"users_per_profile_detail":{"ADMIN":{"active":1,"revoked":0},"STANDARD":{"active":` + standard + `,"revoked":0},"OUTSIDER":{"active":0,"revoked":` + outsider + `}}`
		}
		same(t, admin(s, "GET", o.AdministrationPath("/stats"), nil), 200,
			`{"realms":1,"data_size":3,"metadata_size":10,"users":2,"active_users":1,`+detail("0", "1")+`}`)
		same(t, admin(s, "GET", "/organizations/Nobody/stats", nil), 404, `{"detail":"Organization not found"}`)
		of := func(query string) any {
			t.Helper()
			for _, one := range JSON[map[string][]fields](t, admin(s, "GET", "/stats"+query, nil), 200)["stats"] {
				if one["organization_id"] == o.ID.String() {
					delete(one, "organization_id")
					return one
				}
			}
			return nil
		}
		if then, want := of("?at="+before.String()), `{"active_users":2,"data_size":3,"metadata_size":5,"realms":1,"users":2,`+detail("1", "0")+`}`; string(Must(json.Marshal(then))) != string(Must(json.Marshal(decoded(want)))) {
			t.Errorf("%v, want %s", then, want)
		}
		if of("?at=2000-01-01T00:00:00Z") != nil {
			t.Error("there before it was made")
		}
		csv := admin(s, "GET", "/stats?format=json&format=csv", nil)
		const header = "organization_id,data_size,metadata_size,realms,active_users,admin_users_active,admin_users_revoked,standard_users_active,standard_users_revoked,outsider_users_active,outsider_users_revoked\r\n"
		if text := string(csv.Body); !strings.HasPrefix(text, header) || !strings.Contains(text, "\r\n"+o.ID.String()+",3,10,1,1,1,0,0,0,0,1\r\n") ||
			csv.Header.Get("Content-Type") != "text/csv; charset=utf-8" {
			t.Errorf("%s", text)
		}
		same(t, admin(s, "GET", "/stats?at=x", nil), 400, "{\"detail\":\"Invalid `at` query argument (expected RFC3339 datetime)\"}")
		if a := admin(s, "GET", "/stats?format=CSV", nil); a.Status != 422 {
			t.Errorf("%s", a.Body)
		}
	})
}

func decoded(text string) (v any) {
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		panic(err)
	}
	return v
}

func TestSequesterOfAdministrators(t *testing.T) {
	Each(t, Options{}, func(t *testing.T, s *Server) {
		plain, o := s.Bootstrapped(), s.Unborn()
		req := o.BootstrapReq()
		o.Sequestered(req)
		OK(t, o.Anonymous(req))
		at := o.AdministrationPath("/sequester/services")
		storage := fields{"type": "storage"}
		sign := func(c trust.ServiceCertificate) string {
			return base64.StdEncoding.EncodeToString(Must(trust.SignServiceCertificate(c, o.Authority)))
		}
		create := func(c trust.ServiceCertificate, config fields) *Answer {
			t.Helper()
			return admin(s, "POST", at, fields{"service_certificate": sign(c), "config": config})
		}
		first := trust.SequesterServiceID{1}
		service := func(id trust.SequesterServiceID) *trust.SequesterServiceCertificate {
			return &trust.SequesterServiceCertificate{Timestamp: s.Clock.Tick(), ServiceID: id, ServiceLabel: "box", EncryptionKeyDER: serviceKey(t)}
		}
		same(t, admin(s, "GET", plain.AdministrationPath("/sequester/services"), nil), 400, `{"detail":"Sequester disabled"}`)
		same(t, admin(s, "GET", at, nil), 200, `{"services":[]}`)
		early := service(first)
		stream := o.First.Listen("")
		c := service(first)
		same(t, create(c, storage), 200, `{}`)
		if e := Await[*cloud.EventSequesterCertificate](stream); e.Timestamp != c.Timestamp {
			t.Errorf("%v", e)
		}
		same(t, create(early, storage), 400, `{"detail":{"msg":"Require greater timestamp","strictly_greater_than":"`+c.Timestamp.String()+`"}}`)
		same(t, create(service(first), storage), 400, `{"detail":"Sequester service already exists"}`)
		same(t, admin(s, "POST", at, fields{"service_certificate": "AAAA", "config": storage}), 400, `{"detail":"Invalid certificate"}`)
		revocation := func(id trust.SequesterServiceID) *trust.SequesterRevokedServiceCertificate {
			return &trust.SequesterRevokedServiceCertificate{Timestamp: s.Clock.Tick(), ServiceID: id}
		}
		same(t, create(revocation(first), storage), 400, `{"detail":"Invalid certificate"}`)
		configure := func(id string, config fields) *Answer {
			return admin(s, "PUT", at+"/config", fields{"service_id": id, "config": config})
		}
		same(t, configure(first.String(), fields{"type": "webhook", "webhook_url": "https://hook"}), 200, `{}`)
		same(t, configure(strings.Repeat("9", 32), storage), 404, `{"detail":"Sequester service not found"}`)
		revoke := func(c trust.ServiceCertificate) *Answer {
			return admin(s, "POST", at+"/revoke", fields{"revoked_service_certificate": sign(c)})
		}
		same(t, revoke(revocation(trust.SequesterServiceID{2})), 404, `{"detail":"Sequester service not found"}`)
		end := revocation(first)
		same(t, revoke(end), 200, `{}`)
		same(t, revoke(end), 400, `{"detail":{"msg":"Require greater timestamp","strictly_greater_than":"`+end.Timestamp.String()+`"}}`)
		same(t, revoke(revocation(first)), 400, `{"detail":"Sequester service already revoked"}`)
		same(t, revoke(service(first)), 400, `{"detail":"Invalid certificate"}`)
		same(t, admin(s, "GET", at, nil), 200, `{"services":[{"service_id":"`+first.String()+`","service_label":"box","created_on":"`+c.Timestamp.String()+
			`","revoked_on":"`+end.Timestamp.String()+`","type":"webhook","webhook_url":"https://hook"}]}`)
		for _, route := range []string{"POST " + "", "POST " + "/revoke", "PUT " + "/config"} {
			method, below, _ := strings.Cut(route, " ")
			body := fields{"service_certificate": "AAAA", "revoked_service_certificate": "AAAA", "config": storage, "service_id": first.String()}
			same(t, admin(s, method, plain.AdministrationPath("/sequester/services")+below, body), 400, `{"detail":"Sequester disabled"}`)
		}
	})
}

// TestRealmsOfAdministrators: a realm is deleted once that is due.
func TestRealmsOfAdministrators(t *testing.T) {
	Each(t, Options{}, func(t *testing.T, s *Server) {
		o := s.Bootstrapped()
		bob := o.Enrol("bob", trust.Standard)
		realm, orphan := o.First.CreateRealm(), bob.CreateRealm()
		OK(t, o.First.Do(o.First.VlobReq(realm, 0, "1234")))
		at := o.AdministrationPath("/realms")
		state := func(id trust.RealmID) fields {
			t.Helper()
			for _, r := range JSON[map[string][]fields](t, admin(s, "GET", at, nil), 200)["realms"] {
				if r["realm_id"] == id.String() {
					return r
				}
			}
			return nil
		}
		if r := state(realm); r["state"] != "AVAILABLE" || r["deletable"] != "" || r["metadata_size"] != 4.0 || r["active_members"] != 1.0 {
			t.Errorf("%v", r)
		}
		remove := func(id string) *Answer { return admin(s, "DELETE", at+"/"+id, nil) }
		same(t, remove("x"), 404, `{"detail":"Invalid realm ID"}`)
		same(t, remove(strings.Repeat("0", 32)), 404, `{"detail":"Realm not found"}`)
		if a := remove(realm.String()); a.Status != 409 {
			t.Errorf("%s", a.Body)
		}
		o.First.Revoke(bob)
		if r := state(orphan); r["deletable"] != "orphaned" || r["orphaned_since"] == nil {
			t.Errorf("%v", r)
		}
		moment := s.Clock.Tick()
		OK(t, o.First.Do(&cloud.RealmUpdateArchivingReq{ArchivingCertificate: o.First.Sign(&trust.RealmArchivingCertificate{
			Author: o.First.ID, Timestamp: moment, RealmID: realm,
			Configuration: trust.ArchivingConfiguration{State: trust.DeletionPlanned, DeletionDate: moment.Add(30 * 24 * time.Hour)},
		})}))
		s.Clock.Advance(30 * 24 * time.Hour)
		if r := state(realm); r["deletable"] != "deletion_planned" || r["state"] != "DELETION_PLANNED" {
			t.Errorf("%v", r)
		}
		for _, id := range []trust.RealmID{realm, orphan, orphan} {
			same(t, remove(id.String()), 200, `{"complete":true}`)
			if r := state(id); r["state"] != "DELETED" || r["metadata_size"] != 0.0 {
				t.Errorf("%v", r)
			}
		}
		Want(t, o.First.Do(&cloud.VlobReadBatchReq{RealmID: realm}), "realm_deleted")
	})
}

// TestMethodsAndErasure: other methods are refused as by the original, and who erases says the name twice.
func TestMethodsAndErasure(t *testing.T) {
	Each(t, Options{}, func(t *testing.T, s *Server) {
		o := s.Bootstrapped()
		a := admin(s, "PUT", o.AdministrationPath("/stats"), fields{})
		same(t, a, http.StatusMethodNotAllowed, `{"detail":"Method Not Allowed"}`)
		if a.Header.Get("Allow") != "GET" {
			t.Errorf("%v", a.Header)
		}
		if a := admin(s, "DELETE", o.AdministrationPath(""), nil); a.Status != 400 {
			t.Errorf("%s", a.Body)
		}
		stream := o.First.Listen("")
		OK(t, o.First.Do(RealmsOf()))
		same(t, admin(s, "DELETE", o.AdministrationPath("?confirm="+o.ID.String()), nil), 200, `{"complete":true}`)
		stream.Ended()
		WantHTTP(t, o.First.Do(RealmsOf()), cloud.StatusOrganizationNotFound)
		same(t, admin(s, "GET", o.AdministrationPath(""), nil), 404, `{"detail":"Organization not found"}`)
		if a := admin(s, "POST", "/organizations", fields{"organization_id": o.ID.String()}); a.Status != 409 {
			t.Errorf("%s", a.Body)
		}
		WantHTTP(t, o.Anonymous(o.BootstrapReq()), cloud.StatusOrganizationNotFound)
	})
}

// serviceKey is a key that a sequester service could have.
func serviceKey(t *testing.T) []byte {
	t.Helper()
	key := Must(rsa.GenerateKey(rand.Reader, 1024))
	return Must(x509.MarshalPKIXPublicKey(&key.PublicKey))
}

// TestAddressOfReset: a link to new one-time codes leads to the server's own address, as the mail with it does, not to where the administrator asked.
func TestAddressOfReset(t *testing.T) {
	own := Must(trust.ParseServerURL("https://parsec.example.com"))
	Each(t, Options{Address: &own}, func(t *testing.T, s *Server) {
		o := s.Bootstrapped()
		reset := JSON[map[string]string](t, admin(s, "POST", "/organizations/"+o.ID.String()+"/users/reset_totp", fields{"user_email": o.First.Handle.Email.String()}), 200)
		if !strings.HasPrefix(reset["totp_reset_url"], "parsec3://parsec.example.com/") || !strings.HasPrefix(reset["totp_reset_url_as_http_redirection"], "https://parsec.example.com/redirect/") {
			t.Error(reset)
		}
	})
}
