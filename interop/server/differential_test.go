//go:build interop

package server_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/proto/cloud/cloudtest"
	"github.com/seed-73b3884f/parsec-agent/server/pgtest"
	"github.com/seed-73b3884f/parsec-agent/server/processtest"
	. "github.com/seed-73b3884f/parsec-agent/server/servertest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// sample is how many organisations there are, and how many requests each gets.
func sample(p *pair) (organisations, requests int) {
	switch {
	case p.several && os.Getenv("PARSEC_SOAK") != "":
		return 50, 200
	case os.Getenv("PARSEC_SOAK") != "":
		return 300, 200
	case p.postgres || p.several:
		return 2, 100
	}
	return 4, 150
}

func seed(t *testing.T) uint64 {
	t.Helper()
	s := uint64(time.Now().UnixNano())
	if text := os.Getenv("PARSEC_SEED"); text != "" {
		s = Must(strconv.ParseUint(text, 10, 64))
	}
	t.Logf("PARSEC_SEED=%d", s)
	return s
}

// pair are two servers that are to be the same.
type pair struct {
	ours, theirs *Server
	// postgres says that the original is on PostgreSQL, else it is in memory; several that ours are several processes.
	postgres, several bool
}

// pairs runs a test against both back ends of the original, ours on SQLite, on PostgreSQL, and as three processes on one PostgreSQL.
func pairs(t *testing.T, test func(t *testing.T, p *pair)) {
	t.Setenv("PEERS_CLOUD_ARGS", "--debug") // ping is answered
	t.Run("memory", func(t *testing.T) {
		theirs := Remote(t, strings.TrimSuffix(cloudtest.Server(t).HTTP(), "/"))
		t.Run("SQLite", func(t *testing.T) { test(t, &pair{ours: New(t, Options{}), theirs: theirs.For(t)}) })
		t.Run("processes", func(t *testing.T) { test(t, &pair{ours: three(t), theirs: theirs.For(t), several: true}) })
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		theirs := Remote(t, strings.TrimSuffix(cloudtest.ServerOn(t, pgtest.Database(t)).HTTP(), "/"))
		test(t, &pair{ours: New(t, Options{Store: pgtest.Database(t)}), theirs: theirs, postgres: true})
	})
}

// three are as many of our processes on one database. Each request goes to the next.
func three(t *testing.T) *Server {
	t.Helper()
	processes, dir, database := []*processtest.Process{}, t.TempDir(), pgtest.Database(t)
	for i := range 3 {
		processes = append(processes, processtest.Start(
			t, "--data-dir="+filepath.Join(dir, strconv.Itoa(i)), "--key-file="+filepath.Join(dir, "server.key"), "--db="+database, "--blockstore=POSTGRESQL",
			"--debug", "--spontaneous-organization-bootstrap", "--administration-token="+AdministrationToken,
		))
	}
	return Remote(t, processtest.Balance(t, processes...))
}

// in is the pair for a part of a test.
func (p *pair) in(t *testing.T) *pair {
	other := *p
	other.ours, other.theirs = p.ours.For(t), p.theirs.For(t)
	return &other
}

// now sets the clocks of both.
func (p *pair) now() {
	for _, s := range []*Server{p.ours, p.theirs} {
		s.Clock.Advance(time.Since(s.Clock.Now()))
	}
}

// tally counts what was seen.
type tally map[string]int

// requests is how many requests were compared, or explained.
func (y tally) requests() (n int) {
	for what, times := range y {
		if what != "(events heard)" && !strings.HasPrefix(what, "(differs)") {
			n += times
		}
	}
	return n
}

func (y tally) log(t *testing.T) {
	t.Helper()
	for _, what := range slices.Sorted(maps.Keys(y)) {
		t.Logf("%6d %s", y[what], what)
	}
	t.Logf("%6d requests", y.requests())
}

// TestSame sends the same requests to our server and to the original, and wants the same answers and events. The original takes long to start:
// all uses one.
func TestSame(t *testing.T) {
	pairs(t, func(t *testing.T, p *pair) {
		t.Run("answers", func(t *testing.T) { sameAnswers(t, p.in(t)) })
		t.Run("invitations", func(t *testing.T) { sameInvitations(t, p.in(t)) })
	})
}

