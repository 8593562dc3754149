package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/guard"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// maxAdministration bounds the body of an administrator's request.
const maxAdministration = 1 << 20

// administrationError is a refusal of the administration API (5.1).
type administrationError struct {
	status int
	detail string
}

func (e *administrationError) Error() string { return e.detail }

// administer adds the routes of administrators. Add yours here.
func (a *API) administer(mux *http.ServeMux) {
	for pattern, f := range map[string]func(*http.Request) (any, error){
		"POST /administration/organizations": a.createOrganization,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { a.administration(w, r, f) })
	}
}

// administration lets administrators in, and writes what they are answered.
func (a *API) administration(w http.ResponseWriter, r *http.Request, f func(*http.Request) (any, error)) {
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTime)) // a connection without deadlines is one of a test
	r.Body = http.MaxBytesReader(w, r.Body, maxAdministration)
	answer, err := any(nil), a.administrator(r)
	if err == nil {
		answer, err = f(r)
	}
	status := http.StatusOK
	if err != nil {
		status, answer = a.administrationStatus(r, err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer) // whoever does not listen asks again
}

func (a *API) administrator(r *http.Request) error {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	switch {
	case !strings.EqualFold(scheme, "Bearer") || token == "":
		return &administrationError{http.StatusForbidden, "Not authenticated"}
	case a.Token == nil || !a.Token.Matches(token):
		return &administrationError{http.StatusForbidden, "Bad authorization token"}
	}
	return nil
}

type detail struct {
	Detail any `json:"detail"`
}

func (a *API) administrationStatus(r *http.Request, err error) (int, detail) {
	if e, ok := errors.AsType[*administrationError](err); ok {
		return e.status, detail{e.detail}
	}
	a.Log.Error("a request of an administrator failed", "path", r.URL.Path, "error", err)
	if errors.Is(err, store.ErrUnavailable) || errors.Is(err, store.ErrFull) {
		return http.StatusServiceUnavailable, detail{"the store is not available"}
	}
	return http.StatusInternalServerError, detail{"the server failed: see its log"}
}

// readJSON reads the body strictly.
func readJSON(r *http.Request, into any) error {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return &administrationError{http.StatusUnprocessableEntity, "the body is not what is expected: " + err.Error()}
	}
	if d.More() {
		return &administrationError{http.StatusUnprocessableEntity, "the body has more than one value"}
	}
	return nil
}

// createOrganization makes an organisation with a new token, or gives one that waits for its bootstrap another.
func (a *API) createOrganization(r *http.Request) (any, error) {
	body := struct {
		ID              string            `json:"organization_id"`
		Outsiders       *bool             `json:"user_profile_outsider_allowed"`
		Limit           optional[uint32]  `json:"active_users_limit"`
		ArchivingPeriod *uint32           `json:"realm_minimum_archiving_period_before_deletion"`
		TOS             map[string]string `json:"tos"`
	}{}
	if err := readJSON(r, &body); err != nil {
		return nil, err
	}
	id, err := trust.NewOrganizationID(body.ID)
	if err != nil {
		return nil, &administrationError{http.StatusUnprocessableEntity, "organization_id: " + err.Error()}
	}
	now, err := a.now()
	if err != nil {
		return nil, err
	}
	settings := a.Rules.InitialSettings(now)
	if body.Outsiders != nil {
		settings.OutsiderAllowed = *body.Outsiders
	}
	if body.Limit.given {
		settings.ActiveUsersLimit = body.Limit.limit()
	}
	if body.ArchivingPeriod != nil {
		settings.MinimumArchivingPeriod = int64(*body.ArchivingPeriod)
	}
	if body.TOS != nil {
		settings.TOS = &tables.TOS{UpdatedOn: now, URLs: body.TOS}
	}
	token := trust.GenerateAccessToken()
	created, err := a.Rules.CreateOrganization(r.Context(), id, &token, settings, now)
	switch {
	case err != nil:
		return nil, err
	case !created:
		return nil, &administrationError{http.StatusBadRequest, "Organization already exists"}
	}
	return a.bootstrapAddresses(r, id, token)
}

// optional is a value of JSON that may be missing, null or there.
type optional[T any] struct {
	given bool
	value *T
}

// UnmarshalJSON notes that the value was given.
func (o *optional[T]) UnmarshalJSON(b []byte) error {
	o.given = true
	return json.Unmarshal(b, &o.value)
}

func (o *optional[T]) limit() *uint64 {
	n, ok := any(o.value).(*uint32)
	if !ok || n == nil {
		return nil
	}
	limit := uint64(*n)
	return &limit
}

// bootstrapAddresses are built from the request's own host, as by the original.
func (a *API) bootstrapAddresses(r *http.Request, id trust.OrganizationID, token trust.AccessToken) (any, error) {
	server, err := trust.ParseServerURL(ownURL(r).String())
	if err != nil {
		return nil, err
	}
	address := &trust.BootstrapAddress{Token: &token}
	address.Server, address.Organization = server, id
	native, err := address.URL()
	if err != nil {
		return nil, err
	}
	web, err := cloud.Redirection(native)
	if err != nil {
		return nil, err
	}
	return map[string]string{"bootstrap_url": native, "bootstrap_url_as_http_redirection": web}, nil
}

func ownURL(r *http.Request) *url.URL {
	u := &url.URL{Scheme: "http", Host: r.Host}
	if guard.ClientOf(r.Context()).Secure {
		u.Scheme = "https"
	}
	return u
}
