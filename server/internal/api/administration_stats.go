package api

import (
	"encoding/csv"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/seed-73b3884f/parsec-agent/server/internal/rules"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

type profileStats struct {
	Active  uint64 `json:"active"`
	Revoked uint64 `json:"revoked"`
}

type stats struct {
	Realms       uint64 `json:"realms"`
	DataSize     uint64 `json:"data_size"`
	MetadataSize uint64 `json:"metadata_size"`
	Users        uint64 `json:"users"`
	ActiveUsers  uint64 `json:"active_users"`
	PerProfile   struct {
		Admin    profileStats `json:"ADMIN"`
		Standard profileStats `json:"STANDARD"`
		Outsider profileStats `json:"OUTSIDER"`
	} `json:"users_per_profile_detail"`
}

func statsOf(t *tables.Stats) (s stats) {
	s.Realms, s.DataSize, s.MetadataSize, s.Users, s.ActiveUsers = t.Realms, t.DataSize, t.MetadataSize, t.Users, t.Active
	s.PerProfile.Admin = profileStats(t.PerProfile[trust.Admin])
	s.PerProfile.Standard = profileStats(t.PerProfile[trust.Standard])
	s.PerProfile.Outsider = profileStats(t.PerProfile[trust.Outsider])
	return s
}

func (a *API) organizationStats(q *administered) (any, error) {
	id, err := q.organization()
	if err != nil {
		return nil, err
	}
	t, err := a.Rules.Stats(q.Context(), id)
	if err != nil {
		return nil, err
	}
	return statsOf(t), nil
}

// last returns the last value of a parameter, which counts, and whether there is one.
func last(values url.Values, name string) (string, bool) {
	all := values[name]
	if len(all) == 0 {
		return "", false
	}
	return all[len(all)-1], true
}

// serverStats counts what all organisations have, or had at a moment.
func (a *API) serverStats(q *administered) (any, error) {
	values := q.URL.Query()
	format, given := last(values, "format")
	if given && format != "csv" && format != "json" {
		return nil, &administrationError{http.StatusUnprocessableEntity, []problem{{"enum", []any{"query", "format"}, "Input should be 'csv' or 'json'"}}}
	}
	var at *trust.DateTime
	if text, _ := last(values, "at"); text != "" {
		moment, err := trust.ParseDateTime(text)
		if err != nil {
			return nil, &administrationError{http.StatusBadRequest, "Invalid `at` query argument (expected RFC3339 datetime)"}
		}
		at = &moment
	}
	all, err := a.Rules.ServerStats(q.Context(), at)
	if err != nil {
		return nil, err
	}
	if format == "csv" {
		return statsAsCSV(all)
	}
	type named struct {
		ID trust.OrganizationID `json:"organization_id"`
		stats
	}
	list := []named{}
	for _, o := range all {
		list = append(list, named{o.ID, statsOf(o.Stats)})
	}
	return map[string]any{"stats": list}, nil
}

func statsAsCSV(all []rules.OrganizationStats) (any, error) {
	text := &strings.Builder{}
	w := csv.NewWriter(text)
	w.UseCRLF = true
	err := w.Write([]string{
		"organization_id", "data_size", "metadata_size", "realms", "active_users", "admin_users_active", "admin_users_revoked",
		"standard_users_active", "standard_users_revoked", "outsider_users_active", "outsider_users_revoked",
	})
	for _, o := range all {
		row := []string{o.ID.String()}
		s := statsOf(o.Stats)
		for _, n := range []uint64{
			s.DataSize, s.MetadataSize, s.Realms, s.ActiveUsers, s.PerProfile.Admin.Active, s.PerProfile.Admin.Revoked,
			s.PerProfile.Standard.Active, s.PerProfile.Standard.Revoked, s.PerProfile.Outsider.Active, s.PerProfile.Outsider.Revoked,
		} {
			row = append(row, strconv.FormatUint(n, 10))
		}
		if err == nil {
			err = w.Write(row)
		}
	}
	w.Flush()
	return csvText(text.String()), err
}
