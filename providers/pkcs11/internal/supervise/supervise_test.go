package supervise_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/frame"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/supervise"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// buffer collects a log.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *buffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *buffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// start starts a shell script as helper; descriptor 3 is the socket.
func start(t *testing.T, script string, o supervise.Options) (*supervise.Helper, *buffer) {
	t.Helper()
	log := &buffer{}
	o.Path = filepath.Join(t.TempDir(), "helper")
	o.Logger = slog.New(slog.NewTextHandler(log, nil))
	if err := os.WriteFile(o.Path, []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	h, err := supervise.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	return h, log
}

// octal writes bytes as printf of a shell reads them.
func octal(b []byte) string {
	out := ""
	for _, c := range b {
		out += "\\" + string([]byte{'0' + c>>6, '0' + c>>3&7, '0' + c&7})
	}
	return out
}

func encode(t *testing.T, r *frame.Response) string {
	t.Helper()
	b, err := r.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	return octal(b)
}

func TestEnds(t *testing.T) {
	for name, c := range map[string]struct{ script, reason string }{
		"exit":        {"echo sorry >&2; exit 3", `ended with exit status 3 ("sorry")`},
		"quiet end":   {"exit 0", "ended by itself"},
		"signal":      {"kill -SEGV $$", "crashed: segmentation fault"},
		"no frame":    {"printf '\\377\\377\\377\\377' >&3; sleep 60", "what is no frame"},
		"no response": {"printf '\\001\\000\\000\\000\\000' >&3; sleep 60", "what is no response"},
		"hang":        {"sleep 60", `did not finish to sign within 200ms`},
		"wrong id":    {"printf '" + encode(t, &frame.Response{ID: 99}) + "' >&3; sleep 60", "did not finish to sign within 200ms"},
	} {
		t.Run(name, func(t *testing.T) {
			h, _ := start(t, c.script, supervise.Options{})
			_, err := h.Call(t.Context(), &frame.Request{Op: frame.OpSign}, 200*time.Millisecond)
			if _, ok := errors.AsType[*supervise.Ended](err); !ok || !strings.Contains(err.Error(), c.reason) {
				t.Errorf("error %v, want %q", err, c.reason)
			}
			_, err = h.Call(t.Context(), &frame.Request{Op: frame.OpSign}, time.Minute)
			if ended, ok := errors.AsType[*supervise.Ended](err); !ok || ended.Sent {
				t.Errorf("a request after the end: %v", err)
			}
		})
	}
}

func TestAnswersAndEvents(t *testing.T) {
	events := make(chan *frame.Response, 1)
	event := &frame.Response{Slots: []frame.Slot{{ID: 7}}}
	h, log := start(t, "head -c 20 <&3 >/dev/null; echo hello >&2; printf '"+encode(t, event)+encode(t, &frame.Response{ID: 1, Data: []byte("yes")})+"' >&3; cat <&3",
		supervise.Options{Event: func(r *frame.Response) { events <- r }})
	out, err := h.Call(t.Context(), &frame.Request{Op: frame.OpSign}, time.Minute)
	if err != nil || string(out.Data) != "yes" {
		t.Fatalf("%+v, %v", out, err)
	}
	if e := <-events; len(e.Slots) != 1 || e.Slots[0].ID != 7 {
		t.Errorf("event %+v", e)
	}
	h.Close()
	if !strings.Contains(log.String(), "text=hello") {
		t.Errorf("log %s", log)
	}
}

// TestGivingUp: a caller that gives up does not wait, and does not spare the helper its
// deadline.
func TestGivingUp(t *testing.T) {
	h, _ := start(t, "sleep 60", supervise.Options{})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := h.Call(ctx, &frame.Request{Op: frame.OpSign}, 300*time.Millisecond); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
	<-h.Ended()
}

// TestEnvironment: the helper gets what a library may need, not what is the agent's own.
func TestEnvironment(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "private")
	t.Setenv("SOFTHSM2_CONF", "wanted")
	h, log := start(t, "env >&2", supervise.Options{Env: []string{"MORE=more"}})
	<-h.Ended()
	h.Close()
	if s := log.String(); strings.Contains(s, "NOTIFY_SOCKET") || !strings.Contains(s, "SOFTHSM2_CONF=wanted") || !strings.Contains(s, "MORE=more") {
		t.Errorf("environment:\n%s", s)
	}
}
