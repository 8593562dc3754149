//go:build interop

package organisations

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/proto/cloud/cloudtest"
	"github.com/seed-73b3884f/parsec-agent/trust"
	"github.com/seed-73b3884f/parsec-agent/trust/trusttest"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// before and span are how long before now an organisation begins, and how long it lasts: servers believe 300 s either way.
const (
	before = 200 * time.Second
	span   = 300 * time.Second
)

// peer is a server with a client.
type peer struct {
	server trust.ServerAddress
	client *cloud.Client
	n      int
}

func start(t *testing.T) *peer {
	t.Helper()
	server := cloudtest.Server(t)
	client, err := cloud.NewClient(cloud.Options{Server: server})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return &peer{server: server, client: client}
}

// organisation is a new one, that lives now.
func (p *peer) organisation(o trusttest.Options) (*trusttest.Organisation, *cloudtest.Upload) {
	o.Start = must(trust.DateTimeOf(time.Now().Add(-before)))
	o.Step = 4 * span / time.Duration(o.Events) // an eighth of it is the mean
	made := trusttest.New(o)
	p.n++
	id := must(trust.NewOrganizationID(fmt.Sprintf("Org%d", p.n)))
	return made, cloudtest.NewUpload(p.server, p.client, id, made.Root())
}

// TestServer has one server for all, which takes long to start.
func TestServer(t *testing.T) {
	p, first := start(t), trusttest.Seed(t)
	t.Run("organisations", func(t *testing.T) { p.organisations(t, first) })
	t.Run("forgeries", func(t *testing.T) { p.forgeries(t, first) })
}

// organisations uploads every event, and compares what the server then has for each user with what it should.
func (p *peer) organisations(t *testing.T, first uint64) {
	size, n := trusttest.Options{Users: 12, Realms: 3, Events: 120}, uint64(2)
	if trusttest.Soak() {
		size, n = trusttest.Options{Users: 200, Realms: 20, Devices: 4, Events: 1500}, 6
	}
	for i := range n {
		size.Seed, size.Sequestered = first+i, i%2 == 0
		o, up := p.organisation(size)
		for e := range o.Life() {
			if status, err := up.Send(t.Context(), e); err != nil || status != accepted {
				t.Fatalf("event %d, %s: %s, %v", len(o.Events()), e.Command, status, err)
			}
		}
		for _, u := range o.Users() {
			if !u.Revoked {
				compare(t, o, up, u)
			} else if _, err := certificates(t, up, u, &cloud.CertificateGetReq{}); !errors.Is(err, cloud.ErrUserRevoked) {
				t.Errorf("revoked user %v: %v", u.ID, err)
			}
		}
	}
}

// certificates asks as a device of the user.
func certificates(t *testing.T, up *cloudtest.Upload, u *trusttest.User, req *cloud.CertificateGetReq) (trust.Batch, error) {
	t.Helper()
	rep, err := cloud.Do(t.Context(), up.Caller(u.Devices[len(u.Devices)-1]), req)
	if err != nil {
		return trust.Batch{}, err
	}
	got, ok := rep.(*cloud.CertificateGetOK)
	if !ok {
		return trust.Batch{}, fmt.Errorf("status %s", rep.Status())
	}
	return trust.Batch{
		Sequester: got.SequesterCertificates, Common: got.CommonCertificates, Realms: got.RealmCertificates, Shamir: got.ShamirRecoveryCertificates,
	}, nil
}

// compare asks for all that the server has for a user, and for what is new to who has what there was half way.
func compare(t *testing.T, o *trusttest.Organisation, up *cloudtest.Upload, u *trusttest.User) {
	t.Helper()
	got, err := certificates(t, up, u, &cloud.CertificateGetReq{})
	if err != nil {
		t.Fatal(err)
	}
	want := o.Stream(u).Batch()
	same(t, u, &got, want)
	if err := o.Store(u).Add(got); err != nil {
		t.Errorf("user %v: %v", u.ID, err)
	}
	half := o.Store(u)
	if err := half.Add(o.StreamAt(u, len(o.Events())/2).Batch()); err != nil {
		t.Fatal(err)
	}
	topics, realms := half.Last()
	if got, err = certificates(t, up, u, &cloud.CertificateGetReq{
		CommonAfter: after(topics, trust.TopicCommon), SequesterAfter: after(topics, trust.TopicSequester),
		ShamirRecoveryAfter: after(topics, trust.TopicShamir), RealmAfter: realms,
	}); err != nil {
		t.Fatal(err)
	}
	same(t, u, &got, o.Stream(u).Since(topics, realms))
}

