//go:build interop

package server_test

import (
	"bytes"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/proto/cloud/cloudtest"
	"github.com/seed-73b3884f/parsec-agent/server/command"
	"github.com/seed-73b3884f/parsec-agent/server/pgtest"
	"github.com/seed-73b3884f/parsec-agent/server/processtest"
	. "github.com/seed-73b3884f/parsec-agent/server/servertest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// runs runs a command of parsec-server.
func runs(t *testing.T, status int, args ...string) string {
	t.Helper()
	got, said := program(t, args...)
	if got != status {
		t.Fatalf("%q: exit status %d: %s", args, got, said)
	}
	return said
}

// program runs a command of parsec-server, and returns its exit status and what it says. Exports are made an hour later, when all is old enough for one.
func program(t *testing.T, args ...string) (status int, said string) {
	t.Helper()
	out := &bytes.Buffer{}
	p := &command.Program{
		Out: out, Err: out, Version: "test", Getenv: func(string) string { return "" }, Now: func() time.Time { return time.Now().Add(time.Hour) },
	}
	status = p.Run(t.Context(), args)
	return status, out.String()
}

// TestImport: busy organisations of an original server are imported, read back equal, and their clients go on: our server goes on to answer what
// the original does.
func TestImport(t *testing.T) {
	t.Setenv("PEERS_CLOUD_ARGS", "--debug")
	database := pgtest.Database(t)
	theirs := Remote(t, strings.TrimSuffix(cloudtest.ServerOn(t, database).HTTP(), "/"))
	before := &pair{ours: New(t, Options{}), theirs: theirs, postgres: true}
	random := rand.New(rand.NewPCG(seed(t), 2))
	lives, meeting := busyLives(t, before, random)
	special := administered(t, theirs)
	realms := map[trust.RealmID]trust.OrganizationID{special.realm: special.ID}
	for _, l := range lives {
		for _, realm := range l.realms {
			realms[realm] = l.ID
		}
	}

	from := []string{"import", "--from=" + database, "--from-blockstore=POSTGRESQL"}
	for name, place := range map[string][]string{"SQLite": nil, "PostgreSQL": {"--db=" + pgtest.Database(t), "--blockstore=POSTGRESQL"}} {
		t.Run(name, func(t *testing.T) {
			place := append([]string{"--data-dir=" + t.TempDir()}, place...)
			importInSteps(t, lives, append(slices.Clone(from), place...))
			ours := Remote(t, processtest.Start(t, append(place, "--debug", "--spontaneous-organization-bootstrap", "--administration-token="+cloudtest.AdministrationToken)...).URL())
			after := &pair{ours: ours, theirs: theirs, postgres: true}
			for _, l := range lives {
				l.move(t, after)
				l.readAll(t)
			}
			meeting.move(t, after)
			meeting.readAll(t)
			special.check(t, ours)
			sameExports(t, database, place, realms)
			if name != "PostgreSQL" {
				return // the original can go on with one server only
			}
			for _, l := range lives {
				l.listen(l.admitted(t))
				for n := range 40 {
					if problem, parted := l.step(tally{}); problem != "" || parted {
						if problem != "" {
							t.Errorf("request %d after the import: %s", n, problem)
						}
						break
					}
				}
				l.compareEvents(t)
			}
			for n := range 60 {
				after.now()
				if what, problem := meeting.step(); problem != "" {
					t.Fatalf("request %d after the import: %s: %s", n, what, problem)
				}
			}
		})
	}
	refusesSharedIDs(t, theirs, from)
}

// refusesSharedIDs sees that an organisation in which two realms have a block with one id is not imported, for one content would be lost.
func refusesSharedIDs(t *testing.T, theirs *Server, from []string) {
	t.Helper()
	o := theirs.Bootstrapped()
	id := trust.NewBlockID()
	for _, content := range []string{"one", "other"} {
		OK(t, o.First.Do(&cloud.BlockCreateReq{BlockID: id, RealmID: o.First.CreateRealm(), Block: []byte(content)}))
	}
	said := runs(t, 1, append(slices.Clone(from), "--data-dir="+t.TempDir())...)
	plain := strings.ReplaceAll(said, "-", "") // the id is said as PostgreSQL writes it
	if !strings.Contains(plain, o.ID.String()+": 1 ids of blocks are used in several realms, such as "+id.String()) {
		t.Error(said)
	}
}

// busyLives are organisations that lived on both servers.
func busyLives(t *testing.T, p *pair, random *rand.Rand) ([]*life, *inviting) {
	t.Helper()
	requests := 80
	if os.Getenv("PARSEC_SOAK") != "" {
		requests = 1500
	}
	lives := []*life{}
	for range 2 {
		l := begin(t, p, random)
		l.distinct = true
		for n := range requests {
			problem, parted := l.step(tally{})
			if problem != "" {
				t.Fatalf("request %d: %s", n, problem)
			}
			if parted {
				break
			}
		}
		if l.expired {
			if problem := l.administer(tally{}); problem != "" {
				t.Fatal(problem)
			}
		}
		lives = append(lives, l)
	}
	meeting := meet(t, p, random)
	for n := range requests {
		p.now()
		if what, problem := meeting.step(); problem != "" {
			t.Fatalf("request %d: %s: %s", n, what, problem)
		}
	}
	return lives, meeting
}

// importInSteps looks first, imports one organisation, then all.
func importInSteps(t *testing.T, lives []*life, args []string) {
	t.Helper()
	if said := runs(t, 0, append(slices.Clone(args), "--dry-run")...); !strings.Contains(said, "of which 0 are lost, would be imported") {
		t.Error(said)
	}
	for _, arg := range args {
		if dir, is := strings.CutPrefix(arg, "--data-dir="); is && len(Must(os.ReadDir(dir))) > 0 {
			t.Error("a dry run wrote something")
		}
	}
	one := append(slices.Clone(args), "--organization="+lives[0].ID.String())
	if said := runs(t, 0, one...); strings.Count(said, "were imported and compared") != 1 {
		t.Error(said)
	}
	for _, texts := range []map[string]int{{"were imported and compared": 4, "is here already": 1}, {"is here already": 5}} {
		said := runs(t, 0, args...)
		for text, n := range texts {
			if strings.Count(said, text) != n {
				t.Errorf("%s, want %q %d times", said, text, n)
			}
		}
	}
	if said := runs(t, 1, append(slices.Clone(args), "--organization=Nobody")...); !strings.Contains(said, "no organisation") {
		t.Error(said)
	}
}

// move lets the organisation go on with other servers.
func (l *life) move(t *testing.T, p *pair) {
	t.Helper()
	p.now()
	l.pair, l.listeners, l.heard = p, nil, 0
	l.Server = p.ours
}

// move gives our server the tokens and attempts of the original, which it was imported with.
func (l *inviting) move(t *testing.T, p *pair) {
	t.Helper()
	l.life.move(t, p)
	l.servers[0] = p.ours
	for i := range l.tokens {
		l.tokens[i][0] = l.tokens[i][1]
	}
	for i := range l.attempts {
		l.attempts[i][0] = l.attempts[i][1]
	}
	for _, d := range l.devices {
		if l.admits(d) {
			l.listen(d)
		}
	}
}

// readAll reads everything that every device may read from both, and wants the same.
func (l *life) readAll(t *testing.T) {
	t.Helper()
	read := 0
	for _, d := range l.devices {
		reqs := []cloud.Request{RealmsOf(), &cloud.ListFrozenUsersReq{}, &cloud.OrganizationInfoReq{}, &cloud.InviteListReq{}, &cloud.AsyncEnrollmentListReq{}}
		for _, realm := range l.realms {
			poll := &cloud.VlobPollChangesReq{RealmID: realm}
			reqs = append(reqs, poll)
			for index := range l.keys[realm] + 1 {
				reqs = append(reqs, &cloud.RealmGetKeysBundleReq{RealmID: realm, KeyIndex: index})
			}
			versions := &cloud.VlobReadVersionsReq{RealmID: realm}
			for _, id := range l.vlobs[realm] {
				for v := range l.last[id] {
					versions.Items = append(versions.Items, cloud.VlobVersion{VlobID: id, Version: v + 1})
				}
			}
			reqs = append(reqs, versions)
			for _, id := range l.blocks[realm] {
				reqs = append(reqs, &cloud.BlockReadReq{RealmID: realm, BlockID: id})
			}
		}
		for _, req := range reqs {
			a, b := d.At(l.ours).Do(req), d.At(l.theirs).Do(req)
			b = untilKnown(l.theirs, l.Prepare(cloud.Authenticated, req, d.Token()), a, b)
			if problem := compare(a, b); problem != "" && excused(l.pair, req, a, b) == "" {
				t.Errorf("%s: %s", req.Command(), problem)
			}
			if a.Reply == "ok" {
				read++
			}
		}
	}
	if read < 10 {
		t.Errorf("%d answers: nothing was read", read)
	}
}
