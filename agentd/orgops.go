package agentd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-73b3884f/parsec-agent/device"
	"github.com/seed-73b3884f/parsec-agent/proto/agent/agentpb"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/session"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// The operations on organisations. What a session says was verified; that a server withholds something shows in the age of
// the view only.

// connectionMessage is how a session stands.
func connectionMessage(s session.Status) *agentpb.Connection {
	m := &agentpb.Connection{State: s.State.String(), Reason: text(s.Reason), Remedy: text(s.Remedy), Clock: s.Clock}
	if !s.Since.IsZero() {
		m.SinceUnixMs = s.Since.UnixMilli()
	}
	if !s.Viewed.IsZero() {
		m.ViewUnixMs = s.Viewed.UnixMilli()
	}
	return m
}

// connection says how a device stands, in whatever state its session is.
func (p *person) connection(in *signedIn) *agentpb.Connection {
	if in == nil {
		return &agentpb.Connection{State: session.Locked.String()}
	}
	select {
	case <-in.opened:
	default:
		return &agentpb.Connection{State: session.Connecting.String()}
	}
	if in.err != nil {
		m := &agentpb.Connection{State: "refused", Reason: reasonOf(in.err)}
		if detail, ok := errors.AsType[*wire.Error](in.err); ok {
			m.Remedy = detail.Remedy
		}
		return m
	}
	return connectionMessage(in.session.Status())
}

// withTerms adds the terms of service that wait to be accepted.
func withTerms(ctx context.Context, s *session.Session, m *agentpb.Connection) *agentpb.Connection {
	if m.GetState() != session.MustAcceptTerms.String() {
		return m
	}
	terms, err := s.Terms(ctx)
	if err != nil {
		return m // the state says that there are some
	}
	var lines []string
	for locale, url := range terms.PerLocaleURLs {
		lines = append(lines, text(locale+" "+url))
	}
	slices.Sort(lines)
	m.Terms, m.TermsUnixUs = strings.Join(lines, "\n"), terms.UpdatedOn.Micros()
	return m
}

// organizationMessage is what is kept of an organisation.
func (p *person) organizationMessage(pin *session.Pin, devices []device.Entry) *agentpb.Organization {
	m := &agentpb.Organization{
		Organization: pin.Organization, Server: pin.Server, Fingerprint: pin.Root[:], PinnedUnixMs: pin.Since.UnixMilli(),
		Connection: &agentpb.Connection{State: session.Locked.String()},
	}
	for i := range devices {
		e := &devices[i]
		if e.Server.String() != pin.Server || e.Organization.String() != pin.Organization {
			continue
		}
		m.DeviceIds = append(m.DeviceIds, e.ID.String())
		if in := p.signedInAs(e.ID); in != nil {
			m.Connection = p.connection(in)
		}
	}
	return m
}

func decodeListOrganizations(r *request) (action, error) {
	if err := psa.Unmarshal(r.Body, &agentpb.ListOrganizations{}); err != nil {
		return nil, err
	}
	return func(_ context.Context, r *request) ([]byte, error) {
		p := r.person()
		devices, _, err := p.store.List()
		if err != nil {
			return nil, err
		}
		pins, err := p.pinned()
		if err != nil {
			return nil, err
		}
		result := &agentpb.ListOrganizationsResult{}
		for _, pin := range pins.List() {
			result.Organizations = append(result.Organizations, p.organizationMessage(&pin, devices))
		}
		return psa.Marshal(result)
	}, nil
}

func decodeAcceptRollback(r *request) (action, error) {
	m := &agentpb.AcceptRollback{}
	if err := psa.Unmarshal(r.Body, m); err != nil {
		return nil, err
	}
	return func(ctx context.Context, r *request) ([]byte, error) {
		s, err := r.session(ctx, m.GetDevice())
		if err != nil {
			return nil, err
		}
		if err := s.AcceptRollback(ctx); err != nil {
			return nil, organizationError(err)
		}
		return psa.Marshal(&agentpb.AcceptRollbackResult{Connection: connectionMessage(s.Status())})
	}, nil
}

func decodeAcceptTerms(r *request) (action, error) {
	m := &agentpb.AcceptTerms{}
	if err := psa.Unmarshal(r.Body, m); err != nil {
		return nil, err
	}
	return func(ctx context.Context, r *request) ([]byte, error) {
		s, err := r.session(ctx, m.GetDevice())
		if err != nil {
			return nil, err
		}
		seen, err := trust.DateTimeFromMicros(m.GetUnixUs())
		if err != nil {
			return nil, wire.Errorf(wire.StatusInvalidArgument, "the time of the terms is not valid")
		}
		if err := s.AcceptTerms(ctx, seen); err != nil {
			return nil, organizationError(err)
		}
		return psa.Marshal(&agentpb.AcceptTermsResult{Connection: connectionMessage(s.Status())})
	}, nil
}

func decodeForgetOrganization(r *request) (action, error) {
	m := &agentpb.ForgetOrganization{}
	if err := psa.Unmarshal(r.Body, m); err != nil {
		return nil, err
	}
	return func(_ context.Context, r *request) ([]byte, error) {
		o, err := r.person().forget(m.GetOrganization())
		if err != nil {
			return nil, err
		}
		return psa.Marshal(&agentpb.ForgetOrganizationResult{Organization: o})
	}, nil
}

// forget gives up the pin of an organisation, none of whose devices is unlocked, and what its sessions kept.
func (p *person) forget(name string) (*agentpb.Organization, error) {
	pins, err := p.pinned()
	if err != nil {
		return nil, err
	}
	pin, err := selectPin(pins.List(), name)
	if err != nil {
		return nil, err
	}
	devices, _, err := p.store.List()
	if err != nil {
		return nil, err
	}
	m := p.organizationMessage(&pin, devices)
	object := fmt.Sprintf("organisation %q", pin.Organization)
	for i := range devices {
		if id := devices[i].ID; slices.Contains(m.GetDeviceIds(), id.String()) && p.signedInAs(id) != nil {
			return nil, &wire.Error{Status: wire.StatusBadState, Object: object, Reason: "a device of it is unlocked", Remedy: "parsecctl device lock --device " + id.String()}
		}
	}
	server, errServer := trust.ParseServerAddress(pin.Server)
	organization, errName := trust.NewOrganizationID(pin.Organization)
	if err := cmp.Or(errServer, errName); err != nil {
		return nil, err
	}
	if _, err := pins.Leave(server, organization); err != nil {
		return nil, organizationError(errors.Join(session.ErrStorage, err))
	}
	if err := os.RemoveAll(filepath.Join(p.dir, "organisations", pin.Root.String())); err != nil {
		return nil, organizationError(errors.Join(session.ErrStorage, err))
	}
	return m, nil
}

// selectPin finds the organisation that a text means: its name, or host/name.
func selectPin(all []session.Pin, text string) (session.Pin, error) {
	var found []session.Pin
	for _, pin := range all {
		host := pin.Server
		if a, err := trust.ParseServerAddress(pin.Server); err == nil {
			host = a.Host()
		}
		if pin.Organization == text || host+"/"+pin.Organization == text || pin.Server+"/"+pin.Organization == text {
			found = append(found, pin)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return session.Pin{}, &wire.Error{Status: wire.StatusDoesNotExist, Object: fmt.Sprintf("organisation %q", text), Reason: "it is not known here", Remedy: "parsecctl org list"}
	default:
		return session.Pin{}, &wire.Error{
			Status: wire.StatusInvalidArgument, Reason: fmt.Sprintf("%d organisations have that name", len(found)), Remedy: "name one as HOST/NAME: parsecctl org list",
		}
	}
}
