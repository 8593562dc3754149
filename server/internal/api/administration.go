package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/seed-73b3884f/parsec-agent/server/internal/rules"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// maxAdministration bounds the body of an administrator's request.
const maxAdministration = 1 << 20

// administrationError is a refusal of the administration API (5.1). The detail is a text, or what is wrong with the body.
type administrationError struct {
	status int
	detail any
}

func (e *administrationError) Error() string {
	if text, ok := e.detail.(string); ok {
		return text
	}
	return "the body is not what is expected"
}

// errScope is what a token gets that is for other things.
var errScope = &administrationError{http.StatusForbidden, "The token does not allow this"}

// administered is a request of an administrator who was let in.
type administered struct {
	*http.Request
	by rules.Administrator
	// only is the one organisation that the token is for, nil for all.
	only *trust.OrganizationID
}

// route is what the administration API has at a path for a method.
type route struct {
	method, path string
	// scopes are those of which one suffices; without any, only the token of the whole server does.
	scopes []rules.Scope
	// every says that it is about all organisations: no token of one does.
	every bool
	do    func(*API, *administered) (any, error)
}

const (
	organizationPath = "/administration/organizations/{organization}"
	servicesPath     = organizationPath + "/sequester/services"
	readScope        = rules.ScopeRead
	changeScope      = rules.ScopeOrganizations
)

// routes are all of the administration API: those of the original, and then ours.
var routes = []route{
	{"POST", "/administration/organizations", []rules.Scope{changeScope}, false, (*API).createOrganization},
	{"GET", organizationPath, []rules.Scope{readScope, changeScope}, false, (*API).getOrganization},
	{"PATCH", organizationPath, []rules.Scope{changeScope}, false, (*API).patchOrganization},
	{"GET", organizationPath + "/stats", []rules.Scope{readScope, changeScope}, false, (*API).organizationStats},
	{"GET", "/administration/stats", []rules.Scope{readScope, changeScope}, true, (*API).serverStats},
	{"GET", organizationPath + "/users", []rules.Scope{readScope, rules.ScopeUsers}, false, (*API).listUsers},
	{"POST", organizationPath + "/users/freeze", []rules.Scope{rules.ScopeUsers}, false, (*API).freezeUser},
	{"POST", organizationPath + "/users/reset_totp", []rules.Scope{rules.ScopeUsers}, false, (*API).resetTOTP},
	{"GET", servicesPath, []rules.Scope{readScope, changeScope}, false, (*API).listServices},
	{"POST", servicesPath, []rules.Scope{changeScope}, false, (*API).createService},
	{"POST", servicesPath + "/revoke", []rules.Scope{changeScope}, false, (*API).revokeService},
	{"PUT", servicesPath + "/config", []rules.Scope{changeScope}, false, (*API).configureService},

	{"GET", "/administration/organizations", []rules.Scope{readScope, changeScope}, true, (*API).listOrganizations},
	{"DELETE", organizationPath, []rules.Scope{rules.ScopeErase}, false, (*API).eraseOrganization},
	{"GET", organizationPath + "/accesses", []rules.Scope{readScope, rules.ScopeUsers}, false, (*API).listAccesses},
	{"GET", organizationPath + "/realms", []rules.Scope{readScope, changeScope, rules.ScopeErase}, false, (*API).listRealms},
	{"DELETE", organizationPath + "/realms/{realm}", []rules.Scope{rules.ScopeErase}, false, (*API).deleteRealm},
	{"GET", "/administration/tokens", nil, true, (*API).listTokens},
	{"POST", "/administration/tokens", nil, true, (*API).createToken},
	{"DELETE", "/administration/tokens/{name}", nil, true, (*API).revokeToken},
	{"GET", "/administration/audit", nil, true, (*API).listAudit},
}

// Administration returns the routes of administrators alone.
func (a *API) Administration() http.Handler {
	mux := http.NewServeMux()
	a.administer(mux)
	return mux
}

// administer adds the routes of administrators.
func (a *API) administer(mux *http.ServeMux) {
	at := map[string][]route{}
	for _, r := range routes {
		at[r.path] = append(at[r.path], r)
	}
	for path, methods := range at {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			i := slices.IndexFunc(methods, func(known route) bool { return known.method == r.Method })
			if i < 0 {
				notAllowed(w, methods)
				return
			}
			a.administration(w, r, methods[i])
		})
	}
}

