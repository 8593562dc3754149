package api_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	. "github.com/seed-73b3884f/parsec-agent/server/servertest"
)

// bodies are routes with a body, and one that each takes.
var bodies = []struct{ method, path, body string }{
	{"POST", "/organizations", `{"organization_id":"Other","tos":{"en":"x"},"active_users_limit":1,"realm_minimum_archiving_period_before_deletion":2}`},
	{"PATCH", "/organizations/Org", `{"is_expired":false,"user_profile_outsider_allowed":true,"tos":null,"active_users_limit":null}`},
	{"POST", "/organizations/Org/users/freeze", `{"frozen":true,"user_id":"00000000000000000000000000000000"}`},
	{"POST", "/organizations/Org/users/reset_totp", `{"user_email":"a@example.com","send_email":true}`},
	{"POST", "/organizations/Org/sequester/services", `{"service_certificate":"AAAA","config":{"type":"storage"}}`},
	{"POST", "/organizations/Org/sequester/services/revoke", `{"revoked_service_certificate":"AAAA"}`},
	{"PUT", "/organizations/Org/sequester/services/config", `{"service_id":"00000000000000000000000000000000","config":{"type":"webhook","webhook_url":"x"}}`},
	{"POST", "/tokens", `{"name":"x","scopes":["read"],"expires_on":"2031-01-01T00:00:00Z"}`},
}

// TestHostileBodies: no route takes what is too large, too deep, of another type, or no JSON.
func TestHostileBodies(t *testing.T) {
	s := New(t, Options{})
	send := func(method, path, content string, body []byte) *Answer {
		return s.Send(&Request{Method: method, Path: "/administration" + path, Body: body, Header: http.Header{
			"Authorization": {"Bearer " + AdministrationToken}, "Content-Type": {content},
		}})
	}
	const kind = "application/json"
	for _, b := range bodies {
		name := b.method + " " + b.path
		for _, c := range []struct {
			what, content string
			body          []byte
			want          int
		}{
			{"no body", kind, nil, 422},
			{"another type", "text/plain", []byte(b.body), 422},
			{"no type", "", []byte(b.body), 422},
			{"a list", kind, []byte("[" + b.body + "]"), 422},
			{"null", kind, []byte("null"), 422},
			{"half of it", kind, []byte(b.body[:len(b.body)/2]), 422},
			{"two values", kind, []byte(b.body + b.body), 422},
			{"no UTF-8", kind, append([]byte(b.body), 0xff), 400},
			{"too deep", kind, []byte(strings.Repeat(`{"a":`, 200_000)), 422},
			{"too large", kind, append(bytes.Repeat([]byte(" "), 1<<20), b.body...), 413},
		} {
			if a := send(b.method, b.path, c.content, c.body); int(a.Status) != c.want || len(a.Body) > 4096 {
				t.Errorf("%s: %s: HTTP status %d, want %d: %.200s", name, c.what, a.Status, c.want, a.Body)
			}
		}
		for field := range object(b.body) {
			for _, value := range []any{1.5, -1, "\x00", []any{}, fields{"type": 1}, strings.Repeat("9", 30), json.RawMessage(strings.Repeat("9", 30)), true} {
				spoiled := object(b.body)
				spoiled[field] = value
				a := send(b.method, b.path, "application/json; charset=utf-8", Must(json.Marshal(spoiled)))
				if a.Status >= 500 || a.Status == 422 && !names(a, field) {
					t.Errorf("%s with %s %v: HTTP status %d: %s", name, field, value, a.Status, a.Body)
				}
			}
		}
	}
}

// names reports whether a refusal says which field is wrong, if it is one of a form at all.
func names(a *Answer, field string) bool {
	refusal := struct {
		Detail []struct{ Loc []any }
	}{}
	return json.Unmarshal(a.Body, &refusal) != nil || slices.ContainsFunc(refusal.Detail, func(p struct{ Loc []any }) bool {
		return len(p.Loc) >= 2 && p.Loc[0] == "body" && p.Loc[1] == field
	})
}

// object reads a body.
func object(text string) (o fields) {
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		panic(err)
	}
	return o
}

// FuzzAdministration: whatever an administrator sends is answered with JSON, and never with 500.
func FuzzAdministration(f *testing.F) {
	s := New(f, Options{})
	handler := s.Handler()
	for _, b := range bodies {
		f.Add(b.method, b.path, "application/json", []byte(b.body))
	}
	for _, get := range []string{
		"/organizations", "/organizations/Org", "/organizations/Org/stats", "/stats?format=csv&at=2030-01-01T00:00:00Z", "/organizations/Org/users",
		"/organizations/Org/sequester/services", "/organizations/Org/realms", "/tokens", "/audit?limit=3&before=2030-01-01T00:00:00Z",
	} {
		f.Add("GET", get, "", []byte{})
	}
	for _, remove := range []string{"/organizations/Org?confirm=Org", "/organizations/Org/realms/00000000000000000000000000000000", "/tokens/x"} {
		f.Add("DELETE", remove, "", []byte{})
	}
	f.Fuzz(func(t *testing.T, method, path, content string, body []byte) {
		r, err := http.NewRequestWithContext(t.Context(), method, "http://server/administration"+path, bytes.NewReader(body))
		if err != nil || r.URL.Host != "server" || !strings.HasPrefix(r.URL.Path, "/administration/") {
			return
		}
		r.Header = http.Header{"Content-Type": {content}, "Authorization": {"Bearer " + AdministrationToken}}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code >= http.StatusInternalServerError {
			t.Errorf("status %d: %s", w.Code, w.Body)
		}
		if w.Header().Get("Content-Type") == "application/json" && !json.Valid(w.Body.Bytes()) {
			t.Errorf("%q is no JSON", w.Body)
		}
	})
}
