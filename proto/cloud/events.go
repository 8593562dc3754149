package cloud

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
)

// Events are the replies to events_listen as a stream of server-sent events (1.8).

// EventID names an event of a server.
type EventID [16]byte

// ErrEventID is a text that names no event.
var ErrEventID = errors.New("this names no event")

// String returns 32 digits.
func (id EventID) String() string { return hex.EncodeToString(id[:]) }

// ParseEventID reads 32 digits, with hyphens where a UUID has them or without.
func ParseEventID(s string) (EventID, error) {
	if len(s) == 36 && s[8] == '-' && s[13] == '-' && s[18] == '-' && s[23] == '-' {
		s = strings.ReplaceAll(s, "-", "")
	}
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(EventID{}) {
		return EventID{}, ErrEventID
	}
	return EventID(b), nil
}

// Frames without content.
const (
	// KeepAliveFrame is sent after a silence.
	KeepAliveFrame = "event:keepalive\ndata:\n\n"
	// MissedEventsFrame says that events after the last one of the client are lost.
	MissedEventsFrame = "event:missed_events\ndata:\n\n"
)

const (
	keepAlive    = "keepalive"
	missedEvents = "missed_events"
)

// EventFrame returns the frame of an event. The first one of a stream has no id.
func EventFrame(rep EventsListenRep, id *EventID) ([]byte, error) {
	body, err := EncodeReply(rep)
	if err != nil {
		return nil, err
	}
	frame := append([]byte("data:"), base64.StdEncoding.EncodeToString(body)...)
	if id != nil {
		frame = append(append(frame, "\nid:"...), id.String()...)
	}
	return append(frame, "\n\n"...), nil
}
