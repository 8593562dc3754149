package api

import (
	"context"
	"fmt"
	"net/http"
	"runtime/debug"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/events"
	"github.com/seed-73b3884f/parsec-agent/server/internal/rules"
	"github.com/seed-73b3884f/parsec-agent/server/internal/stream"
)

// events is the stream of 1.8.
func (a *API) events(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet { // the route takes HEAD too, to which a stream says nothing for ever
		w.Header().Set("Allow", http.MethodGet)
		http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
		return
	}
	l, first, err := a.begin(r)
	if err != nil {
		a.refuse(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", cloud.ContentEvents+"; charset=utf-8")
	h.Set("Cache-Control", "no-cache")
	a.Streams.Serve(w, r, l, stream.Options{First: first, KeepAlive: a.Rules.Config.KeepAlive, Alive: cloud.KeepAliveFrame})
}

// begin is subscribe in a goroutine of its own: it goes deep, and the stack of who stays, thousands of times, would grow for that.
func (a *API) begin(r *http.Request) (l *events.Listener, first []string, err error) {
	begun := make(chan struct{})
	go func() {
		defer close(begun)
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("a listener cannot begin: %v\n%s", p, debug.Stack())
			}
		}()
		l, first, err = a.subscribe(r)
	}()
	<-begun
	return l, first, err
}

// subscribe registers the listener before it looks at what the user may hear of, so that nothing happens in between unseen.
func (a *API) subscribe(r *http.Request) (l *events.Listener, first []string, err error) {
	h, err := cloud.ReadEventsHandshake(r)
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithTimeout(r.Context(), commandTime)
	defer cancel()
	c := &rules.Call{Organization: h.Organization, Client: h.Client}
	if c.Now, err = a.now(); err != nil {
		return nil, nil, err
	}
	if err := a.authenticate(ctx, c, h, r.Header.Get("Authorization"), true); err != nil {
		return nil, nil, err
	}
	if l = a.Broker.Listen(c.Org, c.User, c.Device, h.LastEvent); l == nil {
		return nil, nil, &cloud.HTTPError{Status: cloud.StatusStopping}
	}
	if first, err = a.Rules.Subscribe(ctx, c, l); err != nil {
		l.Close()
		return nil, nil, err
	}
	return l, first, nil
}
