package cloud

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/seed-73b3884f/parsec-agent/trust"
)

// readFrames reads a stream to its end.
func readFrames(from io.Reader) ([]Frame, error) {
	all := []Frame{}
	r := NewEventReader(from)
	for {
		f, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		all = append(all, f)
	}
}

func TestEventFrames(t *testing.T) {
	at, err := trust.DateTimeFromMicros(946688461000000)
	if err != nil {
		t.Fatal(err)
	}
	id := EventID{1, 2, 3}
	want := []Frame{
		{Kind: FrameEvent, Event: &EventOrganizationConfig{UserProfileOutsiderAllowed: true}},
		{Kind: FrameEvent, Event: &EventCommonCertificate{Timestamp: at}, ID: &id},
		{Kind: FrameKeepAlive},
		{Kind: FrameMissed},
	}
	stream := []byte{}
	for _, f := range want[:2] {
		b, err := EventFrame(f.Event, f.ID)
		if err != nil {
			t.Fatal(err)
		}
		stream = append(stream, b...)
	}
	if text := "data:hKZzdGF0dXOib2ulZXZlbnSz"; !bytes.HasPrefix(stream, []byte("data:")) || !bytes.Contains(stream, []byte("\nid:01020300000000000000000000000000\n\n")) {
		t.Errorf("%s, not %s", stream, text)
	}
	stream = append(stream, KeepAliveFrame+MissedEventsFrame...)
	for name, b := range map[string][]byte{
		"as written": stream,
		"CRLF":       bytes.ReplaceAll(stream, []byte("\n"), []byte("\r\n")),
		"CR":         bytes.ReplaceAll(stream, []byte("\n"), []byte("\r")),
		"spaces":     bytes.ReplaceAll(stream, []byte(":"), []byte(": ")),
		"order mark": append([]byte("\xef\xbb\xbf"), stream...),
		"unended":    append(bytes.Clone(stream), "data:x"...),
		"other":      append([]byte("\n\nfoo:bar\nid:zzz\nretry:5\n\n"), stream...),
	} {
		for _, from := range []io.Reader{bytes.NewReader(b), iotest.OneByteReader(bytes.NewReader(b))} {
			if got, err := readFrames(from); err != nil || !sameFrames(got, want) {
				t.Errorf("%s: %+v, %v", name, got, err)
			}
		}
	}
}

// sameFrames compares all but what was not understood.
func sameFrames(a, b []Frame) bool {
	return slices.EqualFunc(a, b, func(a, b Frame) bool {
		return a.Kind == b.Kind && reflect.DeepEqual(a.Event, b.Event) && reflect.DeepEqual(a.ID, b.ID)
	})
}

func TestEventReader(t *testing.T) {
	unknown := base64.StdEncoding.EncodeToString([]byte("\x82\xa6status\xa2ok\xa5event\xa4WHAT"))
	for name, c := range map[string]struct {
		stream string
		kinds  []FrameKind
		bad    bool
	}{
		"comment":               {": hello\n\n", []FrameKind{FrameKeepAlive}, false},
		"comment within":        {"data:\n:x\nevent:keepalive\n\n", []FrameKind{FrameKeepAlive, FrameKeepAlive}, false},
		"no data":               {"event:missed_events\n\n", nil, false},
		"kind is forgotten":     {"event:missed_events\n\nevent:keepalive\ndata\n\n", []FrameKind{FrameKeepAlive}, false},
		"other type":            {"event:new\ndata:\n\n", []FrameKind{FrameUnknown}, false},
		"unknown event":         {"data:" + unknown + "\n\n", []FrameKind{FrameUnknown}, false},
		"unknown event, parts":  {"data:" + unknown[:8] + "\ndata:" + unknown[8:] + "\n\n", []FrameKind{FrameUnknown}, false},
		"no base64":             {"data:!\n\n", nil, true},
		"long line":             {"data:" + strings.Repeat("A", maxLine), nil, true},
		"long comment":          {":" + strings.Repeat("A", maxLine), nil, true},
		"long event":            {strings.Repeat("data:"+strings.Repeat("A", maxLine/4)+"\n", 5), nil, true},
		"many lines":            {strings.Repeat("a\n", maxLines+1), nil, true},
		"many lines with pause": {strings.Repeat("a\n", maxLines) + "\n" + strings.Repeat("a\n", maxLines), nil, false},
	} {
		frames, err := readFrames(strings.NewReader(c.stream))
		kinds := []FrameKind(nil)
		for _, f := range frames {
			kinds = append(kinds, f.Kind)
		}
		if !reflect.DeepEqual(kinds, c.kinds) || errors.Is(err, ErrStream) != c.bad {
			t.Errorf("%s: %v, %v", name, kinds, err)
		}
	}
}

func TestRetry(t *testing.T) {
	r := NewEventReader(strings.NewReader("retry: 1500\nretry: x\n\nretry:4294967295\n" + KeepAliveFrame))
	if _, err := r.Next(); err != nil || r.Retry() != time.Hour {
		t.Errorf("%v, %v", r.Retry(), err)
	}
}

func TestParseEventID(t *testing.T) {
	for text, ok := range map[string]bool{
		"00112233445566778899aabbccddeeff": true, "00112233-4455-6677-8899-aabbccddeeff": true,
		"": false, "0011": false, "zz112233445566778899aabbccddeeff": false, "00112233-4455-6677-8899aabbccdd-eeff": false,
	} {
		if _, err := ParseEventID(text); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// FuzzEvents reads a stream: bounded, and what is read as an event is written and read as the same.
func FuzzEvents(f *testing.F) {
	for _, rep := range []EventsListenRep{&EventAsyncEnrollment{}, &EventOrganizationConfig{}, &EventVlob{Blob: []byte("b")}, &NotAvailable{}, &EventPinged{Ping: "p"}} {
		frame, err := EventFrame(rep, &EventID{1})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(append(frame, KeepAliveFrame...))
	}
	f.Add([]byte(": c\r\revent: missed_events\r\ndata\r\n\r\nretry:1\n\n"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		frames, _ := readFrames(bytes.NewReader(stream))
		if len(frames) > len(stream) {
			t.Fatalf("%d frames in %d bytes", len(frames), len(stream))
		}
		for _, frame := range frames {
			if frame.Kind != FrameEvent {
				continue
			}
			written, err := EventFrame(frame.Event, frame.ID)
			if err != nil {
				t.Fatal(err)
			}
			again, err := readFrames(bytes.NewReader(written))
			if err != nil || len(again) != 1 || again[0].Kind != FrameEvent {
				t.Fatalf("%+v, %v", again, err)
			}
			twice, err := EventFrame(again[0].Event, again[0].ID)
			if err != nil || !bytes.Equal(twice, written) {
				t.Errorf("%s\n%s\n%v", twice, written, err)
			}
		}
	})
}
