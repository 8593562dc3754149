package ordeal

import (
	"sync"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	. "github.com/seed-73b3884f/parsec-agent/server/servertest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// load is clients that write until they are told to stop, whatever happens to servers.
type load struct {
	t      *testing.T
	ledger *Ledger
	stop   chan struct{}
	group  sync.WaitGroup
}

// refusals are answers after which a client tries again: the server could not do it now.
var refusals = map[cloud.HTTPStatus]bool{cloud.StatusStopping: true, 502: true, 504: true}

// begin starts clients, half of whom write blocks.
func begin(t *testing.T, d *Device, realm trust.RealmID) *load {
	t.Helper()
	l := &load{t: t, ledger: NewLedger(), stop: make(chan struct{})}
	for i := range 4 {
		write := l.ledger.WriteVlob
		if i%2 == 0 {
			write = l.ledger.WriteBlock
		}
		l.group.Go(func() {
			for l.goesOn() {
				a, err := write(d, realm)
				if err == nil && a.Reply != "ok" && a.Reply != "store_unavailable" && !refusals[a.Status] {
					t.Errorf("HTTP status %d, reply %q", a.Status, a.Reply)
					return
				}
				if err != nil || a.Reply != "ok" {
					l.pause()
				}
			}
		})
	}
	t.Cleanup(l.end)
	return l
}

func (l *load) goesOn() bool {
	select {
	case <-l.stop:
		return false
	default:
		return true
	}
}

// pause is how clients wait before they try again.
func (l *load) pause() {
	select {
	case <-l.stop:
	case <-time.After(50 * time.Millisecond):
	}
}

// progress waits until more of both kinds was acknowledged.
func (l *load) progress() {
	const more = 10
	l.t.Helper()
	l.ledger.Grow(l.t, more)
}

// end stops all clients.
func (l *load) end() {
	if l.goesOn() {
		close(l.stop)
	}
	l.group.Wait()
}

// comes waits for an event of a vlob that another device makes: streams may end and begin anew until then.
func comes(t *testing.T, listener, author *Device, realm trust.RealmID) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		stream := listener.Listen("")
		_, err := NewLedger().WriteVlob(author, realm)
		if err != nil {
			continue
		}
		select {
		case _, ok := <-stream.Frames():
			if ok {
				return
			}
		case <-time.After(time.Second):
		}
	}
	t.Fatal("no event comes")
}
