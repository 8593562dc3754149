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

// TestTwoServersOnOneDatabase: what happens on one is known on the other.
func TestTwoServersOnOneDatabase(t *testing.T) {
	address := pgtest.Database(t)
	one := New(t, Options{Store: address})
	two := New(t, Options{Store: address, Clock: one.Clock})
	o := one.Bootstrapped()
	alice, bob := o.First, o.Enrol("bob", trust.Standard)
	there := bob.At(two)
	OK(t, there.Do(RealmsOf())) // remembered there from now on
	stream := there.Listen("")
	realm := alice.CreateRealm()
	OK(t, alice.Do(alice.RotationReq(realm, 1, alice.User)))
	OK(t, alice.Do(share(alice, realm, bob.User, trust.Reader, 1)))
	if e := Await[*cloud.EventRealmCertificate](stream); e.RealmID != realm {
		t.Errorf("%+v", e)
	}
	vlob := alice.VlobReq(realm, 1, "x")
	OK(t, alice.Do(vlob))
	if e := Await[*cloud.EventVlob](stream); e.VlobID != vlob.VlobID {
		t.Errorf("%+v", e)
	}
	OK(t, there.Do(&cloud.VlobReadBatchReq{RealmID: realm}))
	alice.Revoke(bob)
	WantHTTP(t, there.Do(RealmsOf()), cloud.StatusUserRevoked)
	stream.Ended()
}

// TestVlobsRace: of those that write one version through two servers one wins, and checkpoints have no gap.
func TestVlobsRace(t *testing.T) {
	address := pgtest.Database(t)
	one := New(t, Options{Store: address})
	two := New(t, Options{Store: address, Clock: one.Clock})
	o := one.Bootstrapped()
	realm := o.First.CreateRealm()
	first := o.First.VlobReq(realm, 0, "x")
	OK(t, o.First.Do(first))
	const rounds, writers = 20, 6
	won := 0
	for round := range rounds {
		group, mu := sync.WaitGroup{}, sync.Mutex{}
		for w := range writers {
			writer := o.First.At([]*Server{one, two}[w%2])
			req := &cloud.VlobUpdateReq{
				RealmID: realm, VlobID: first.VlobID, Timestamp: one.Clock.Tick(), Version: uint32(round + 2), Blob: fmt.Append(nil, w),
			}
			group.Go(func() {
				a := writer.Do(req)
				mu.Lock()
				defer mu.Unlock()
				switch a.Reply {
				case "ok":
					won++
				case "bad_vlob_version":
				default:
					t.Errorf("%s (HTTP status %d)", a.Reply, a.Status)
				}
			})
		}
		group.Wait()
		if won != round+1 {
			t.Fatalf("%d of %d rounds were won", won, round+1)
		}
		one.Clock.Advance(-writers * time.Second)
	}
	poll := &cloud.VlobPollChangesReq{RealmID: realm}
	rep := Decode[cloud.VlobPollChangesOK](t, o.First.Do(poll), poll.DecodeReply)
	if rep.CurrentCheckpoint != rounds+1 || len(rep.Changes) != 1 || rep.Changes[0].Version != rounds+1 {
		t.Errorf("%+v", rep)
	}
}

// TestInvitationsRace: those who invite the same person through two servers get one token, and both sides that begin at once meet.
func TestInvitationsRace(t *testing.T) {
	address := pgtest.Database(t)
	one := New(t, Options{Store: address})
	two := New(t, Options{Store: address, Clock: one.Clock})
	here := one.Bootstrapped().First
	there := here.At(two)
	token := inviteUser(t, here, "zoe@example.com")
	const rounds = 10
	for range rounds {
		group, invited, attempts := sync.WaitGroup{}, [2]*Answer{}, [2]*Answer{}
		email := Must(trust.NewEmailAddress(trust.NewUserID().String() + "@example.com"))
		for i, d := range []*Device{here, there} {
			group.Go(func() { invited[i] = d.Do(&cloud.InviteNewUserReq{ClaimerEmail: email}) })
		}
		group.Go(func() { attempts[0] = there.Do(&cloud.InviteGreeterStartGreetingAttemptReq{Token: token}) })
		group.Go(func() {
			attempts[1] = here.Org.Invited(token, &cloud.InviteClaimerStartGreetingAttemptReq{Greeter: here.User})
		})
		group.Wait()
		for _, pair := range [][2]*Answer{invited, attempts} {
			OK(t, pair[0])
			OK(t, pair[1])
			if string(pair[0].Body) != string(pair[1].Body) {
				t.Fatalf("one is answered %x, the other %x", pair[0].Body, pair[1].Body)
			}
		}
		OK(t, here.Do(&cloud.InviteGreeterCancelGreetingAttemptReq{GreetingAttempt: Decode[cloud.InviteGreeterStartGreetingAttemptOK](
			t, attempts[0], (&cloud.InviteGreeterStartGreetingAttemptReq{}).DecodeReply).GreetingAttempt, Reason: cloud.CancelledManuallyCancelled}))
	}
}
