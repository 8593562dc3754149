//go:build interop

package server_test

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	. "github.com/seed-73b3884f/parsec-agent/server/servertest"
)

// firstWord, with a number, begins what a listener is asked about, for something that happened before may reach it too; lastWord ends it.
const (
	firstWord = "from here on "
	lastWord  = "that was all"
)

// listening is a device that listens to both servers.
type listening struct {
	device       *Device
	word         string
	ours, theirs *Stream
}

// listen lets a device hear what happens from now on.
func (l *life) listen(d *Device) {
	listener := listening{d, fmt.Sprintf("%s%d.", firstWord, len(l.listeners)), d.At(l.ours).Listen(""), d.At(l.theirs).Listen("")}
	l.listeners = append(l.listeners, listener)
	l.say(listener.word)
}

// admitted is a device that both servers let in.
func (l *life) admitted(t *testing.T) *Device {
	t.Helper()
	i := slices.IndexFunc(l.devices, l.admits)
	if i < 0 {
		t.Fatal("nobody is let in")
	}
	return l.devices[i]
}

func (l *life) admits(d *Device) bool {
	ping := &cloud.PingReq{Ping: "let me in"}
	return d.At(l.ours).Do(ping).Reply == "ok" && d.At(l.theirs).Do(ping).Reply == "ok"
}

// say lets all listeners of both servers hear a word, from whoever may speak there.
func (l *life) say(word string) {
	for _, s := range []*Server{l.ours, l.theirs} {
		if !slices.ContainsFunc(l.devices, func(d *Device) bool { return d.At(s).Do(&cloud.PingReq{Ping: word}).Reply == "ok" }) {
			s.TB().Fatal("nobody may speak")
		}
	}
}

// compareEvents wants the listeners of both servers to have heard the same, in one order, but for ids.
func (l *life) compareEvents(t *testing.T) {
	t.Helper()
	l.say(lastWord)
	for i, who := range l.listeners {
		a, b := heard(t, who.word, who.ours), heard(t, who.word, who.theirs)
		if !slices.Equal(a, b) {
			t.Errorf("listener %d heard %d events of ours and %d of theirs; they differ from here on:\n%s", i, len(a), len(b), firstDifference(a, b))
		}
		l.heard += len(a)
	}
}

// firstDifference shows where two lists of events begin to differ.
func firstDifference(a, b []string) string {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return fmt.Sprintf("ours:   %.600q\ntheirs: %.600q", a[n:], b[n:])
}

// heard reads events from the first word up to the last, or the end of the stream.
func heard(t *testing.T, word string, s *Stream) (all []string) {
	t.Helper()
	begun := false
	for late := time.After(time.Minute); ; {
		select {
		case frame, ok := <-s.Frames():
			if !ok {
				return all
			}
			data, _, _ := strings.Cut(strings.TrimPrefix(frame, "data:"), "\n")
			body, err := base64.StdEncoding.DecodeString(data)
			if err != nil || strings.HasPrefix(frame, "event:") {
				continue // a keep-alive
			}
			switch {
			case strings.Contains(string(body), lastWord):
				return all
			case strings.Contains(string(body), word):
				begun = true
				continue
			case !begun || strings.Contains(string(body), firstWord): // before, or of another listener
				continue
			}
			all = append(all, string(body))
		case <-late:
			t.Fatal("no end of events")
		}
	}
}
