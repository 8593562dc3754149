package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/events"
	"github.com/seed-73b3884f/parsec-agent/server/internal/observe"
	"github.com/seed-73b3884f/parsec-agent/server/internal/rules"
	"github.com/seed-73b3884f/parsec-agent/server/internal/secrets"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/stream"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// How long a peer may take for one thing, so that nobody is waited for without end. Blocks count on it (rules.underWay).
const (
	bodyTime    = 2 * time.Minute
	commandTime = time.Minute
	writeTime   = 2 * time.Minute
)

// served is the version that the server speaks: of the next one it lacks what makes it, collaborative documents.
var served = cloud.Version{Major: 5, Minor: 5}

// API answers requests. It may be used concurrently.
type API struct {
	Rules   *rules.Service
	Devices *Devices
	Broker  *events.Broker
	// Streams are those of events that are open.
	Streams stream.Group
	// Clock is the time of the server.
	Clock func() time.Time
	Log   *slog.Logger
	// Address is the server's for links, nil for that under which it is asked.
	Address *trust.ServerAddress
	// Token lets administrators in, nobody if it is nil.
	Token *secrets.Token
	// Allow counts a request of an organisation, and reports false with the answer written if it is one too many.
	Allow func(http.ResponseWriter, *http.Request, trust.OrganizationID) bool
}

// errAnswered is what ends a request that was answered already.
var errAnswered = errors.New("the request was answered")

// Handler returns the routes.
func (a *API) Handler() http.Handler {
	mux := http.NewServeMux()
	for _, f := range []cloud.Family{cloud.Anonymous, cloud.AnonymousServer, cloud.Invited, cloud.Authenticated, cloud.TOS, cloud.Account} {
		mux.HandleFunc(f.Pattern(), func(w http.ResponseWriter, r *http.Request) { a.command(w, r, f) })
	}
	mux.HandleFunc(cloud.PatternProbe, a.probe)
	mux.HandleFunc(cloud.PatternEvents, a.events)
	a.administer(mux)
	return mux
}

// command is a request of any family.
func (a *API) command(w http.ResponseWriter, r *http.Request, f cloud.Family) {
	ctx, cancel := context.WithTimeout(r.Context(), bodyTime+commandTime)
	defer cancel()
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(bodyTime)) // a connection without deadlines is one of a test
	_ = control.SetWriteDeadline(time.Now().Add(bodyTime + commandTime + writeTime))
	c := &rules.Call{Sends: true}
	defer c.Close()
	rep, err := a.run(ctx, w, r, f, c)
	if err == nil {
		err = a.answer(w, c, rep)
	}
	switch {
	case err == nil:
		c.Done()
	case !errors.Is(err, errGone):
		a.refuse(w, r, err)
	}
}

// note tells whoever observes the request who asks for what.
func note(r *http.Request, f cloud.Family, c *rules.Call, req cloud.Request) *observe.Note {
	n := observe.NoteOf(r.Context())
	n.Family, n.Command, n.Organization = f.String(), req.Command(), c.Organization
	if f == cloud.Authenticated || f == cloud.TOS {
		n.Device, n.User = &c.Device, &c.User
	}
	return n
}

// run goes through the checks of 1.5.
func (a *API) run(ctx context.Context, w http.ResponseWriter, r *http.Request, f cloud.Family, c *rules.Call) (cloud.Reply, error) {
	h, err := cloud.ReadHandshake(r, f)
	if err != nil {
		return nil, err
	}
	now, err := a.now()
	if err != nil {
		return nil, err
	}
	// The credentials of a device are looked up after its body is there: it costs nothing but memory until then.
	var body []byte
	late := f == cloud.Authenticated || f == cloud.TOS
	if late {
		if body, err = cloud.ReadBodyWith(r, c.BodyRoom); err != nil {
			return nil, err
		}
	}
	c.Organization, c.Client, c.Now = h.Organization, h.Client, now
	if err := a.credentials(ctx, c, f, h, r.Header.Get("Authorization")); err != nil {
		return nil, err
	}
	if (late || f == cloud.Invited) && !a.Allow(w, r, c.Organization) {
		return nil, errAnswered
	}
	if !late {
		if body, err = cloud.ReadBodyWith(r, c.BodyRoom); err != nil {
			return nil, err
		}
	}
	req, err := cloud.DecodeRequest(f, body)
	if err != nil {
		return nil, &cloud.HTTPError{Status: cloud.StatusBadContent}
	}
	n := note(r, f, c, req)
	rep, err := a.Rules.Run(ctx, f, c, req)
	if err == nil {
		n.Reply = rep.Status()
	}
	return rep, err
}

