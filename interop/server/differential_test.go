//go:build interop

package server_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/proto/cloud/cloudtest"
	. "github.com/seed-73b3884f/parsec-agent/server/servertest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// sample is how many organisations there are, and how many requests each gets.
func sample() (organisations, requests int) {
	if os.Getenv("PARSEC_SOAK") != "" {
		return 300, 180
	}
	return 6, 120
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

// TestSameAnswers sends the same requests to our server and to the original, and wants the same answers.
func TestSameAnswers(t *testing.T) {
	t.Setenv("PEERS_CLOUD_ARGS", "--debug") // ping is answered
	theirs := Remote(t, strings.TrimSuffix(cloudtest.Server(t).HTTP(), "/"))
	ours := New(t, Options{})
	random := rand.New(rand.NewPCG(seed(t), 0))
	organisations, requests := sample()
	seen := map[string]int{}
	for i := range organisations {
		l := begin(t, ours, theirs, random)
		l.listen(l.First, ours, theirs)
		for n := range requests {
			if n == requests/3 || n == requests/2 {
				if d := l.device(); d.At(ours).Do(RealmsOf()).Reply == "ok" {
					l.listen(d, ours, theirs)
				}
			}
			for _, s := range []*Server{ours, theirs} {
				s.Clock.Advance(time.Since(s.Clock.Now()))
			}
			d, req, done := l.request()
			r := l.Prepare(cloud.Authenticated, req, d.Token())
			l.spoil(r, d)
			a, b := ours.Send(r), theirs.Send(r)
			if a.Status == cloud.StatusUserRevoked {
				b = untilRevoked(theirs, r, b)
			}
			what := req.Command() + " " + a.Reply
			if a.Status != cloud.StatusOK {
				what = fmt.Sprintf("HTTP %d", a.Status)
			}
			seen[what]++
			if problem := compare(a, b); problem != "" {
				t.Errorf("organisation %d, request %d: %s: %s", i, n, req.Command(), problem)
				if a.Reply != b.Reply {
					return // their states differ from here on
				}
			}
			if a.Reply == "ok" {
				done()
			}
		}
		l.compareEvents(t, ours, theirs)
		seen["events heard"] += l.heard
	}
	for _, what := range slices.Sorted(maps.Keys(seen)) {
		t.Logf("%5d %s", seen[what], what)
	}
}

// untilRevoked asks the original again: it forgets a device some time after its user was revoked, and what only reads does not look for itself.
func untilRevoked(theirs *Server, r *Request, b *Answer) *Answer {
	for deadline := time.Now().Add(10 * time.Second); b.Status != cloud.StatusUserRevoked && time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		b = theirs.Send(r)
	}
	return b
}

// begin bootstraps the same organisation on both.
func begin(t *testing.T, ours, theirs *Server, random *rand.Rand) *life {
	t.Helper()
	ours.Clock.Advance(time.Since(ours.Clock.Now()) - 2*time.Minute)
	o := ours.Unborn()
	req := o.Prepare(cloud.Anonymous, o.BootstrapReq(), "")
	ours.Clock.Advance(time.Since(ours.Clock.Now()))
	for _, s := range []*Server{ours, theirs} {
		OK(t, s.Send(req))
	}
	return &life{
		Organization: o, random: random, devices: []*Device{o.First}, keys: map[trust.RealmID]uint64{}, vlobs: map[trust.RealmID][]trust.VlobID{},
		last: map[trust.VlobID]uint32{}, blocks: map[trust.RealmID][]trust.BlockID{}, clock: Must(trust.DateTimeOf(time.Now().Add(-time.Minute))),
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
		case "server_timestamp":
			all[name] = nil
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
