package authn

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/seed-73b3884f/parsec-agent/agentd/internal/peer"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// Options configures a Set.
type Options struct {
	// Members are the authenticators, the primary first: the only one that callers of
	// the original's world are told about. At least one, each kind at most once.
	Members []Member
	// Groups makes administrators of all processes in these groups (primary or
	// supplementary), see LookupGroups. It is of no use to those who do not authenticate.
	Groups []uint32
	// OwnUID, if not nil, is the person whom the agent serves: processes of that
	// effective uid are administrators.
	OwnUID *uint32
}

// Member is an authenticator with its administrators.
type Member struct {
	Authenticator Authenticator
	// Admins are application identities, compared byte for byte.
	Admins []string
}

// Set is the authenticators of an agent.
type Set struct {
	order  []Authenticator
	byType [maxType + 1]*entry
	groups []uint32
	ownUID *uint32
}

// maxType is the highest number that a configured authenticator can have.
const maxType = wire.AuthJWTSVID

type entry struct {
	Authenticator
	admins map[string]bool
}

// NewSet returns the set of the given authenticators, which it closes when it is closed.
// The warnings are configured rights that can never take effect or that are dangerous, one
// sentence each.
func NewSet(opts Options) (set *Set, warnings []string, err error) {
	if len(opts.Members) == 0 {
		return nil, nil, errors.New("an agent needs an authenticator")
	}
	s := &Set{ownUID: opts.OwnUID}
	for _, m := range opts.Members {
		t := m.Authenticator.Type()
		switch {
		case t == wire.AuthNone || t > maxType:
			return nil, nil, fmt.Errorf("cannot add authenticator %s: it has no number on the wire", t)
		case s.byType[t] != nil:
			return nil, nil, fmt.Errorf("cannot add authenticator %s: it is configured twice", t)
		}
		e := &entry{Authenticator: m.Authenticator}
		var w []string
		e.admins, w = adminNames(t, m.Admins)
		warnings = append(warnings, w...)
		if t == wire.AuthDirect {
			warnings = append(warnings, directWarning(len(e.admins) > 0))
		}
		s.byType[t] = e
		s.order = append(s.order, m.Authenticator)
	}
	var w []string
	s.groups, w = TrustedGroups(opts.Groups)
	return s, append(warnings, w...), nil
}

// Select returns the authenticator of a number, if it is configured.
func (s *Set) Select(t wire.AuthType) (Authenticator, bool) {
	if t > maxType || s.byType[t] == nil {
		return nil, false
	}
	return s.byType[t].Authenticator, true
}

// List describes the primary authenticator, or with all every one in configured order.
func (s *Set) List(all bool) []Info {
	n := 1
	if all {
		n = len(s.order)
	}
	infos := make([]Info, n)
	for i, a := range s.order[:n] {
		infos[i] = a.Info()
	}
	return infos
}

// Primary returns the first authenticator.
func (s *Set) Primary() Authenticator { return s.order[0] }

// Authenticate makes checks 12 and 13 of the specification's section 1.2. A request that
// names no authenticator gets the zero Identity, whatever its field holds; one that names
// an authenticator that is not configured StatusAuthenticatorNotRegistered. Whether a
// number is known at all was checked before.
func (s *Set) Authenticate(ctx context.Context, p *peer.Peer, t wire.AuthType, field []byte) (Identity, error) {
	if t == wire.AuthNone {
		return Identity{}, nil
	}
	a, ok := s.Select(t)
	if !ok {
		err := wire.Errorf(wire.StatusAuthenticatorNotRegistered, "authenticator %s is not configured here", t)
		err.Object, err.Remedy = "authentication", "parsecctl authenticator list"
		return Identity{}, err
	}
	app, err := a.Authenticate(ctx, p, field)
	if err != nil {
		return Identity{}, err
	}
	if app == "" {
		return Identity{}, refuse("authenticator %s gave an empty identity", t)
	}
	id := Identity{Auth: t, App: app}
	id.AdminBy = s.adminRule(p, id)
	id.Admin = id.AdminBy != ""
	return id, nil
}

// Close closes the authenticators that have something to close.
func (s *Set) Close() error {
	var errs []error
	for _, a := range s.order {
		if c, ok := a.(io.Closer); ok {
			errs = append(errs, c.Close())
		}
	}
	return errors.Join(errs...)
}
