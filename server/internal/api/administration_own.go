package api

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"github.com/seed-73b3884f/parsec-agent/server/internal/rules"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// progress says whether all was removed, or the collector of the server goes on.
type progress struct {
	Complete bool `json:"complete"`
}

// removed answers for something that goes on by itself once it has begun.
func removed(begun bool, err error) (any, error) {
	if begun && (errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)) {
		return progress{false}, nil
	}
	return progress{err == nil}, err
}

// eraseOrganization wants the name twice, for it cannot be undone.
func (a *API) eraseOrganization(q *administered) (any, error) {
	id, err := q.organization()
	if err != nil {
		return nil, err
	}
	if again, _ := last(q.URL.Query(), "confirm"); again != id.String() {
		return nil, &administrationError{http.StatusBadRequest, "Missing the name of the organization as the parameter `confirm`"}
	}
	return removed(a.Rules.EraseOrganization(q.Context(), q.by, id))
}

// realm is a realm, as it is shown.
type realm struct {
	ID           trust.RealmID        `json:"realm_id"`
	CreatedOn    trust.DateTime       `json:"created_on"`
	State        string               `json:"state"`
	DeletionDate *trust.DateTime      `json:"deletion_date"`
	Members      uint64               `json:"active_members"`
	Orphaned     *trust.DateTime      `json:"orphaned_since"`
	Deletable    rules.DeletionReason `json:"deletable"`
	DataSize     uint64               `json:"data_size"`
	MetadataSize uint64               `json:"metadata_size"`
	KeyIndex     uint64               `json:"key_index"`
}

func realmOf(r *rules.RealmState) realm {
	state := map[trust.ArchivingState]string{trust.Available: "AVAILABLE", trust.Archived: "ARCHIVED", trust.DeletionPlanned: "DELETION_PLANNED"}[r.Archiving]
	if r.Deleted {
		state = "DELETED"
	}
	return realm{r.ID, r.CreatedOn, state, r.DeletionOn, r.Active, r.OrphanedSince, r.Deletable, r.BlockBytes, r.VlobBytes, r.KeyIndex}
}

func (a *API) listRealms(q *administered) (any, error) {
	id, err := q.organization()
	if err != nil {
		return nil, err
	}
	all, err := a.Rules.Realms(q.Context(), id, q.by.Now)
	list := []realm{}
	for _, r := range all {
		list = append(list, realmOf(&r))
	}
	return map[string]any{"realms": list}, err
}

func (a *API) deleteRealm(q *administered) (any, error) {
	id, err := q.organization()
	if err != nil {
		return nil, err
	}
	which := trust.RealmID{}
	if err := which.UnmarshalText([]byte(q.PathValue("realm"))); err != nil {
		return nil, &administrationError{http.StatusNotFound, "Invalid realm ID"}
	}
	return removed(a.Rules.DeleteRealm(q.Context(), q.by, id, which))
}

// token is one of an administrator, as it is shown: never its text.
type token struct {
	Name         string                `json:"name"`
	Scopes       []string              `json:"scopes"`
	Organization *trust.OrganizationID `json:"organization_id"`
	CreatedOn    trust.DateTime        `json:"created_on"`
	ExpiresOn    *trust.DateTime       `json:"expires_on"`
}

func (a *API) listTokens(q *administered) (any, error) {
	all, err := a.Rules.Tokens(q.Context())
	list := []token{}
	for _, t := range all {
		list = append(list, token(t))
	}
	return map[string]any{"tokens": list}, err
}

// maxScopes is more than there are.
const maxScopes = 16

func (a *API) createToken(q *administered) (any, error) {
	b, err := readBody(q.Request)
	if err != nil {
		return nil, err
	}
	t := tables.Token{ExpiresOn: parsed(b, "expires_on", trust.ParseDateTime), Organization: parsed(b, "organization_id", trust.NewOrganizationID)}
	if b.required("name") {
		t.Name, _ = b.text("name")
	}
	if b.required("scopes") {
		t.Scopes = b.texts("scopes", maxScopes)
	}
	if err := b.err(); err != nil {
		return nil, err
	}
	text, err := a.Rules.NewToken(q.Context(), q.by, t)
	if err != nil {
		return nil, err
	}
	return map[string]string{"token": text}, nil
}

func (a *API) revokeToken(q *administered) (any, error) {
	return nothing{}, a.Rules.RevokeToken(q.Context(), q.by, q.PathValue("name"))
}

// maxAudits is how many records an answer has.
const maxAudits = 1000

// listAudit shows the newest records, or those before a moment.
func (a *API) listAudit(q *administered) (any, error) {
	most, before := maxAudits, (*trust.DateTime)(nil)
	if text, ok := last(q.URL.Query(), "limit"); ok {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxAudits {
			return nil, &administrationError{http.StatusBadRequest, "Invalid `limit` query argument (expected a number from 1 to " + strconv.Itoa(maxAudits) + ")"}
		}
		most = n
	}
	if text, ok := last(q.URL.Query(), "before"); ok {
		moment, err := trust.ParseDateTime(text)
		if err != nil {
			return nil, &administrationError{http.StatusBadRequest, "Invalid `before` query argument (expected RFC3339 datetime)"}
		}
		before = &moment
	}
	all, err := a.Rules.Audits(q.Context(), before, most)
	type record struct {
		DoneOn       trust.DateTime `json:"done_on"`
		Who          string         `json:"who"`
		Action       string         `json:"action"`
		Organization string         `json:"organization_id"`
		Object       string         `json:"object"`
		Result       string         `json:"result"`
	}
	list := []record{}
	for _, r := range all {
		list = append(list, record(r))
	}
	return map[string]any{"records": list}, err
}
