package api

import (
	"github.com/seed-73b3884f/parsec-agent/server/internal/rules"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// accesses are a user with what they may do, as they are shown.
type accesses struct {
	person

	Profile   string          `json:"profile"`
	CreatedOn trust.DateTime  `json:"created_on"`
	RevokedOn *trust.DateTime `json:"revoked_on"`
	Profiles  []profileSince  `json:"profiles"`
	Realms    []roleSince     `json:"realms"`
}

type profileSince struct {
	Profile string         `json:"profile"`
	Since   trust.DateTime `json:"since"`
}

// roleSince has no role for a former member.
type roleSince struct {
	Realm trust.RealmID  `json:"realm_id"`
	Role  *string        `json:"role"`
	Since trust.DateTime `json:"since"`
}

func accessesOf(a *rules.Accesses) accesses {
	shown := accesses{
		person: personOf(&a.User), Profile: a.Profile.String(), CreatedOn: a.CreatedOn, RevokedOn: a.RevokedOn,
		Profiles: []profileSince{}, Realms: []roleSince{},
	}
	for _, p := range a.Profiles {
		shown.Profiles = append(shown.Profiles, profileSince{p.Profile.String(), p.Since})
	}
	for _, r := range a.Roles {
		m := roleSince{Realm: r.Realm, Since: r.Since}
		if r.Role != trust.NoRole {
			role := r.Role.String()
			m.Role = &role
		}
		shown.Realms = append(shown.Realms, m)
	}
	return shown
}

// listAccesses says who may do what, and where.
func (a *API) listAccesses(q *administered) (any, error) {
	id, err := q.organization()
	if err != nil {
		return nil, err
	}
	all, err := a.Rules.Accesses(q.Context(), id)
	list := []accesses{}
	for i := range all {
		list = append(list, accessesOf(&all[i]))
	}
	return map[string]any{"users": list}, err
}
