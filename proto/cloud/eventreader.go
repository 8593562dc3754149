package cloud

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"
)

// FrameKind says what a frame is.
type FrameKind uint8

// Kinds of frames.
const (
	// FrameEvent is an event.
	FrameEvent FrameKind = iota + 1
	// FrameKeepAlive says that the server is there.
	FrameKeepAlive
	// FrameMissed says that events are lost: everything is to be asked for again.
	FrameMissed
	// FrameUnknown is an event of a kind that this version does not know; it may be as good as one that is lost.
	FrameUnknown
)

// Frame is one frame of a stream.
type Frame struct {
	Kind  FrameKind
	Event EventsListenRep
	// ID is the id of the event, nil if it has none.
	ID *EventID
	// Err says what was not understood of an unknown event.
	Err error
}

// ErrStream is a stream that is no stream of events, or exceeds its bounds.
var ErrStream = errors.New("the stream of events cannot be read")

// Bounds of a stream.
const (
	// maxLine is how long a line may be. Events with large content have none: it is fetched.
	maxLine = 1 << 20
	// maxEvent is how long the data of one event may be.
	maxEvent = 1 << 20
	// maxLines is how many lines an event may have.
	maxLines = 1024
)

// EventReader reads a stream. It may be used by one goroutine at a time.
type EventReader struct {
	from  *bufio.Reader
	line  []byte
	lines int
	// skipLF: the last line ended with CR, of which LF may be the second half.
	skipLF bool
	begun  bool
	retry  time.Duration

	data, kind []byte
	hasData    bool
	id         *EventID
}

// NewEventReader returns a reader of the body of a reply.
func NewEventReader(from io.Reader) *EventReader {
	return &EventReader{from: bufio.NewReader(from)}
}

// Retry returns how long the server wants clients to wait before they come back, 0 if it did not say.
func (r *EventReader) Retry() time.Duration { return r.retry }

// Next waits for a frame. After an error the stream is over; at its end the error is io.EOF, and an event that was not ended is lost.
func (r *EventReader) Next() (Frame, error) {
	for {
		line, err := r.readLine()
		if err != nil {
			return Frame{}, err
		}
		switch {
		case len(line) == 0:
			if f, ok, err := r.dispatch(); ok || err != nil {
				return f, err
			}
		case line[0] == ':':
			return Frame{Kind: FrameKeepAlive}, nil
		default:
			if r.lines++; r.lines > maxLines {
				return Frame{}, fmt.Errorf("%w: an event has more than %d lines", ErrStream, maxLines)
			}
			if err := r.field(line); err != nil {
				return Frame{}, err
			}
		}
	}
}

// readLine reads a line that ends with LF, CR or both. A byte order mark at the beginning of the stream is no part of it.
func (r *EventReader) readLine() ([]byte, error) {
	r.line = r.line[:0]
	for {
		c, err := r.from.ReadByte()
		if err != nil {
			return nil, err
		}
		if c == '\n' && r.skipLF {
			r.skipLF = false
			continue
		}
		r.skipLF = c == '\r'
		if c == '\n' || c == '\r' {
			break
		}
		if len(r.line) == maxLine {
			return nil, fmt.Errorf("%w: a line has more than %d bytes", ErrStream, maxLine)
		}
		r.line = append(r.line, c)
	}
	if !r.begun {
		r.begun = true
		return bytes.TrimPrefix(r.line, []byte("\xef\xbb\xbf")), nil
	}
	return r.line, nil
}

// field takes over a line with a field; fields that nobody knows are passed over.
func (r *EventReader) field(line []byte) error {
	name, value, _ := bytes.Cut(line, []byte(":"))
	value = bytes.TrimPrefix(value, []byte(" "))
	switch string(name) {
	case "data":
		if len(r.data)+len(value)+1 > maxEvent {
			return fmt.Errorf("%w: an event has more than %d bytes", ErrStream, maxEvent)
		}
		if r.hasData {
			r.data = append(r.data, '\n')
		}
		r.data, r.hasData = append(r.data, value...), true
	case "event":
		r.kind = append(r.kind[:0], value...)
	case "id":
		if id, err := ParseEventID(string(value)); err == nil {
			r.id = &id
		}
	case "retry":
		const most = 3600_000
		if ms, err := strconv.ParseUint(string(value), 10, 32); err == nil {
			r.retry = time.Duration(min(ms, most)) * time.Millisecond
		}
	}
	return nil
}

// dispatch ends an event. One without data is none.
func (r *EventReader) dispatch() (f Frame, ok bool, err error) {
	kind, id, data, hasData := string(r.kind), r.id, r.data, r.hasData
	r.kind, r.id, r.data, r.hasData, r.lines = r.kind[:0], nil, r.data[:0], false, 0
	if !hasData {
		return Frame{}, false, nil
	}
	switch kind {
	case keepAlive:
		return Frame{Kind: FrameKeepAlive}, true, nil
	case missedEvents:
		return Frame{Kind: FrameMissed, ID: id}, true, nil
	case "", "message":
	default:
		return Frame{Kind: FrameUnknown, ID: id, Err: fmt.Errorf("%w: event of type %.64q", ErrStream, kind)}, true, nil
	}
	body := make([]byte, base64.StdEncoding.DecodedLen(len(data)))
	n, err := base64.StdEncoding.Decode(body, data)
	if err != nil {
		return Frame{}, false, fmt.Errorf("%w: an event is not in base64", ErrStream)
	}
	return eventFrame(body[:n], id), true, nil
}

// eventFrame reads what an event holds. One that cannot be read may be of a newer server.
func eventFrame(body []byte, id *EventID) Frame {
	rep, err := (*EventsListenReq)(nil).DecodeReply(body)
	if err != nil {
		return Frame{Kind: FrameUnknown, ID: id, Err: err}
	}
	if _, unknown := rep.(*UnknownStatus); unknown {
		return Frame{Kind: FrameUnknown, ID: id, Err: fmt.Errorf("%w: status %q", ErrStream, rep.Status())}
	}
	return Frame{Kind: FrameEvent, Event: rep, ID: id}
}
