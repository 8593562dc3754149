package client

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// identity is the authentication of requests. The zero value is none.
type identity struct {
	kind  wire.AuthType
	field func(context.Context) ([]byte, error)
	err   error // why there is none
}

// identity returns the authentication in use, or why none is possible.
func (s *shared) identity(ctx context.Context) (*identity, error) {
	id := s.auth.Load()
	if id == nil {
		if _, err := s.authenticators(ctx); err != nil {
			return nil, err
		}
		id = s.auth.Load()
	}
	return id, id.err
}

// AuthType returns the kind of authentication in use.
func (c *Client) AuthType(ctx context.Context) (wire.AuthType, error) {
	id, err := c.identity(ctx)
	if err != nil {
		return wire.AuthNone, err
	}
	return id.kind, nil
}

// choose takes the first authenticator of the service that we support too.
func (s *shared) choose(offers []Authenticator) *identity {
	var names []string
	for _, a := range offers {
		names = append(names, a.ID.String())
		switch {
		case a.ID == wire.AuthDirect && s.opts.Application != "":
			return s.direct()
		case a.ID == wire.AuthUnixPeer:
			return &identity{kind: a.ID, field: func(context.Context) ([]byte, error) { return wire.AppendUID(nil, s.uid), nil }}
		case a.ID == wire.AuthJWTSVID && s.opts.Token != nil:
			return &identity{kind: a.ID, field: func(ctx context.Context) ([]byte, error) {
				token, err := s.opts.Token(ctx)
				if err != nil {
					return nil, fmt.Errorf("cannot get a JWT-SVID: %w", err)
				}
				return []byte(token), nil
			}}
		}
	}
	return &identity{err: &wire.Error{
		Status: wire.StatusAuthenticatorNotRegistered, Object: "authentication",
		Reason: fmt.Sprintf("the service offers %s, of which this program can use none", list(names)),
		Remedy: "give --application for Direct, or --token-file for JwtSvid",
	}}
}

func (s *shared) direct() *identity {
	name := s.opts.Application
	if !utf8.ValidString(name) {
		return &identity{err: wire.Errorf(wire.StatusAuthenticationError, "the application name is not UTF-8")}
	}
	return &identity{kind: wire.AuthDirect, field: func(context.Context) ([]byte, error) { return []byte(name), nil }}
}

func list(names []string) string {
	if len(names) == 0 {
		return "no authenticator"
	}
	return strings.Join(names, ", ")
}