// sameAnswers lets organisations live on both.
func sameAnswers(t *testing.T, p *pair) {
	t.Helper()
	random := rand.New(rand.NewPCG(seed(t), 0))
	organisations, requests := sample(p)
	seen := tally{}
	for i := range organisations {
		l := begin(t, p, random)
		l.listen(l.First)
		for n := range requests {
			if n == requests/3 || n == requests/2 {
				if d := l.device(); d.At(p.ours).Do(RealmsOf()).Reply == "ok" {
					l.listen(d)
				}
			}
			problem, parted := l.step(seen)
			if problem != "" {
				t.Errorf("organisation %d, request %d: %s", i, n, problem)
			}
			if problem != "" || parted {
				break
			}
		}
		if l.expired {
			if problem := l.administer(seen); problem != "" {
				t.Error(problem)
			}
		}
		l.compareEvents(t)
		seen["(events heard)"] += l.heard
		if i%25 == 24 {
			t.Logf("%d organisations, %d requests", i+1, seen.requests())
		}
	}
	seen.log(t)
}

// step sends one request to both and says what differs. They have parted when one did what the other refused, for a reason.
func (l *life) step(seen tally) (problem string, parted bool) {
	l.now()
	if l.expired && l.once(4) || l.once(30) {
		return l.administer(seen), false
	}
	d, req, done := l.request()
	r := l.Prepare(family(req), req, d.Token())
	if family(req) == cloud.Anonymous {
		r.Header.Del("Authorization")
	} else {
		l.spoil(r, d)
	}
	a, b := l.ours.Send(r), l.theirs.Send(r)
	if b.Status >= http.StatusInternalServerError {
		http.DefaultClient.CloseIdleConnections() // the original hangs up after a failure
	}
	late := a.Status != cloud.StatusOK && b.Reply == "ok"
	b = untilKnown(l.theirs, r, a, b)
	what := req.Command() + " " + a.Reply
	if a.Status != cloud.StatusOK {
		what = fmt.Sprintf("HTTP %d", a.Status)
	}
	seen[what]++
	problem = compare(a, b)
	if problem == "" {
		if a.Reply == "ok" {
			done()
		}
		return "", late // it was done there, before the original knew
	}
	if row := excused(l.pair, req, a, b); row != "" {
		seen["(differs) "+row]++
		if a.Reply == "ok" && b.Reply == "ok" {
			done()
		}
		return "", (a.Reply == "ok") != (b.Reply == "ok")
	}
	return req.Command() + ": " + problem, false
}

// untilKnown asks the original again: what became of a user it knows in all its parts a moment later, and what only reads does not look for itself.
func untilKnown(theirs *Server, r *Request, a, b *Answer) *Answer {
	late := []cloud.HTTPStatus{cloud.StatusUserRevoked, cloud.StatusUserFrozen}
	for deadline := time.Now().Add(10 * time.Second); a.Status != b.Status && time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if !slices.Contains(late, a.Status) && !slices.Contains(late, b.Status) {
			break
		}
		b = theirs.Send(r)
	}
	return b
}

// begin bootstraps the same organisation on both.
func begin(t *testing.T, p *pair, random *rand.Rand) *life {
	t.Helper()
	ours, theirs := p.ours, p.theirs
	ours.Clock.Advance(time.Since(ours.Clock.Now()) - 2*time.Minute)
	o := ours.Unborn()
	req := o.Prepare(cloud.Anonymous, o.BootstrapReq(), "")
	ours.Clock.Advance(time.Since(ours.Clock.Now()))
	for _, s := range []*Server{ours, theirs} {
		OK(t, s.Send(req))
	}
	return &life{
		Organization: o, pair: p, random: random, devices: []*Device{o.First}, keys: map[trust.RealmID]uint64{}, vlobs: map[trust.RealmID][]trust.VlobID{},
		last: map[trust.VlobID]uint32{}, blocks: map[trust.RealmID][]trust.BlockID{}, clock: Must(trust.DateTimeOf(time.Now().Add(-time.Minute))),
		setups: map[trust.UserID][]*trust.ShamirRecoveryBriefCertificate{},
	}
}

