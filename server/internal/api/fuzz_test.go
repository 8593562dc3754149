package api_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	. "github.com/seed-73b3884f/parsec-agent/server/servertest"
)

// FuzzRequest: whatever comes over HTTP is answered with a status of the specification, and never with 500.
func FuzzRequest(f *testing.F) {
	s := New(f, Options{})
	o := s.Bootstrapped()
	handler := s.Handler()
	token := o.First.Token()
	for _, r := range []*Request{
		o.Prepare(cloud.Anonymous, &cloud.PingReq{}, ""), o.Prepare(cloud.AnonymousServer, &cloud.ServerConfigReq{}, ""),
		o.Prepare(cloud.Authenticated, RealmsOf(), token), o.Prepare(cloud.TOS, &cloud.TOSGetReq{}, token),
		o.Prepare(cloud.Authenticated, o.First.VlobReq(o.First.CreateRealm(), 0, "x"), token), o.Prepare(cloud.Account, &cloud.PingReq{}, token),
		o.Prepare(cloud.Authenticated, o.BootstrapReq(), token),
		o.Prepare(cloud.Invited, &cloud.InviteInfoReq{}, "Bearer 0123456789abcdef0123456789abcdef"),
	} {
		f.Add(r.Method, r.Path, r.Header.Get(cloud.HeaderVersion), r.Header.Get("Content-Type"), r.Header.Get("Authorization"), r.Body)
	}
	f.Add(http.MethodPost, "/administration/organizations", "", "application/json", "Bearer s3cr3t", []byte(`{"organization_id":"a"}`))
	f.Fuzz(func(t *testing.T, method, path, version, content, authorization string, body []byte) {
		u, err := url.ParseRequestURI(path)
		if err != nil || u.Host != "" || method == "" {
			return
		}
		r, err := http.NewRequestWithContext(t.Context(), method, "http://server"+u.RequestURI(), bytes.NewReader(body))
		if err != nil {
			return
		}
		r.Header = http.Header{cloud.HeaderVersion: {version}, "Content-Type": {content}, "Authorization": {authorization}}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code >= http.StatusInternalServerError {
			t.Errorf("status %d: %s", w.Code, w.Body)
		}
	})
}
