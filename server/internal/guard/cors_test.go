package guard_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/server/internal/guard"
)

// TestCross: pages of origins that were named may ask, others may not.
func TestCross(t *testing.T) {
	next := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	for _, c := range []struct {
		origins                        []string
		origin, method, headers, allow string
		status                         int
	}{
		{nil, "https://a.example", "POST", "", "", http.StatusTeapot},
		{[]string{"*"}, "https://a.example", "POST", "api-version, Authorization", "*", http.StatusOK},
		{[]string{"*"}, "https://a.example", "", "", "*", http.StatusTeapot},
		{[]string{"https://a.example"}, "https://a.example", "POST", "content-type", "https://a.example", http.StatusOK},
		{[]string{"https://a.example"}, "https://b.example", "POST", "", "", http.StatusBadRequest},
		{[]string{"https://a.example"}, "https://b.example", "", "", "", http.StatusTeapot},
		{[]string{"*"}, "https://a.example", "DELETE", "", "*", http.StatusBadRequest},
		{[]string{"*"}, "https://a.example", "POST", "x-other", "*", http.StatusBadRequest},
		{[]string{"*"}, "", "POST", "", "", http.StatusTeapot},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodOptions, "/", http.NoBody)
		for name, value := range map[string]string{"Origin": c.origin, "Access-Control-Request-Method": c.method, "Access-Control-Request-Headers": c.headers} {
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		w := httptest.NewRecorder()
		guard.NewCross(c.origins).Handler(next).ServeHTTP(w, r)
		if w.Code != c.status || w.Header().Get("Access-Control-Allow-Origin") != c.allow {
			t.Errorf("%+v: status %d, %v", c, w.Code, w.Header())
		}
	}
}