// spoil makes a request one that no client would send.
func (l *life) spoil(r *Request, d *Device) {
	switch l.random.IntN(60) {
	case 0:
		r.Body = r.Body[:l.random.IntN(len(r.Body))]
	case 1:
		r.Body[l.random.IntN(8)] ^= 0x40 // not lengths: bytes that nobody reads are refused here, and passed over there
	case 2:
		r.Header.Set("Authorization", d.Sibling().Token())
	case 3:
		r.Header.Set("Authorization", "Bearer "+[]string{"", "x", "a.b", "PARSEC-SIGN-ED25519.x.y.z"}[l.random.IntN(4)])
	case 4:
		r.Header.Set(cloud.HeaderVersion, []string{"", "5", "4.9", "5.0", "6.0", "5.99", "x.y"}[l.random.IntN(7)])
	case 5:
		r.Header.Set("Content-Type", []string{"", "application/json", "application/msgpack; a=b", "Application/Msgpack"}[l.random.IntN(4)])
	case 6:
		r.Path = "/authenticated/" + []string{"Nowhere", "not%20a%20name", strings.Repeat("a", 33)}[l.random.IntN(3)]
	}
}

// compare says what differs in two answers, but for what may.
func compare(ours, theirs *Answer) string {
	if ours.Status != theirs.Status || ours.Reply != theirs.Reply {
		return fmt.Sprintf("ours: HTTP status %d, %q; theirs: HTTP status %d, %q", ours.Status, ours.Reply, theirs.Status, theirs.Reply)
	}
	for _, h := range []string{cloud.HeaderVersion, cloud.HeaderSupportedVersions, "Content-Type"} {
		if a, b := ours.Header.Get(h), theirs.Header.Get(h); a != b {
			return fmt.Sprintf("header %s: ours %q, theirs %q", h, a, b)
		}
	}
	if ours.Status != cloud.StatusOK {
		return ""
	}
	a, b := fields(ours.Body), fields(theirs.Body)
	for name := range a {
		if !reflect.DeepEqual(a[name], b[name]) {
			return fmt.Sprintf("%s: field %s: ours %v, theirs %v", ours.Reply, name, a[name], b[name])
		}
	}
	if len(a) != len(b) {
		return fmt.Sprintf("%s: ours has the fields %v, theirs %v", ours.Reply, a, b)
	}
	return ""
}

// fields reads a reply without knowing it. What each server measures itself is left out, and lists without order are sorted.
func fields(body []byte) map[string]any {
	r := msgp.NewReader(strings.NewReader(string(body)))
	all := map[string]any{}
	n, err := r.ReadMapHeader()
	if err != nil {
		return map[string]any{"unreadable": err.Error()}
	}
	for range n {
		name, err := r.ReadString()
		if err != nil {
			return map[string]any{"unreadable": err.Error()}
		}
		raw := msgp.Raw{}
		if err := raw.DecodeMsg(r); err != nil {
			return map[string]any{"unreadable": err.Error()}
		}
		all[name] = string(raw)
		switch name {
		case "server_timestamp", "submitted_on", "rejected_on", "cancelled_on", "accepted_on":
			all[name] = nil
		case "enrollments": // each has a moment of the server's
			n, _, err := msgp.ReadArrayHeaderBytes(raw)
			all[name] = fmt.Sprint(n, err)
		case "changes", "items", "frozen_users":
			all[name] = unordered(raw)
		case "realm_certificates":
			all[name] = unorderedMap(raw)
		}
	}
	return all
}

// unordered reads a list as its elements in order.
func unordered(raw []byte) any {
	n, rest, err := msgp.ReadArrayHeaderBytes(raw)
	elements := []string{}
	for ; n > 0 && err == nil; n-- {
		before := rest
		rest, err = msgp.Skip(rest)
		elements = append(elements, string(before[:len(before)-len(rest)]))
	}
	slices.Sort(elements)
	return elements
}

// unorderedMap reads a map as pairs in order.
func unorderedMap(raw []byte) any {
	n, rest, err := msgp.ReadMapHeaderBytes(raw)
	pairs := []string{}
	for ; n > 0 && err == nil; n-- {
		before := rest
		if rest, err = msgp.Skip(rest); err == nil {
			rest, err = msgp.Skip(rest)
		}
		pairs = append(pairs, string(before[:len(before)-len(rest)]))
	}
	slices.Sort(pairs)
	return pairs
}
