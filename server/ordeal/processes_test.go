package ordeal

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/pgtest"
	"github.com/seed-73b3884f/parsec-agent/server/processtest"
	. "github.com/seed-73b3884f/parsec-agent/server/servertest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// cluster is several processes on one database, and the proxy before them.
type cluster struct {
	processes []*processtest.Process
	proxy     *Server
}

// together starts processes with the same options, and one key.
func together(t *testing.T, n int, args ...string) *cluster {
	t.Helper()
	c, dir := &cluster{}, t.TempDir()
	for i := range n {
		own := []string{
			"--data-dir=" + filepath.Join(dir, fmt.Sprint(i)), "--key-file=" + filepath.Join(dir, "server.key"), "--debug", "--spontaneous-organization-bootstrap",
		}
		c.processes = append(c.processes, processtest.Start(t, append(own, args...)...))
	}
	c.proxy = Remote(t, processtest.Balance(t, c.processes...))
	return c
}

// at is a process without the proxy.
func (c *cluster) at(t *testing.T, i int) *Server {
	t.Helper()
	return Remote(t, c.processes[i].URL())
}

// TestEventsCrossProcesses: what is done through one process is heard, and known, at the others.
func TestEventsCrossProcesses(t *testing.T) {
	c := together(t, 3, "--db="+pgtest.Database(t), "--blockstore=POSTGRESQL")
	o := c.proxy.Bootstrapped()
	alice, bob := o.First, o.Enrol("bob", trust.Standard)
	realm := alice.CreateRealm()
	OK(t, alice.Do(alice.RotationReq(realm, 1, alice.User)))
	streams := []*Stream{}
	for i := range c.processes {
		OK(t, bob.At(c.at(t, i)).Do(RealmsOf())) // remembered there from now on
		streams = append(streams, bob.At(c.at(t, i)).Listen(""))
	}
	OK(t, alice.Do(&cloud.RealmShareReq{
		RealmRoleCertificate: alice.RoleReq(realm, bob.User, trust.Reader), RecipientKeysBundleAccess: []byte("access"), KeyIndex: 1,
	}))
	for i, writer := range c.processes {
		here := alice.At(Remote(t, writer.URL()))
		here.Org.Clock.Advance(alice.Org.Clock.Now().Sub(here.Org.Clock.Now()))
		vlob := here.VlobReq(realm, 1, fmt.Sprint(i))
		OK(t, here.Do(vlob))
		for n, s := range streams {
			if e := Await[*cloud.EventVlob](s); e.VlobID != vlob.VlobID {
				t.Errorf("process %d tells of vlob %s, which is not the one that process %d stored", n, e.VlobID, i)
			}
		}
	}
	alice.Org.Clock.Advance(2e9)
	alice.Revoke(bob)
	for i, s := range streams {
		s.Ended()
		WantHTTP(t, bob.At(c.at(t, i)).Do(RealmsOf()), cloud.StatusUserRevoked)
	}
}

// TestProcessKilledUnderLoad: one process after the other is killed while clients write through a proxy, and started again. The others go on,
// and nothing that was acknowledged is lost.
func TestProcessKilledUnderLoad(t *testing.T) {
	for _, n := range []int{2, 3} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			c := together(t, n, "--db="+pgtest.Database(t), "--blockstore=POSTGRESQL")
			o := c.proxy.Bootstrapped()
			realm := o.First.CreateRealm()
			l := begin(t, o.First, realm)
			for round := range amount(2, 30) {
				l.progress()
				victim := c.processes[round%n]
				victim.Kill()
				l.progress()
				victim.Again()
			}
			l.progress()
			l.end()
			l.ledger.Check(t, o.First, realm, true)
			vlobs, blocks := l.ledger.Count()
			t.Logf("%d vlobs and %d blocks", vlobs, blocks)
		})
	}
}

// TestDatabaseRestartedUnderLoad: PostgreSQL ends and comes back, in order and not, while clients write. Processes resume by themselves.
func TestDatabaseRestartedUnderLoad(t *testing.T) {
	database := pgtest.Start(t, pgtest.Options{Settings: map[string]string{"fsync": "on"}})
	c := together(t, 2, "--db="+database.Database(t), "--blockstore=POSTGRESQL")
	o := c.proxy.Bootstrapped()
	realm, other := o.First.CreateRealm(), o.First.AddDevice()
	l := begin(t, o.First, realm)
	for round := range amount(2, 20) {
		l.progress()
		end := database.Stop
		if round%2 == 1 {
			end = database.Kill
		}
		if err := end(); err != nil {
			t.Fatal(err)
		}
		if err := database.Start(); err != nil {
			t.Fatal(err)
		}
	}
	l.progress()
	l.end()
	for i := range c.processes {
		comes(t, other.At(c.at(t, i)), o.First, realm)
	}
	l.ledger.Check(t, o.First, realm, true)
}
