package cloud

import "errors"

// ErrUnknownCommand is a command that its family does not have.
var ErrUnknownCommand = errors.New("the command is unknown")

// Family says who may send a command, and where.
type Family uint8

// Families.
const (
	// Anonymous commands are about an organisation and need no credentials.
	Anonymous Family = iota + 1
	// AnonymousServer commands are about the server and need no credentials.
	AnonymousServer
	// Invited commands need the token of an invitation.
	Invited
	// Authenticated commands need the signature of a device.
	Authenticated
	// TOS commands are authenticated ones before the terms of service are accepted.
	TOS
	// Account commands need the MAC of an account.
	Account
)

var familyNames = map[Family]string{
	Anonymous: "anonymous", AnonymousServer: "anonymous_server", Invited: "invited",
	Authenticated: "authenticated", TOS: "tos", Account: "authenticated_account",
}

// String returns the name of the specification.
func (f Family) String() string { return familyNames[f] }
