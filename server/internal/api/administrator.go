package api

import (
	"context"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/seed-73b3884f/parsec-agent/server/internal/guard"
	"github.com/seed-73b3884f/parsec-agent/server/internal/rules"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// wholeServer is what the audit log calls the token that lets in to everything.
const wholeServer = "administration token"

type localKey struct{}

// Local marks requests of a person whom the kernel vouched for: who says who, for the audit log. They need no token, and take their time.
func Local(ctx context.Context, who string) context.Context {
	return context.WithValue(ctx, localKey{}, who)
}

func isLocal(ctx context.Context) bool {
	_, ok := ctx.Value(localKey{}).(string)
	return ok
}

// administrator says who asks, if they may ask for this. Bodies of others are not read.
func (a *API) administrator(r *http.Request, to route) (*administered, error) {
	now, err := a.now()
	if err != nil {
		return nil, err
	}
	q := &administered{Request: r, by: rules.Administrator{Now: now}}
	if who, ok := r.Context().Value(localKey{}).(string); ok {
		q.by.Who = who
		return q, nil
	}
	text, ok := bearer(r.Header.Get("Authorization"))
	if !ok {
		return nil, &administrationError{http.StatusForbidden, "Not authenticated"}
	}
	if a.Token != nil && a.Token.Matches(text) {
		q.by.Who = wholeServer + from(r)
		return q, nil
	}
	t, err := a.Rules.Bearer(r.Context(), text, now)
	if err != nil {
		return nil, err
	}
	if t == nil {
		a.Log.WarnContext(r.Context(), "an administrator is not known", "address", guard.ClientOf(r.Context()).Addr, "path", to.path)
		return nil, &administrationError{http.StatusForbidden, "Bad authorization token"}
	}
	q.by.Who, q.only = "token "+t.Name+from(r), t.Organization
	if !may(t, to, r) {
		return nil, a.overstep(r.Context(), q.by, to)
	}
	return q, nil
}

// bearer reads an Authorization header as the original does: the scheme in any case, and white space around the token.
func bearer(header string) (string, bool) {
	scheme, token, _ := strings.Cut(header, " ")
	token = strings.TrimSpace(token)
	return token, strings.EqualFold(scheme, "Bearer") && token != ""
}

// from is where a request came from, for the audit log.
func from(r *http.Request) string {
	if addr := guard.ClientOf(r.Context()).Addr; addr.IsValid() {
		return " from " + addr.String()
	}
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		return " from " + host
	}
	return ""
}

// may reports whether a token is for a route, before anything of the request is believed.
func may(t *tables.Token, to route, r *http.Request) bool {
	if !slices.ContainsFunc(to.scopes, func(s rules.Scope) bool { return slices.Contains(t.Scopes, string(s)) }) {
		return false
	}
	if t.Organization == nil {
		return true
	}
	if name := r.PathValue("organization"); name != "" {
		return name == t.Organization.String()
	}
	return !to.every
}

// overstep refuses what a token is not for, and keeps that it was tried.
func (a *API) overstep(ctx context.Context, by rules.Administrator, to route) error {
	if err := a.Rules.Refused(ctx, by, to.method+" "+to.path, errScope); err != nil && err.Error() != errScope.Error() {
		return err
	}
	return errScope
}

// about refuses an organisation that a body names and the token is not for.
func (a *API) about(q *administered, id trust.OrganizationID, to string) error {
	if q.only != nil && *q.only != id {
		return a.overstep(q.Context(), q.by, route{method: q.Method, path: to})
	}
	return nil
}

// organization is the one of the path.
func (q *administered) organization() (trust.OrganizationID, error) {
	id, err := trust.NewOrganizationID(q.PathValue("organization"))
	if err != nil {
		return id, &administrationError{http.StatusNotFound, "Invalid organization ID"}
	}
	return id, nil
}
