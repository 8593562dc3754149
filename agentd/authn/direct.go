package authn

import (
	"context"
	"unicode/utf8"

	"github.com/seed-73b3884f/parsec-agent/agentd/internal/peer"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// Direct believes the caller: the field is the application identity. It is for tests, and
// for sockets that only mutually trusting clients can reach.
type Direct struct{}

var _ Authenticator = Direct{}

// Type returns wire.AuthDirect.
func (Direct) Type() wire.AuthType { return wire.AuthDirect }

// Info returns the texts of the original.
func (Direct) Info() Info {
	return Info{
		Type: wire.AuthDirect,
		Description: "Directly parses the authentication field as a UTF-8 string and uses that as the application identity. " +
			"Should be used for testing only.",
		Minor: 1,
	}
}

// Authenticate returns the field, which must be UTF-8 and not empty.
func (Direct) Authenticate(_ context.Context, _ *peer.Peer, field []byte) (string, error) {
	switch {
	case len(field) == 0:
		return "", refuse("the application name is empty")
	case !utf8.Valid(field):
		return "", refuse("the application name is not UTF-8")
	}
	return string(field), nil
}
