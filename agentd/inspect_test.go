package agentd

import (
	"strings"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/agent"
	"github.com/seed-73b3884f/parsec-agent/proto/agent/agentpb"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/trust/inspect"
)

// TestInspect: anybody may ask who knows that the operation exists; a bad question is an error, an odd object is not.
func TestInspect(t *testing.T) {
	r := start(t, nil)
	c := r.dial()
	address := []byte("parsec3://example.com/org?a=async_enrollment")
	many := []byte(strings.Repeat("00\n", inspect.MaxObjects+1))
	for name, tc := range map[string]struct {
		m      *agentpb.Inspect
		status wire.Status
		says   string
	}{
		"address": {&agentpb.Inspect{Inputs: [][]byte{address}}, wire.StatusSuccess, "address of an asynchronous enrolment"},
		"odd":     {&agentpb.Inspect{Inputs: [][]byte{{1, 2, 3}}}, wire.StatusSuccess, "unknown"},
		"nothing": {&agentpb.Inspect{}, wire.StatusInvalidArgument, "nothing is to be inspected"},
		"root":    {&agentpb.Inspect{Inputs: [][]byte{address}, Root: "x"}, wire.StatusInvalidArgument, "the root key: it is neither"},
		"key":     {&agentpb.Inspect{Inputs: [][]byte{address}, Key: []byte("x")}, wire.StatusInvalidArgument, "the author's key is neither"},
		"user":    {&agentpb.Inspect{Inputs: [][]byte{address}, User: "x"}, wire.StatusInvalidArgument, "an id is 32"},
		"many":    {&agentpb.Inspect{Inputs: [][]byte{many}}, wire.StatusBodySizeExceedsLimit, "4096 objects"},
	} {
		h, body := r.ask(c, wire.Header{Flags: wire.FlagPersistent, Opcode: agent.OpInspect}, tc.m)
		if h.Status != tc.status || !strings.Contains(string(body), tc.says) {
			t.Errorf("%s: %s %q", name, h.Status, body)
		}
		if h.Status == wire.StatusSuccess {
			result := &agentpb.InspectResult{}
			if err := psa.Unmarshal(body, result); err != nil || len(result.GetObjects()) != 1 || result.GetUser() != "" {
				t.Errorf("%s: %v, %v", name, result, err)
			}
		}
	}
	r.want(wire.StatusOpcodeDoesNotExist, agent.OpInspect, wire.ProviderCore, &agentpb.Inspect{Inputs: [][]byte{address}})
}
