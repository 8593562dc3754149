package api

import (
	"encoding/json"
	"net/http"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/rules"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// nothing is the answer to what was done and has no result.
type nothing struct{}

// readSettings reads the settings of an organisation that a body has.
func (b *body) readSettings() (c rules.Change) {
	c.OutsiderAllowed = b.boolean("user_profile_outsider_allowed")
	if _, ok := b.values["active_users_limit"]; ok {
		c.Limit = &rules.Limit{}
		if !b.isNull("active_users_limit") {
			c.Limit.Most = b.count("active_users_limit")
		}
	}
	if _, ok := b.values["realm_minimum_archiving_period_before_deletion"]; ok {
		if n := b.count("realm_minimum_archiving_period_before_deletion"); n != nil {
			seconds := int64(*n) //nolint:gosec // not above maxCount
			c.ArchivingPeriod = &seconds
		}
	}
	return c
}

// Terms of service are few and short.
const (
	maxTerms   = 100
	maxTermURL = 4096
)

// readTerms reads terms of service by locale.
func (b *body) readTerms() *rules.Terms {
	terms := &rules.Terms{URLs: map[string]string{}}
	raw := map[string]json.RawMessage{}
	if v := b.values["tos"]; v[0] != '{' || json.Unmarshal(v, &raw) != nil {
		b.wrong("dict_type", "Input should be a valid dictionary", "tos")
		return nil
	}
	if len(raw) > maxTerms {
		b.wrong("too_long", "There are too many terms of service", "tos")
	}
	for locale, v := range raw {
		address := ""
		if v[0] != '"' || json.Unmarshal(v, &address) != nil {
			b.wrong("string_type", "Input should be a valid string", "tos", locale)
		}
		if len(locale)+len(address) > maxTermURL {
			b.wrong("string_too_long", "The address is too long", "tos", locale)
		}
		terms.URLs[locale] = address
	}
	return terms
}

// createOrganization makes an organisation with a new token, or gives one that waits for its bootstrap another.
func (a *API) createOrganization(q *administered) (any, error) {
	b, err := readBody(q.Request)
	if err != nil {
		return nil, err
	}
	id, c := needed(b, "organization_id", trust.NewOrganizationID), b.readSettings()
	if _, ok := b.values["tos"]; ok {
		c.TOS = b.readTerms()
	}
	if err := b.err(); err != nil {
		return nil, err
	}
	if err := a.about(q, *id, "/administration/organizations"); err != nil {
		return nil, err
	}
	token, err := a.Rules.MakeOrganization(q.Context(), q.by, *id, c)
	if err != nil {
		return nil, err
	}
	return bootstrapAddresses(q.Request, *id, token)
}

// bootstrapAddresses are built from the request's own host, as by the original.
func bootstrapAddresses(r *http.Request, id trust.OrganizationID, token trust.AccessToken) (any, error) {
	if isLocal(r.Context()) { // it has no host: who asked knows the address
		text, err := token.Export()
		return map[string][]byte{"token": text}, err
	}
	server, err := ServerOf(r)
	if err != nil {
		return nil, err
	}
	address := &trust.BootstrapAddress{Token: &token}
	address.Server, address.Organization = server, id
	native, web, err := bothForms(address)
	return map[string]string{"bootstrap_url": native, "bootstrap_url_as_http_redirection": web}, err
}

// bothForms are an address for programs and for browsers.
func bothForms(address interface{ URL() (string, error) }) (native, web string, err error) {
	if native, err = address.URL(); err != nil {
		return "", "", err
	}
	web, err = cloud.Redirection(native)
	return native, web, err
}

// settings are those of an organisation, as they are shown.
type settings struct {
	IsBootstrapped  bool    `json:"is_bootstrapped"`
	IsExpired       bool    `json:"is_expired"`
	OutsiderAllowed bool    `json:"user_profile_outsider_allowed"`
	Limit           *uint64 `json:"active_users_limit"`
	ArchivingPeriod int64   `json:"realm_minimum_archiving_period_before_deletion"`
	TOS             *terms  `json:"tos"`
}

type terms struct {
	URLs      map[string]string `json:"per_locale_urls"`
	UpdatedOn trust.DateTime    `json:"updated_on"`
}

func settingsOf(o *tables.Organization) settings {
	s := settings{o.Bootstrapped, o.Expired, o.OutsiderAllowed, o.ActiveUsersLimit, o.MinimumArchivingPeriod, nil}
	if o.TOS != nil {
		s.TOS = &terms{o.TOS.URLs, o.TOS.UpdatedOn}
	}
	return s
}

func (a *API) getOrganization(q *administered) (any, error) {
	id, err := q.organization()
	if err != nil {
		return nil, err
	}
	o, err := a.Rules.FindOrganization(q.Context(), id)
	if err != nil {
		return nil, err
	}
	return settingsOf(o), nil
}

// listOrganizations is ours: all organisations with their settings, by name.
func (a *API) listOrganizations(q *administered) (any, error) {
	type named struct {
		ID trust.OrganizationID `json:"organization_id"`
		settings
	}
	all, err := a.Rules.Organizations(q.Context())
	list := []named{}
	for _, o := range all {
		list = append(list, named{o.ID, settingsOf(&o)})
	}
	return map[string]any{"organizations": list}, err
}

func (a *API) patchOrganization(q *administered) (any, error) {
	b, err := readBody(q.Request)
	if err != nil {
		return nil, err
	}
	c := b.readSettings()
	c.Expired = b.boolean("is_expired")
	if _, ok := b.values["tos"]; ok {
		if c.TOS = (&rules.Terms{}); !b.isNull("tos") {
			c.TOS = b.readTerms()
		}
	}
	if err := b.err(); err != nil {
		return nil, err
	}
	id, err := q.organization()
	if err != nil {
		return nil, err
	}
	return nothing{}, a.Rules.ChangeOrganization(q.Context(), q.by, id, c)
}
