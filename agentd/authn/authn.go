package authn

import (
	"context"

	"github.com/seed-73b3884f/parsec-agent/agentd/internal/peer"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// Identity is who a request comes from. The zero Identity is a caller that did not
// authenticate: it owns nothing and is no administrator.
type Identity struct {
	Auth wire.AuthType
	// App is the application identity: a decimal uid, a name, a SPIFFE ID.
	App string
	// Admin allows the operations of administrators, AdminBy says which rule made it so.
	Admin   bool
	AdminBy AdminRule
}

// Authenticated reports whether an authenticator vouched for the identity.
func (id Identity) Authenticated() bool { return id.Auth != wire.AuthNone }

// AdminRule is why an identity is an administrator, for the audit record.
type AdminRule string

// The rules.
const (
	// AdminByName: the application is a configured administrator of its authenticator.
	AdminByName AdminRule = "name"
	// AdminByGroup: the peer process is in a configured group.
	AdminByGroup AdminRule = "group"
	// AdminByUID: the agent serves one person, and the peer process is theirs.
	AdminByUID AdminRule = "uid"
)

// Info is what the list of authenticators says about one.
type Info struct {
	Type                   wire.AuthType
	Description            string
	Major, Minor, Revision uint32
}

// Authenticator verifies one kind of authentication field.
type Authenticator interface {
	// Type is the number that requests name it by.
	Type() wire.AuthType
	// Info describes it.
	Info() Info
	// Authenticate returns the application identity, which is never empty and always
	// UTF-8. It refuses with an error that carries StatusAuthenticationError (or
	// StatusInvalidEncoding, where the original does) and whose reason is safe to show
	// to the caller. field is at most wire.MaxAuthLen bytes and is not kept. p is the
	// process that opened the connection.
	Authenticate(ctx context.Context, p *peer.Peer, field []byte) (app string, err error)
}

// refuse returns a refusal with StatusAuthenticationError.
func refuse(format string, args ...any) error {
	err := wire.Errorf(wire.StatusAuthenticationError, format, args...)
	err.Object = "authentication"
	return err
}
