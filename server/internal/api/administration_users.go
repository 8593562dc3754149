package api

import (
	"net/http"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/rules"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// person is a user, as they are shown.
type person struct {
	ID     trust.UserID `json:"user_id"`
	Email  string       `json:"user_email"`
	Name   string       `json:"user_name"`
	Frozen bool         `json:"frozen"`
}

func personOf(u *tables.User) person { return person{u.ID, u.Email, u.Label, u.Frozen} }

func (a *API) listUsers(q *administered) (any, error) {
	id, err := q.organization()
	if err != nil {
		return nil, err
	}
	users, err := a.Rules.ActiveUsers(q.Context(), id)
	list := []person{}
	for _, u := range users {
		list = append(list, personOf(&u))
	}
	return map[string]any{"users": list}, err
}

// readWhich reads who is meant.
func (b *body) readWhich() rules.Which {
	return rules.Which{ID: parsed(b, "user_id", idOf[trust.UserID]), Email: parsed(b, "user_email", trust.NewEmailAddress)}
}

// check wants one user to be named. An organisation is looked for before.
func (a *API) check(q *administered, id trust.OrganizationID, w rules.Which) error {
	if (w.ID == nil) != (w.Email == nil) {
		return nil
	}
	if _, err := a.Rules.FindOrganization(q.Context(), id); err != nil {
		return err
	}
	if w.ID == nil {
		return &administrationError{http.StatusBadRequest, "Missing either `user_id` or `user_email` field"}
	}
	return &administrationError{http.StatusBadRequest, "Both `user_id` and `user_email` fields are provided"}
}

func (a *API) freezeUser(q *administered) (any, error) {
	b, err := readBody(q.Request)
	if err != nil {
		return nil, err
	}
	b.required("frozen")
	frozen, which := b.boolean("frozen"), b.readWhich()
	if err := b.err(); err != nil {
		return nil, err
	}
	id, err := q.organization()
	if err != nil {
		return nil, err
	}
	if err := a.check(q, id, which); err != nil {
		return nil, err
	}
	u, err := a.Rules.FreezeUser(q.Context(), q.by, id, which, *frozen)
	if err != nil {
		return nil, err
	}
	return personOf(u), nil
}

// resetTOTP gives a user a token to set up new one-time codes with.
func (a *API) resetTOTP(q *administered) (any, error) {
	b, err := readBody(q.Request)
	if err != nil {
		return nil, err
	}
	send, which := b.boolean("send_email"), b.readWhich()
	if err := b.err(); err != nil {
		return nil, err
	}
	id, err := q.organization()
	if err != nil {
		return nil, err
	}
	if err := a.check(q, id, which); err != nil {
		return nil, err
	}
	u, token, err := a.Rules.ResetTOTPOf(q.Context(), q.by, id, which)
	if err != nil {
		return nil, err
	}
	status := "NOT_SENT_AS_REQUESTED"
	if send != nil && *send {
		if status, err = a.mailReset(q, id, u, token); err != nil {
			return nil, err
		}
	}
	return a.resetAddresses(q.Request, id, u, token, status)
}

// mailReset sends the user the address, and says what became of that.
func (a *API) mailReset(q *administered, id trust.OrganizationID, u *tables.User, token trust.AccessToken) (string, error) {
	sent, err := a.Rules.MailTOTPReset(q.Context(), id, u, token)
	if err == nil && sent == cloud.EmailSentSuccess {
		return "SENT_AS_REQUESTED", nil
	}
	return string(sent), err
}

func (a *API) resetAddresses(r *http.Request, id trust.OrganizationID, u *tables.User, token trust.AccessToken, status string) (any, error) {
	server, err := a.address(r)
	if err != nil {
		return nil, err
	}
	address := &trust.TOTPResetAddress{User: u.ID, Token: token}
	address.Server, address.Organization = server, id
	native, web, err := bothForms(address)
	return struct {
		ID     trust.UserID `json:"user_id"`
		Email  string       `json:"user_email"`
		Native string       `json:"totp_reset_url"`
		Web    string       `json:"totp_reset_url_as_http_redirection"`
		Sent   string       `json:"email_sent_status"`
	}{u.ID, u.Email, native, web, status}, err
}
