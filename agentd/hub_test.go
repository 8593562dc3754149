package agentd

import (
	"context"
	"errors"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/agent/agentpb"
)

// TestHub: everybody gets all events in order; who does not read loses the oldest and learns how many.
func TestHub(t *testing.T) {
	h := &hub{}
	slow, fast := h.listen(), h.listen()
	const more = 7
	for i := range maxWaiting + more {
		h.publish(&agentpb.Event{UnixMs: int64(i)})
		all, lost, err := h.next(t.Context(), fast)
		if err != nil || len(all) != 1 || all[0].GetUnixMs() != int64(i) || lost != 0 {
			t.Fatal(all, lost, err)
		}
	}
	all, lost, err := h.next(t.Context(), slow)
	if err != nil || len(all) != maxWaiting || lost != more || all[0].GetUnixMs() != more {
		t.Fatal(len(all), lost, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := h.next(ctx, slow); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	h.leave(slow)
	h.publish(&agentpb.Event{})
	if len(slow.queue) != 0 {
		t.Error("who left is told")
	}
	h.close()
	h.publish(&agentpb.Event{})
	if late := h.listen(); len(fast.queue) != 1 || len(late.queue) != 0 {
		t.Error("a closed hub tells")
	}
}
