//go:build interop

package server_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"

	. "github.com/seed-73b3884f/parsec-agent/server/servertest"
)

// administer has an administrator of both servers do or ask something, and says what differs.
func (l *life) administer(seen tally) string {
	method, below, body := l.administration()
	var answers [2]*Answer
	for side, s := range []*Server{l.ours, l.theirs} {
		answers[side] = s.Administer(method, l.AdministrationPath(below), AdministrationToken, body)
	}
	a, b := answers[0], answers[1]
	seen[fmt.Sprintf("(administration) %s %s %d", method, below, a.Status)]++
	if a.Status != b.Status {
		return fmt.Sprintf("%s %s %v: ours %d %s, theirs %d %s", method, below, body, a.Status, a.Body, b.Status, b.Body)
	}
	if a.Status == http.StatusOK && !reflect.DeepEqual(sorted(a.Body), sorted(b.Body)) {
		return fmt.Sprintf("%s %s %v: ours %s, theirs %s", method, below, body, a.Body, b.Body)
	}
	if change, ok := body.(map[string]any); ok && a.Status == http.StatusOK && change["is_expired"] != nil {
		l.expired = change["is_expired"] == true
	}
	return ""
}

// administration draws what it is. The first administrator is let in always, for somebody must be heard at the end.
func (l *life) administration() (method, below string, body any) {
	if l.expired {
		return http.MethodPatch, "", map[string]any{"is_expired": false}
	}
	d := l.device()
	freeze := map[string]any{"frozen": l.once(2) && d.User != l.First.User}
	if l.once(2) {
		freeze["user_id"] = d.User.String()
	} else {
		freeze["user_email"] = d.Handle.Email.String()
		freeze["frozen"] = freeze["frozen"] == true && d.Handle.Email != l.First.Handle.Email
	}
	switch l.random.IntN(12) {
	case 0:
		return http.MethodPatch, "", map[string]any{"active_users_limit": l.random.IntN(12)}
	case 1:
		return http.MethodPatch, "", map[string]any{"active_users_limit": nil, "realm_minimum_archiving_period_before_deletion": 2592000}
	case 2:
		return http.MethodGet, "", nil
	case 3:
		return http.MethodGet, "/stats", nil
	case 4:
		return http.MethodGet, "/users", nil
	case 5:
		if l.once(4) {
			return http.MethodPatch, "", map[string]any{"is_expired": true}
		}
	}
	return http.MethodPost, "/users/freeze", freeze
}

// sorted reads JSON, with users in order of their ids.
func sorted(body []byte) (v map[string]any) {
	if err := json.Unmarshal(body, &v); err != nil {
		return map[string]any{"unreadable": err.Error()}
	}
	if users, ok := v["users"].([]any); ok {
		slices.SortFunc(users, func(a, b any) int { return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	}
	return v
}