func after(topics map[trust.Topic]trust.DateTime, topic trust.Topic) *trust.DateTime {
	if at, ok := topics[topic]; ok {
		return &at
	}
	return nil
}

// same compares, and puts the sequester in order: in memory, the server has a revocation right behind its service.
func same(t *testing.T, u *trusttest.User, got *trust.Batch, want trust.Batch) {
	t.Helper()
	if sameSet(got.Sequester, want.Sequester) {
		got.Sequester = want.Sequester
	}
	if !equal(got.Sequester, want.Sequester) || !equal(got.Common, want.Common) || !maps.EqualFunc(got.Realms, want.Realms, equal) || !equal(got.Shamir, want.Shamir) {
		t.Errorf("user %v gets other certificates than expected", u.ID)
	}
}

func equal(a, b [][]byte) bool { return slices.EqualFunc(a, b, bytes.Equal) }

func sameSet(a, b [][]byte) bool {
	return equal(slices.SortedFunc(slices.Values(a), bytes.Compare), slices.SortedFunc(slices.Values(b), bytes.Compare))
}

// forgeries sends every forgery that a command can carry, and compares what the server says with docs/forgeries.md.
func (p *peer) forgeries(t *testing.T, first uint64) {
	r := rand.New(rand.NewPCG(first, 3))
	said := map[string]map[string]bool{}
	waiting := map[string]trusttest.Forgery{}
	for _, k := range trusttest.Forgeries() {
		waiting[k.Name], said[k.Name] = k, map[string]bool{}
	}
	rounds := 1
	if trusttest.Soak() {
		rounds = 6
	}
	for range rounds {
		left := maps.Clone(waiting)
		for i := 0; len(left) > 0; i++ {
			if i == 150 {
				t.Fatalf("nobody could forge %v", slices.Sorted(maps.Keys(left)))
			}
			p.forge(t, trusttest.Options{Seed: r.Uint64(), Users: 10, Realms: 3, Events: 100, Sequestered: i%2 == 0}, r, left, said)
		}
	}
	compareTable(t, said)
}

// accepted is what the server says to what we refuse, and byServer stands for what no command carries.
const (
	accepted = "ok"
	byServer = "–"
)

// forge lives one organisation up to the first forgery that the server accepts.
func (p *peer) forge(t *testing.T, options trusttest.Options, r *rand.Rand, left map[string]trusttest.Forgery, said map[string]map[string]bool) {
	t.Helper()
	o, up := p.organisation(options)
	from := map[string]int{}
	names := slices.Sorted(maps.Keys(left))
	for _, name := range names {
		from[name] = r.IntN(options.Events)
	}
	try := func() (sound bool) {
		for _, name := range names {
			k, ok := left[name]
			if !ok || len(o.Events()) > 0 && len(o.Events()) < from[name] {
				continue
			}
			f := o.Forge(k, r.Uint64())
			if f == nil {
				continue
			}
			delete(left, name)
			if f.ByServer {
				said[name][byServer] = true
				continue
			}
			status, err := up.Send(t.Context(), f.Event)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			said[name][status] = true
			if status == accepted {
				return false
			}
		}
		return true
	}
	if !try() { // what is forged of the foundation
		return
	}
	for e := range o.Life() {
		if status, err := up.Send(t.Context(), e); err != nil || status != accepted {
			t.Fatalf("event %d, %s: %s, %v", len(o.Events()), e.Command, status, err)
		}
		if !try() {
			return
		}
	}
}
