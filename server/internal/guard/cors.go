package guard

import (
	"net/http"
	"slices"
	"strings"
)

// Cross lets pages of other origins ask the server, as browsers want to know (CORS).
type Cross struct{ origins []string }

// NewCross lets the pages of some origins, * for all.
func NewCross(origins []string) *Cross { return &Cross{origins} }

// What pages may do.
const (
	crossMethods = "OPTIONS, GET, POST, PATCH"
	crossHeaders = "Accept, Accept-Language, Content-Language, Content-Type, api-version, authorization, last-event-id, user-agent"
	crossAge     = "600" // seconds that browsers remember it
)

// Handler answers what browsers ask before they send a request, and says who may read answers.
func (c *Cross) Handler(next http.Handler) http.Handler {
	if len(c.origins) == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		origin := r.Header.Get("Origin")
		if origin == "" {
			next.ServeHTTP(w, r)
			return
		}
		preflight := r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != ""
		if !c.allow(w, origin) {
			if preflight {
				http.Error(w, "Disallowed CORS origin", http.StatusBadRequest)
				return
			}
			next.ServeHTTP(w, r)
			return
		}
		if preflight {
			c.preflight(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// allow says to the browser that pages of an origin may read the answer.
func (c *Cross) allow(w http.ResponseWriter, origin string) bool {
	h := w.Header()
	if slices.Contains(c.origins, "*") {
		h.Set("Access-Control-Allow-Origin", "*")
		return true
	}
	h.Add("Vary", "Origin")
	if !slices.Contains(c.origins, origin) {
		return false
	}
	h.Set("Access-Control-Allow-Origin", origin)
	return true
}

func (c *Cross) preflight(w http.ResponseWriter, r *http.Request) {
	method := r.Header.Get("Access-Control-Request-Method")
	if !slices.Contains(strings.Split(crossMethods, ", "), method) {
		http.Error(w, "Disallowed CORS method", http.StatusBadRequest)
		return
	}
	allowed := strings.Split(strings.ToLower(crossHeaders), ", ")
	for name := range strings.SplitSeq(r.Header.Get("Access-Control-Request-Headers"), ",") {
		if name = strings.ToLower(strings.TrimSpace(name)); name != "" && !slices.Contains(allowed, name) {
			http.Error(w, "Disallowed CORS headers", http.StatusBadRequest)
			return
		}
	}
	h := w.Header()
	h.Set("Access-Control-Allow-Methods", crossMethods)
	h.Set("Access-Control-Allow-Headers", crossHeaders)
	h.Set("Access-Control-Max-Age", crossAge)
}
