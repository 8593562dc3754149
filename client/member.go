package client

import (
	"context"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/agent"
	"github.com/seed-73b3884f/parsec-agent/proto/agent/agentpb"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
)

// User is a person of an organisation.
type User struct {
	ID, Email, Name      string
	Profile              string    // "ADMIN", "STANDARD" or "OUTSIDER"
	Created, Revoked     time.Time // Revoked is zero for who is not
	CreatedBy, RevokedBy string    // e-mail address, or id; empty for the root key
	Devices              []UserDevice
	Self, Frozen         bool
}

// UserDevice is a device of a person.
type UserDevice struct {
	ID, Label string
	Created   time.Time
	CreatedBy string // id of a device; empty for the root key
	Purpose   string
}

// Invitation invites a person or a device.
type Invitation struct {
	Token       string // 32 digits: who has it can take part in the greeting
	Kind        string // "user", "device" or "recovery"
	Status      string // "pending", "finished" or "cancelled"
	Address     string // the link
	Email, Name string
	Created     time.Time
	CreatedBy   string
	Mail        string // what became of the mail
}

func readUser(m *agentpb.User) User {
	u := User{
		ID: m.GetUserId(), Email: m.GetEmail(), Name: m.GetName(), Profile: m.GetProfile(), Created: moment(m.GetCreatedUnixMs()),
		Revoked: moment(m.GetRevokedUnixMs()), CreatedBy: m.GetCreatedBy(), RevokedBy: m.GetRevokedBy(), Self: m.GetSelf(), Frozen: m.GetFrozen(),
	}
	for _, d := range m.GetDevices() {
		u.Devices = append(u.Devices, UserDevice{d.GetDeviceId(), d.GetLabel(), moment(d.GetCreatedUnixMs()), d.GetCreatedBy(), d.GetPurpose()})
	}
	return u
}

func readInvitation(m *agentpb.Invitation) Invitation {
	return Invitation{
		Token: m.GetToken(), Kind: m.GetKind(), Status: m.GetStatus(), Address: m.GetAddress(), Email: m.GetEmail(), Name: m.GetName(),
		Created: moment(m.GetCreatedUnixMs()), CreatedBy: m.GetCreatedBy(), Mail: m.GetMail(),
	}
}

// ListUsers lists the people of the organisation of a device: those that a text fits, an id or the first digits of one, or an
// e-mail address, and without a text all. Who was revoked is listed if revoked says so.
func (c *Client) ListUsers(ctx context.Context, device, user string, revoked bool) ([]User, Connection, error) {
	all, view := []User{}, Connection{}
	q := call{op: agent.OpListUsers, in: &agentpb.ListUsers{Device: device, User: user, Revoked: revoked}, object: deviceObject(device), needs: needsOrganizations}
	err := c.long(ctx, q, func(l *lease, p *prepared) error {
		return l.stream(p, func(reply []byte) error {
			var m agentpb.ListUsersResult
			if psa.Unmarshal(reply, &m) != nil {
				return l.nonsense("a list of users cannot be decoded")
			}
			for _, u := range m.GetUsers() {
				all = append(all, readUser(u))
			}
			view = readConnection(m.GetConnection())
			return nil
		})
	})
	return all, view, err
}

// RevokeUser takes everything from a user, for good. already says that it had been done before.
func (c *Client) RevokeUser(ctx context.Context, device, user string) (u User, already bool, err error) {
	var m agentpb.RevokeUserResult
	err = c.do(ctx, call{op: agent.OpRevokeUser, in: &agentpb.RevokeUser{Device: device, User: user}, needs: needsOrganizations}, &m)
	return readUser(m.GetUser()), m.GetAlready(), err
}

// UpdateUser gives a user another profile. already says that it was the user's before.
func (c *Client) UpdateUser(ctx context.Context, device, user, profile string) (u User, already bool, err error) {
	var m agentpb.UpdateUserResult
	in := &agentpb.UpdateUser{Device: device, User: user, Profile: profile}
	err = c.do(ctx, call{op: agent.OpUpdateUser, in: in, needs: needsOrganizations}, &m)
	return readUser(m.GetUser()), m.GetAlready(), err
}

// InvitationRequest says whom to invite: a user by e-mail address, a device of the caller's, or somebody to come back.
type InvitationRequest struct {
	Email     string
	OwnDevice bool
	// RecoveryOf is a text that fits a user of whose shared recovery the caller holds shares.
	RecoveryOf string
	SendMail   bool
}

// Invite invites somebody. already says that the same had been invited before; the invitation is that one.
func (c *Client) Invite(ctx context.Context, device string, r InvitationRequest) (i Invitation, already bool, err error) {
	var m agentpb.NewInvitationResult
	in := &agentpb.NewInvitation{Device: device, Email: r.Email, OwnDevice: r.OwnDevice, RecoveryOf: r.RecoveryOf, SendMail: r.SendMail}
	err = c.do(ctx, call{op: agent.OpNewInvitation, in: in, once: true, needs: needsOrganizations}, &m)
	return readInvitation(m.GetInvitation()), m.GetAlready(), err
}

// ListInvitations lists the invitations that wait for somebody, and with all those that ended.
func (c *Client) ListInvitations(ctx context.Context, device string, all bool) ([]Invitation, error) {
	var m agentpb.ListInvitationsResult
	err := c.do(ctx, call{op: agent.OpListInvitations, in: &agentpb.ListInvitations{Device: device, All: all}, object: deviceObject(device), needs: needsOrganizations}, &m)
	found := make([]Invitation, 0, len(m.GetInvitations()))
	for _, i := range m.GetInvitations() {
		found = append(found, readInvitation(i))
	}
	return found, err
}

// CancelInvitation ends an invitation: by its token or the first digits of it, its address, or the e-mail address.
func (c *Client) CancelInvitation(ctx context.Context, device, invitation string) (Invitation, error) {
	var m agentpb.CancelInvitationResult
	err := c.do(ctx, call{op: agent.OpCancelInvitation, in: &agentpb.CancelInvitation{Device: device, Invitation: invitation}, needs: needsOrganizations}, &m)
	return readInvitation(m.GetInvitation()), err
}
