// Package events carries what happened in an organisation to the devices that listen (docs/spec/parsec-cloud-rpc.md 1.8).
//
// A command emits an Event in its transaction; the store delivers it to the Broker of every process once it is committed, in the
// order of commits. The broker gives it to the listeners that it is meant for, and keeps the last ones for those that
// reconnect. Some events have an Effect besides: they end streams, move listeners between realms, or tell watchers that what they
// remember is out of date.
package events

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"slices"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Event is something that happened.
type Event struct {
	ID cloud.EventID `json:"id"`
	// Org is the number of the organisation.
	Org int64 `json:"org"`
	// Frame is what listeners are sent, empty for an event that only has an effect.
	Frame    string   `json:"frame,omitempty"`
	Audience Audience `json:"to"`
	Effect   Effect   `json:"effect"`
}

// Audience says who gets an event: everybody who fits one of the fields.
type Audience struct {
	Everybody bool `json:"all,omitempty"`
	// Admins are those that were when they connected.
	Admins bool           `json:"admins,omitempty"`
	Realm  *trust.RealmID `json:"realm,omitempty"`
	// Users are the ids of users, one after the other.
	Users []byte `json:"users,omitempty"`
	// Except is the device that knows already.
	Except *trust.DeviceID `json:"except,omitempty"`
}

// EffectKind says what an event does besides being told.
type EffectKind uint8

// Effects.
const (
	NoEffect EffectKind = iota
	// Forget tells watchers that what they know of the organisation, or of the user, is out of date.
	Forget
	// Disconnect is Forget, and ends the streams of the organisation, or of the user.
	Disconnect
	// Join makes a user a member of a realm, Leave ends that.
	Join
	Leave
)

// Effect is what an event does besides being told.
type Effect struct {
	Kind  EffectKind     `json:"kind,omitempty"`
	User  *trust.UserID  `json:"user,omitempty"`
	Realm *trust.RealmID `json:"realm,omitempty"`
}

// New makes an event of a reply to events_listen.
func New(org int64, to Audience, rep cloud.EventsListenRep) (*Event, error) {
	e := &Event{Org: org, Audience: to}
	_, _ = rand.Read(e.ID[:]) // never fails
	frame, err := cloud.EventFrame(rep, &e.ID)
	e.Frame = string(frame)
	return e, err
}

// Silent makes an event that only has an effect.
func Silent(org int64, effect Effect) *Event {
	e := &Event{Org: org, Effect: effect}
	_, _ = rand.Read(e.ID[:]) // never fails
	return e
}

// With adds an effect.
func (e *Event) With(effect Effect) *Event {
	e.Effect = effect
	return e
}

// Encode writes the event for other processes.
func (e *Event) Encode() string {
	text, err := json.Marshal(e)
	if err != nil {
		return "" // not possible: there are only strings and numbers
	}
	return string(text)
}

// Decode reads what Encode wrote.
func Decode(text string) (store.Message, error) {
	e := &Event{}
	if err := json.Unmarshal([]byte(text), e); err != nil {
		return nil, err
	}
	if len(e.Audience.Users)%len(trust.UserID{}) != 0 || e.Org <= 0 {
		return nil, errors.New("an event of another process is damaged")
	}
	return e, nil
}

// To makes an audience of users.
func To(users ...trust.UserID) Audience {
	a := Audience{}
	for _, u := range users {
		a.Users = append(a.Users, u[:]...)
	}
	return a
}

func (a *Audience) hasUser(u trust.UserID) bool {
	for id := range slices.Chunk(a.Users, len(u)) {
		if trust.UserID(id) == u {
			return true
		}
	}
	return false
}
