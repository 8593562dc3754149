package agentd

import (
	"testing"

	"github.com/seed-73b3884f/parsec-agent/agentd/config"
)

// TestEbbIsToldOnce: memory is given back when a flood has gone, not when the number of
// connections goes up and down.
func TestEbbIsToldOnce(t *testing.T) {
	g := newLedger(config.Limits{Connections: 2 * flood, ConnectionsPerUID: 2 * flood})
	connect := func(n int) (all []*account) {
		t.Helper()
		for range n {
			a, err := g.connect(1000)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, a)
		}
		return all
	}
	leave := func(all []*account) (told int) {
		for _, a := range all {
			a.disconnect()
			if g.ebb() {
				told++
			}
		}
		return told
	}
	if n := leave(connect(flood - 1)); n != 0 {
		t.Errorf("a usual number of connections ended, memory was given back %d times", n)
	}
	crowd := connect(2 * flood)
	if n := leave(crowd[:flood]); n != 0 {
		t.Errorf("half of a flood is left, memory was given back %d times", n)
	}
	if n := leave(crowd[flood:]); n != 1 {
		t.Errorf("a flood has gone, memory was given back %d times", n)
	}
	if n := leave(connect(flood / 2)); n != 0 {
		t.Errorf("after it, memory was given back %d times", n)
	}
}