func (a *API) now() (trust.DateTime, error) { return trust.DateTimeOf(a.Clock()) }

// credentials says who asks, in which organisation.
func (a *API) credentials(ctx context.Context, c *rules.Call, f cloud.Family, h *cloud.Handshake, header string) error {
	switch f {
	case cloud.Anonymous:
		return a.locate(ctx, c)
	case cloud.Authenticated, cloud.TOS:
		return a.authenticate(ctx, c, h, header, f != cloud.TOS)
	case cloud.AnonymousServer:
		return nil
	case cloud.Invited:
		return a.Rules.Invited(ctx, c, h.Invitation)
	case cloud.Account:
	}
	return &cloud.HTTPError{Status: cloud.StatusBadContent} // there are no accounts here
}

// locate finds the organisation of an anonymous command, and makes it where that is allowed.
func (a *API) locate(ctx context.Context, c *rules.Call) error {
	num, changes := a.Devices.organization(c.Organization)
	if c.Org = num; num != 0 {
		return nil
	}
	o, err := a.Rules.Locate(ctx, c.Organization, true, c.Now)
	switch {
	case err != nil:
		return err
	case o == nil:
		return &cloud.HTTPError{Status: cloud.StatusOrganizationNotFound}
	case o.Expired:
		return &cloud.HTTPError{Status: cloud.StatusOrganizationExpired}
	}
	if c.Org = o.Num; o.Bootstrapped {
		a.Devices.keepOrganization(c.Organization, o.Num, changes)
	}
	return nil
}

// probe says whether an organisation exists.
func (a *API) probe(w http.ResponseWriter, r *http.Request) {
	h, err := cloud.ReadHandshake(r, cloud.Anonymous)
	if err == nil {
		err = a.exists(r.Context(), h)
	}
	if err != nil {
		a.refuse(w, r, err)
		return
	}
	w.Header().Set(cloud.HeaderVersion, served.String())
	w.Header().Set("Content-Type", cloud.ContentMsgpack)
}

func (a *API) exists(ctx context.Context, h *cloud.Handshake) error {
	o, err := a.Rules.Locate(ctx, h.Organization, false, trust.DateTime{})
	switch {
	case err != nil:
		return err
	case o == nil:
		return &cloud.HTTPError{Status: cloud.StatusOrganizationNotFound}
	case o.Expired:
		return &cloud.HTTPError{Status: cloud.StatusOrganizationExpired}
	}
	return nil
}

// refuse answers with the status that an error is.
func (a *API) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if e, ok := errors.AsType[*cloud.HTTPError](err); ok {
		cloud.RefuseAs(w, e.Status, served)
		return
	}
	switch {
	case errors.Is(err, errAnswered):
	case errors.Is(err, rules.ErrUnknownCommand):
		cloud.RefuseAs(w, cloud.StatusBadContent, served)
	case errors.Is(err, store.ErrUnavailable), errors.Is(err, store.ErrFull), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		a.Log.Warn("a request cannot be served now", "path", r.URL.Path, "error", err)
		cloud.RefuseAs(w, cloud.StatusStopping, served)
	default:
		a.Log.Error("a request failed", "path", r.URL.Path, "error", err)
		cloud.RefuseAs(w, http.StatusInternalServerError, served)
	}
}
