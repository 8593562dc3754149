package agentd

import (
	"context"
	"fmt"
	"time"

	"github.com/seed-73b3884f/parsec-agent/agentd/internal/works"
	"github.com/seed-73b3884f/parsec-agent/proto/agent/agentpb"
	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/session"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// decodeEvents tells how things stand, and then what happens, until the caller has enough.
func decodeEvents(r *request) (action, error) {
	m := &agentpb.Events{}
	if err := psa.Unmarshal(r.Body, m); err != nil {
		return nil, err
	}
	return func(ctx context.Context, r *request) ([]byte, error) {
		only := ""
		if m.GetDevice() != "" {
			e, err := r.device(m.GetDevice())
			if err != nil {
				return nil, err
			}
			only = e.ID.String()
		}
		return nil, r.conn.attend(ctx, func(ctx context.Context) error { return r.tellEvents(ctx, only) })
	}, nil
}

func (r *request) tellEvents(ctx context.Context, only string) error {
	p := r.person()
	l := p.hub.listen()
	defer p.hub.leave(l)
	begin, err := p.standing()
	if err != nil {
		return err
	}
	if err := r.sendEvents(begin, 0, only); err != nil {
		return err
	}
	for {
		all, lost, err := p.hub.next(ctx, l)
		if err != nil {
			return err
		}
		if err := r.sendEvents(all, lost, only); err != nil {
			return err
		}
	}
}

func (r *request) sendEvents(all []*agentpb.Event, lost uint64, only string) error {
	for _, e := range all {
		if only != "" && e.GetDeviceId() != "" && e.GetDeviceId() != only {
			continue
		}
		if lost > 0 {
			e = &agentpb.Event{
				Kind: e.GetKind(), DeviceId: e.GetDeviceId(), UnixMs: e.GetUnixMs(), Text: e.GetText(), Connection: e.GetConnection(),
				Object: e.GetObject(), WorkId: e.GetWorkId(), Lost: lost,
			}
			lost = 0
		}
		body, err := psa.Marshal(e)
		if err != nil {
			return err
		}
		if err := r.stream(body); err != nil {
			return err
		}
	}
	return nil
}

// standing are the events with which a caller begins: how each device is connected, and which works are open.
func (p *person) standing() ([]*agentpb.Event, error) {
	all, _, err := p.store.List()
	if err != nil {
		return nil, err
	}
	begin := []*agentpb.Event{event("listening", "listening to what happens")}
	for i := range all {
		begin = append(begin, connectionEvent(all[i].ID, p.connection(p.signedInAs(all[i].ID))))
	}
	open, err := p.works.List()
	if err != nil {
		return nil, err
	}
	for _, w := range open {
		if !works.State(w.GetState()).Ended() {
			begin = append(begin, workEvent(w))
		}
	}
	return begin, nil
}

func event(kind, format string, args ...any) *agentpb.Event {
	return &agentpb.Event{Kind: kind, UnixMs: time.Now().UnixMilli(), Text: text(fmt.Sprintf(format, args...))}
}

func workEvent(w *agentpb.Work) *agentpb.Event {
	e := event("work", "work %.8s (%s, %s) is %s", w.GetWorkId(), w.GetKind(), w.GetSubject(), w.GetState())
	if q := w.GetQuestion(); q != nil {
		e.Text += ": " + q.GetText()
	} else if d := w.GetDetail(); d != nil {
		e.Text += ": " + d.GetReason()
	}
	e.WorkId, e.DeviceId = w.GetWorkId(), w.GetDeviceId()
	return e
}

func connectionEvent(id trust.DeviceID, c *agentpb.Connection) *agentpb.Event {
	e := event("connection", "device %.8s is %s", id, c.GetState())
	if c.GetReason() != "" {
		e.Text += ": " + c.GetReason()
	}
	e.DeviceId, e.Connection = id.String(), c
	return e
}

func lockedEvent(id trust.DeviceID) *agentpb.Event {
	return connectionEvent(id, &agentpb.Connection{State: session.Locked.String(), SinceUnixMs: time.Now().UnixMilli()})
}

// sessionEvent is what a session tells, as callers get it; nil for what is of no use to them.
func sessionEvent(s *session.Session, e session.Event) *agentpb.Event {
	var m *agentpb.Event
	switch e := e.(type) {
	case session.StatusChanged:
		return connectionEvent(s.DeviceID(), connectionMessage(e.Status))
	case session.Accepted:
		m = event("certificates", "new certificates in %q", s.Organization())
	case session.Missed:
		m = event("missed", "events of %q may be lost", s.Organization())
	case session.Heard:
		m = serverEvent(s, e.Event)
	}
	if m != nil {
		m.DeviceId = s.DeviceID().String()
	}
	return m
}

// serverEvent is what a server tells. It is not proven by anything. Tokens are named by their first digits.
func serverEvent(s *session.Session, e cloud.EventsListenRep) *agentpb.Event {
	var m *agentpb.Event
	switch e := e.(type) {
	case *cloud.EventInvitation:
		m = event("invitation", "an invitation into %q is %s", s.Organization(), e.InvitationStatus)
		m.Object = shortToken(e.Token)
	case *cloud.EventGreetingAttemptReady:
		m = event("greeting", "somebody who is invited into %q waits to be greeted: parsecctl invite greet %s", s.Organization(), shortToken(e.Token))
		m.Object = shortToken(e.Token)
	case *cloud.EventGreetingAttemptCancelled:
		m = event("greeting", "an attempt of a greeting in %q ended", s.Organization())
		m.Object = shortToken(e.Token)
	case *cloud.EventGreetingAttemptJoined:
		m = event("greeting", "both sides of a greeting in %q are there", s.Organization())
		m.Object = shortToken(e.Token)
	case *cloud.EventAsyncEnrollment:
		m = event("enrolment", "requests to enrol into %q have changed", s.Organization())
	}
	return m
}

// shortToken are the first digits of a token: enough to name it, too few to use it.
func shortToken(t trust.AccessToken) string {
	const digits = 8
	all, err := t.Hex()
	if err != nil {
		return ""
	}
	return all[:digits]
}
