//go:build interop

package server_test

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	. "github.com/seed-73b3884f/parsec-agent/server/servertest"
)

// lastWord ends what listeners hear.
const lastWord = "that was all"

// listening is a device that listens to both servers.
type listening struct {
	device       *Device
	ours, theirs *Stream
}

// listen lets a device hear what happens from now on.
func (l *life) listen(d *Device) {
	l.listeners = append(l.listeners, listening{d, d.At(l.ours).Listen(""), d.At(l.theirs).Listen("")})
}

// compareEvents wants the listeners of both servers to have heard the same, in one order, but for ids.
func (l *life) compareEvents(t *testing.T) {
	t.Helper()
	for _, s := range []*Server{l.ours, l.theirs} {
		OK(t, l.First.At(s).Do(&cloud.PingReq{Ping: lastWord}))
	}
	for i, who := range l.listeners {
		a, b := heard(t, who.ours), heard(t, who.theirs)
		if !slices.Equal(a, b) {
			t.Errorf("listener %d heard %d events of ours and %d of theirs, which differ:\n%q\n%q", i, len(a), len(b), a, b)
		}
		l.heard += len(a)
	}
}

// heard reads events up to the last word, or the end of the stream.
func heard(t *testing.T, s *Stream) (all []string) {
	t.Helper()
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
			if strings.Contains(string(body), lastWord) {
				return all
			}
			all = append(all, string(body))
		case <-late:
			t.Fatal("no end of events")
		}
	}
}
