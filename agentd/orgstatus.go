package agentd

import (
	"context"
	"errors"
	"slices"

	"github.com/seed-73b3884f/parsec-agent/device"
	"github.com/seed-73b3884f/parsec-agent/proto/agent/agentpb"
	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/session"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// What one frame of a long list has at most: links or users, and bytes of certificates.
const (
	rowsPerFrame  = 256
	bytesPerFrame = 256 << 10
)

// decodeOrgStatus tells how an organisation stands, and with chain who certified whom.
func decodeOrgStatus(r *request) (action, error) {
	m := &agentpb.OrgStatus{}
	if err := psa.Unmarshal(r.Body, m); err != nil {
		return nil, err
	}
	return func(ctx context.Context, r *request) ([]byte, error) {
		e, err := r.device(m.GetDevice())
		if err != nil {
			return nil, err
		}
		s, err := r.person().session(ctx, e.ID)
		if err != nil {
			return nil, err
		}
		head, err := r.person().status(ctx, &e, s)
		if err != nil {
			return nil, err
		}
		frames := []*agentpb.OrgStatusResult{head}
		if m.GetChain() {
			frames = append(frames, chainFrames(s)...)
		}
		if m.GetCertificates() {
			more, err := certificateFrames(ctx, s)
			if err != nil {
				return nil, err
			}
			frames = append(frames, more...)
		}
		for _, f := range frames[:len(frames)-1] {
			body, err := psa.Marshal(f)
			if err != nil {
				return nil, err
			}
			if err := r.stream(body); err != nil {
				return nil, err
			}
		}
		return psa.Marshal(frames[len(frames)-1])
	}, nil
}

func (p *person) status(ctx context.Context, e *device.Entry, s *session.Session) (*agentpb.OrgStatusResult, error) {
	pins, err := p.pinned()
	if err != nil {
		return nil, err
	}
	pin, ok := pins.Get(s.Server(), s.Organization())
	if !ok { // it was forgotten meanwhile
		return nil, organizationError(session.ErrClosed)
	}
	all, _, err := p.store.List()
	if err != nil {
		return nil, err
	}
	o := p.organizationMessage(&pin, all)
	o.Connection = withTerms(ctx, s, connectionMessage(s.Status()))
	root := trust.OrganizationAddress{Server: s.Server(), Organization: s.Organization(), RootVerifyKey: s.Root()}
	o.Root = root.String()
	return &agentpb.OrgStatusResult{Organization: o, Device: deviceMessage(e), Profile: s.Profile().String()}, nil
}

// chainFrames are the certificates of people and devices, in the order of time.
func chainFrames(s *session.Session) (frames []*agentpb.OrgStatusResult) {
	var links []*agentpb.Link
	err := s.View(func(c *trust.Store) error {
		links = chainOf(c)
		return nil
	})
	if err != nil {
		return nil // the session has ended: the head says so
	}
	for part := range slices.Chunk(links, rowsPerFrame) {
		frames = append(frames, &agentpb.OrgStatusResult{Links: part})
	}
	return frames
}

func chainOf(c *trust.Store) (links []*agentpb.Link) {
	for _, id := range c.Users() {
		h, ok := c.History(id)
		if !ok {
			continue
		}
		links = append(links, linksOf(c, h)...)
	}
	slices.SortStableFunc(links, func(a, b *agentpb.Link) int {
		return int(max(-1, min(1, a.GetUnixUs()-b.GetUnixUs())))
	})
	return links
}

// linksOf are the certificates about one user.
func linksOf(c *trust.Store, h trust.History) []*agentpb.Link {
	human := h.Certificate.Handle()
	link := func(kind string, author *trust.DeviceID, at trust.DateTime) *agentpb.Link {
		l := &agentpb.Link{
			Kind: kind, UserId: h.Certificate.UserID.String(), Email: human.Email.String(), Name: human.Label.String(), UnixUs: at.Micros(),
		}
		if author != nil {
			l.Author = author.String()
			if user, ok := c.Author(*author); ok {
				l.AuthorUser = user.String()
			}
		}
		return l
	}
	user := link("user", h.Certificate.Author, h.Certificate.Timestamp)
	user.Profile = h.Certificate.Profile.String()
	links := []*agentpb.Link{user}
	for _, d := range h.Devices {
		l := link("device", d.Author, d.Timestamp)
		l.DeviceId, l.Label, l.Purpose = d.DeviceID.String(), d.Label().String(), d.PurposeOf().String()
		links = append(links, l)
	}
	for _, u := range h.Updates {
		l := link("profile", &u.Author, u.Timestamp)
		l.Profile = u.NewProfile.String()
		links = append(links, l)
	}
	if h.Revoked != nil {
		links = append(links, link("revocation", &h.Revoked.Author, h.Revoked.Timestamp))
	}
	return links
}

// certificateFrames are the certificates of people and devices as the server has them now, for an auditor. They are verified anew, and must reach as far as what is known here.
func certificateFrames(ctx context.Context, s *session.Session) (frames []*agentpb.OrgStatusResult, err error) {
	if err := s.Refresh(ctx); err != nil {
		return nil, organizationError(err)
	}
	rep, err := cloud.Do(ctx, s.Client(), &cloud.CertificateGetReq{RealmAfter: map[trust.RealmID]trust.DateTime{}})
	if err != nil {
		return nil, organizationError(err)
	}
	got, ok := rep.(*cloud.CertificateGetOK)
	if !ok {
		return nil, wire.Errorf(wire.StatusCommunicationFailure, "the server answers %s when it is asked for certificates", rep.Status())
	}
	fresh := trust.NewStore(s.Root(), s.User(), nil)
	if err := fresh.Add(trust.Batch{Sequester: got.SequesterCertificates, Common: got.CommonCertificates}); err != nil {
		return nil, organizationError(errors.Join(session.ErrRefused, err))
	}
	behind := false
	if err := s.View(func(c *trust.Store) error {
		for _, id := range c.Users() {
			if _, ok := fresh.History(id); !ok {
				behind = true
			}
		}
		return nil
	}); err != nil {
		return nil, organizationError(err)
	}
	if behind {
		return nil, organizationError(session.ErrRollback)
	}
	size := 0
	frame := &agentpb.OrgStatusResult{}
	for _, c := range slices.Concat(got.SequesterCertificates, got.CommonCertificates) {
		if size+len(c) > bytesPerFrame && size > 0 {
			frames, frame, size = append(frames, frame), &agentpb.OrgStatusResult{}, 0
		}
		frame.Certificates = append(frame.Certificates, c)
		size += len(c)
	}
	return append(frames, frame), nil
}
