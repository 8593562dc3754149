package servertest

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"
)

// AdministrationToken lets in to the administration of servers of tests.
const AdministrationToken = "s3cr3t"

// Administer sends a request of an administrator with a token; the body is what JSON makes of it, none for nil.
func (s *Server) Administer(method, path, token string, body any) *Answer {
	s.t.Helper()
	r := &Request{Method: method, Path: "/administration" + path, Header: http.Header{}}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
		r.Body = Must(json.Marshal(body))
	}
	return s.Send(r)
}

// AdministrationPath is the path of an organisation, or of what is below it, for Administer.
func (o *Organization) AdministrationPath(below string) string {
	return "/organizations/" + url.PathEscape(o.ID.String()) + below
}

// JSON reads the answer, which must have a status of HTTP.
func JSON[T any](t testing.TB, a *Answer, status int) (v T) {
	t.Helper()
	if int(a.Status) != status {
		t.Fatalf("HTTP status %d, want %d: %.500s", a.Status, status, a.Body)
	}
	if err := json.Unmarshal(a.Body, &v); err != nil {
		t.Fatalf("%v: %.500s", err, a.Body)
	}
	return v
}
