package agentd

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-73b3884f/parsec-agent/enrol"
	"github.com/seed-73b3884f/parsec-agent/proto/agent/agentpb"
	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/session"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// decodeListUsers lists people, some in each frame.
func decodeListUsers(r *request) (action, error) {
	m := &agentpb.ListUsers{}
	if err := psa.Unmarshal(r.Body, m); err != nil {
		return nil, err
	}
	return func(ctx context.Context, r *request) ([]byte, error) {
		s, err := r.session(ctx, m.GetDevice())
		if err != nil {
			return nil, err
		}
		users, err := usersOf(s, m.GetUser(), m.GetRevoked() || m.GetUser() != "")
		if err != nil {
			return nil, err
		}
		markFrozen(ctx, s, users)
		result := &agentpb.ListUsersResult{Connection: connectionMessage(s.Status())}
		for len(users) > rowsPerFrame {
			result.Users, users = users[:rowsPerFrame], users[rowsPerFrame:]
			body, err := psa.Marshal(result)
			if err != nil {
				return nil, err
			}
			if err := r.stream(body); err != nil {
				return nil, err
			}
		}
		result.Users = users
		return psa.Marshal(result)
	}, nil
}

// usersOf describes the users that a text fits, all without one.
func usersOf(s *session.Session, text string, revoked bool) (users []*agentpb.User, err error) {
	err = s.View(func(c *trust.Store) error {
		for _, id := range c.Users() {
			h, ok := c.History(id)
			if !ok || h.Revoked != nil && !revoked || !userFits(h.Certificate, text) {
				continue
			}
			m := userMessage(c, h)
			m.Self = id == s.User()
			users = append(users, m)
		}
		return nil
	})
	if err == nil && len(users) == 0 && text != "" {
		err = &wire.Error{Status: wire.StatusDoesNotExist, Object: fmt.Sprintf("user %q", text), Reason: "there is no such user, as far as is known here", Remedy: "parsecctl user list --revoked"}
	}
	slices.SortFunc(users, func(a, b *agentpb.User) int {
		return strings.Compare(a.GetEmail()+a.GetUserId(), b.GetEmail()+b.GetUserId())
	})
	return users, organizationError(err)
}

// userFits reports whether a text means a user: the id or the first digits of it, or the e-mail address.
func userFits(c *trust.UserCertificate, text string) bool {
	const shortest = 4
	return text == "" || strings.EqualFold(c.Handle().Email.String(), text) ||
		len(text) >= shortest && strings.HasPrefix(c.UserID.String(), strings.ToLower(text))
}

func userMessage(c *trust.Store, h trust.History) *agentpb.User {
	human := h.Certificate.Handle()
	m := &agentpb.User{
		UserId: h.Certificate.UserID.String(), Email: human.Email.String(), Name: human.Label.String(), Profile: c.Profile(h.Certificate.UserID).String(),
		CreatedUnixMs: h.Certificate.Timestamp.Time().UnixMilli(),
	}
	if h.Certificate.Author != nil {
		m.CreatedBy = authorName(c, *h.Certificate.Author)
	}
	if h.Revoked != nil {
		m.RevokedUnixMs, m.RevokedBy = h.Revoked.Timestamp.Time().UnixMilli(), authorName(c, h.Revoked.Author)
	}
	for _, d := range h.Devices {
		device := &agentpb.UserDevice{
			DeviceId: d.DeviceID.String(), Label: d.Label().String(), CreatedUnixMs: d.Timestamp.Time().UnixMilli(), Purpose: d.PurposeOf().String(),
		}
		if d.Author != nil {
			device.CreatedBy = d.Author.String()
		}
		m.Devices = append(m.Devices, device)
	}
	return m
}

// authorName is the e-mail address of whose device it is.
func authorName(c *trust.Store, author trust.DeviceID) string {
	user, ok := c.Author(author)
	if !ok {
		return author.String()
	}
	h, ok := c.History(user)
	if !ok {
		return user.String()
	}
	return h.Certificate.Handle().Email.String()
}

