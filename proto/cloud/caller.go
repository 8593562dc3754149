package cloud

import (
	"reflect"
	"slices"
	"time"

	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Caller is a client with credentials, or without. It keeps a handle of the key, which its owner wipes: calls fail then.
type Caller struct {
	client       *Client
	families     []Family
	organization trust.OrganizationID
	// authorize returns the value of the header, empty for none.
	authorize func(now time.Time) (string, error)
}

func nobody(time.Time) (string, error) { return "", nil }

// Server calls the commands of family AnonymousServer.
func (c *Client) Server() *Caller {
	return &Caller{client: c, families: []Family{AnonymousServer}, authorize: nobody}
}

// Organization calls the commands of family Anonymous.
func (c *Client) Organization(o trust.OrganizationID) *Caller {
	return &Caller{client: c, families: []Family{Anonymous}, organization: o, authorize: nobody}
}

// Invitation calls the commands of family Invited.
func (c *Client) Invitation(o trust.OrganizationID, token trust.AccessToken) *Caller {
	return &Caller{client: c, families: []Family{Invited}, organization: o, authorize: func(time.Time) (string, error) {
		return NewInvitationToken(token)
	}}
}

// Device calls the commands of the families Authenticated and TOS, and listens to events.
func (c *Client) Device(o trust.OrganizationID, device trust.DeviceID, key trust.SigningKey) *Caller {
	return &Caller{client: c, families: []Family{Authenticated, TOS}, organization: o, authorize: func(now time.Time) (string, error) {
		return NewDeviceToken(device, now, key)
	}}
}

// Holder calls what Device does, for a key that somebody else holds: authorize makes the token each time (see [NewDeviceToken]), and its errors are those
// of calls.
func (c *Client) Holder(o trust.OrganizationID, authorize func(now time.Time) (string, error)) *Caller {
	return &Caller{client: c, families: []Family{Authenticated, TOS}, organization: o, authorize: authorize}
}

// Account calls the commands of family Account.
func (c *Client) Account(method trust.AccountAuthMethodID, key trust.SecretKey) *Caller {
	return &Caller{client: c, families: []Family{Account}, authorize: func(now time.Time) (string, error) {
		return NewAccountToken(method, now, key)
	}}
}

// family returns where the caller sends a command, or 0.
func (c *Caller) family(req Request) Family {
	for _, f := range c.families {
		if reflect.TypeOf(newRequest(f, req.Command())) == reflect.TypeOf(req) { // the type of nil is nil
			return f
		}
	}
	return 0
}

// is reports whether the caller has a family.
func (c *Caller) is(f Family) bool { return slices.Contains(c.families, f) }