func notAllowed(w http.ResponseWriter, methods []route) {
	names := []string{}
	for _, m := range methods {
		names = append(names, m.method)
	}
	w.Header().Set("Allow", strings.Join(names, ", "))
	writeJSON(w, http.StatusMethodNotAllowed, detail{"Method Not Allowed"})
}

// administration lets administrators in, and writes what they are answered.
func (a *API) administration(w http.ResponseWriter, r *http.Request, to route) {
	if !isLocal(r.Context()) {
		ctx, cancel := context.WithTimeout(r.Context(), bodyTime+commandTime)
		defer cancel()
		r = r.WithContext(ctx)
		control := http.NewResponseController(w)
		_ = control.SetReadDeadline(time.Now().Add(bodyTime)) // a connection without deadlines is one of a test
		_ = control.SetWriteDeadline(time.Now().Add(bodyTime + commandTime + writeTime))
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxAdministration)
	var answer any
	q, err := a.administrator(r, to)
	if err == nil {
		answer, err = to.do(a, q)
	}
	status := http.StatusOK
	if err != nil {
		status, answer = a.administrationStatus(r, err)
	}
	w.Header().Set("Cache-Control", "no-store") // addresses and tokens are secrets
	if text, ok := answer.(csvText); ok {
		w.Header().Set("Content-Type", "text/csv; charset=utf-8")
		_, _ = w.Write([]byte(text)) // whoever does not listen asks again
		return
	}
	writeJSON(w, status, answer)
}

// csvText is an answer in a form of its own.
type csvText string

func writeJSON(w http.ResponseWriter, status int, answer any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	_ = e.Encode(answer) // whoever does not listen asks again
}

type detail struct {
	Detail any `json:"detail"`
}

// refusals are what the rules refuse, as the original says it.
var refusals = map[error]administrationError{
	rules.ErrNoOrganization:     {http.StatusNotFound, "Organization not found"},
	rules.ErrOrganizationExists: {http.StatusBadRequest, "Organization already exists"},
	rules.ErrNoUser:             {http.StatusNotFound, "User not found"},
	rules.ErrUserRevoked:        {http.StatusNotFound, "User has been revoked"},
	rules.ErrNoSequester:        {http.StatusBadRequest, "Sequester disabled"},
	rules.ErrServiceCertificate: {http.StatusBadRequest, "Invalid certificate"},
	rules.ErrServiceExists:      {http.StatusBadRequest, "Sequester service already exists"},
	rules.ErrNoService:          {http.StatusNotFound, "Sequester service not found"},
	rules.ErrServiceRevoked:     {http.StatusBadRequest, "Sequester service already revoked"},
	rules.ErrBeingErased:        {http.StatusConflict, "An organization with this name was erased, and its blocks are not removed yet"},
	rules.ErrNoRealm:            {http.StatusNotFound, "Realm not found"},
	rules.ErrRealmUsed:          {http.StatusConflict, "Realm is in use: its deletion is not due, and it is not orphaned"},
	rules.ErrTokenExists:        {http.StatusConflict, "Token already exists"},
	rules.ErrTooManyTokens:      {http.StatusConflict, "There are too many tokens"},
	rules.ErrNoToken:            {http.StatusNotFound, "Token not found"},
}

func (a *API) administrationStatus(r *http.Request, err error) (int, detail) {
	if e, ok := errors.AsType[*administrationError](err); ok {
		return e.status, detail{e.detail}
	}
	if refusal, ok := errors.AsType[*rules.RefusedError](err); ok {
		return refused(refusal)
	}
	a.Log.Error("a request of an administrator failed", "path", r.URL.Path, "error", err)
	switch {
	case errors.Is(err, store.ErrUnavailable), errors.Is(err, store.ErrFull), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return http.StatusServiceUnavailable, detail{"the store is not available"}
	}
	return http.StatusInternalServerError, detail{"the server failed: see its log"}
}

func refused(r *rules.RefusedError) (int, detail) {
	if known, ok := refusals[r]; ok {
		return known.status, detail{known.detail}
	}
	if r.After != nil {
		return http.StatusBadRequest, detail{struct {
			Message string         `json:"msg"`
			After   trust.DateTime `json:"strictly_greater_than"`
		}{"Require greater timestamp", *r.After}}
	}
	return http.StatusUnprocessableEntity, detail{r.Reason}
}