// markFrozen marks who may not connect for now, where the server tells: administrators, while it answers.
func markFrozen(ctx context.Context, s *session.Session, users []*agentpb.User) {
	if s.Profile() != trust.Admin || s.Status().State != session.Online {
		return
	}
	rep, err := cloud.Do(ctx, s.Client(), &cloud.ListFrozenUsersReq{})
	if err != nil {
		return
	}
	ok, is := rep.(*cloud.ListFrozenUsersOK)
	if !is {
		return
	}
	for _, u := range users {
		u.Frozen = slices.ContainsFunc(ok.FrozenUsers, func(id trust.UserID) bool { return id.String() == u.GetUserId() })
	}
}

// theUser finds the one user that a text means.
func theUser(s *session.Session, text string) (*agentpb.User, trust.UserID, error) {
	if text == "" {
		return nil, trust.UserID{}, wire.Errorf(wire.StatusInvalidArgument, "say which user")
	}
	found, err := usersOf(s, text, true)
	if err != nil {
		return nil, trust.UserID{}, err
	}
	if active := slices.DeleteFunc(slices.Clone(found), func(u *agentpb.User) bool { return u.GetRevokedUnixMs() != 0 }); len(active) == 1 {
		found = active // an address belongs to at most one who is not revoked
	}
	if len(found) != 1 {
		return nil, trust.UserID{}, &wire.Error{
			Status: wire.StatusInvalidArgument, Object: fmt.Sprintf("user %q", text), Reason: fmt.Sprintf("%d users fit", len(found)), Remedy: "name one by its id: parsecctl user list --revoked",
		}
	}
	id := trust.UserID{}
	err = id.UnmarshalText([]byte(found[0].GetUserId()))
	return found[0], id, err
}

func decodeRevokeUser(r *request) (action, error) {
	m := &agentpb.RevokeUser{}
	if err := psa.Unmarshal(r.Body, m); err != nil {
		return nil, err
	}
	return func(ctx context.Context, r *request) ([]byte, error) {
		s, err := r.session(ctx, m.GetDevice())
		if err != nil {
			return nil, err
		}
		u, already, err := changeUser(ctx, s, m.GetUser(),
			func(u *agentpb.User) bool { return u.GetRevokedUnixMs() != 0 },
			func(id trust.UserID) error { return enrol.RevokeUser(ctx, s, id) })
		if err != nil {
			return nil, err
		}
		return psa.Marshal(&agentpb.RevokeUserResult{User: u, Already: already})
	}, nil
}

func decodeUpdateUser(r *request) (action, error) {
	m := &agentpb.UpdateUser{}
	if err := psa.Unmarshal(r.Body, m); err != nil {
		return nil, err
	}
	to, err := trust.ParseProfile(m.GetProfile())
	if err != nil {
		return nil, wire.Errorf(wire.StatusInvalidArgument, "no profile is called %q", text(m.GetProfile()))
	}
	return func(ctx context.Context, r *request) ([]byte, error) {
		s, err := r.session(ctx, m.GetDevice())
		if err != nil {
			return nil, err
		}
		u, already, err := changeUser(ctx, s, m.GetUser(),
			func(u *agentpb.User) bool { return u.GetProfile() == to.String() && u.GetRevokedUnixMs() == 0 },
			func(id trust.UserID) error { return enrol.UpdateProfile(ctx, s, id, to) })
		if err != nil {
			return nil, err
		}
		return psa.Marshal(&agentpb.UpdateUserResult{User: u, Already: already})
	}, nil
}

// changeUser certifies a change about a user, unless it was done before, and returns the user as it is then.
func changeUser(ctx context.Context, s *session.Session, text string, done func(*agentpb.User) bool, change func(trust.UserID) error) (*agentpb.User, bool, error) {
	if err := s.Refresh(ctx); err != nil {
		return nil, false, organizationError(err)
	}
	u, id, err := theUser(s, text)
	if err != nil || done(u) {
		return u, err == nil, err
	}
	if err := change(id); err != nil {
		return nil, false, organizationError(err)
	}
	if err := s.Refresh(ctx); err != nil {
		return nil, false, organizationError(err)
	}
	u, _, err = theUser(s, id.String())
	return u, false, err
}
