package rules_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/pgtest"
	. "github.com/seed-73b3884f/parsec-agent/server/servertest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// TestDatabaseEndsUnderLoad: PostgreSQL is killed and started again while clients write. Nothing acknowledged is lost, what fails says so with a
// status after which clients try again, and the server resumes by itself, with its streams of events.
func TestDatabaseEndsUnderLoad(t *testing.T) {
	database := pgtest.Start(t, pgtest.Options{})
	s := New(t, Options{Store: database.Database(t)})
	o := s.Bootstrapped()
	realm := o.First.CreateRealm()
	stream := o.First.AddDevice().Listen("")
	s.Clock.Tick()
	stop, group := make(chan struct{}), sync.WaitGroup{}
	acknowledged, mu := []trust.VlobID{}, sync.Mutex{}
	for range 4 {
		group.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				at := Must(trust.DateTimeOf(s.Clock.Now()))
				req := &cloud.VlobCreateReq{RealmID: realm, VlobID: trust.NewVlobID(), Timestamp: at, Blob: fmt.Append(nil, at)}
				switch a := o.First.Do(req); {
				case a.Reply == "ok":
					mu.Lock()
					acknowledged = append(acknowledged, req.VlobID)
					mu.Unlock()
				case a.Status != cloud.StatusStopping:
					t.Errorf("HTTP status %d, reply %q", a.Status, a.Reply)
					return
				}
			}
		})
	}
	count := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(acknowledged)
	}
	progress := func() {
		t.Helper()
		for before, deadline := count(), time.Now().Add(time.Minute); count() < before+20; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("nothing is written any more after %d", before)
			}
		}
	}
	progress()
	for range 2 {
		if err := database.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := database.Start(); err != nil {
			t.Fatal(err)
		}
		progress()
	}
	close(stop)
	group.Wait()
	stream.Ended()
	poll := &cloud.VlobPollChangesReq{RealmID: realm}
	rep := Decode[cloud.VlobPollChangesOK](t, o.First.Do(poll), poll.DecodeReply)
	there := map[trust.VlobID]bool{}
	for _, v := range rep.Changes {
		there[v.VlobID] = true
	}
	for _, id := range acknowledged {
		if !there[id] {
			t.Errorf("vlob %s was acknowledged and is lost", id)
		}
	}
	resumes(t, o.First)
}

// resumes wants events to come again.
func resumes(t *testing.T, d *Device) {
	t.Helper()
	stream := d.Listen("")
	for deadline := time.Now().Add(time.Minute); ; {
		OK(t, d.Do(&cloud.PingReq{Ping: "back"}))
		select {
		case f, ok := <-stream.Frames():
			if !ok { // the connection for events came back only now, which ends streams once more
				stream = d.Listen("")
				continue
			}
			if len(f) > 0 {
				return
			}
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatal("no event comes any more")
		}
	}
}
