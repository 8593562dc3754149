package sessiontest

import (
	"bytes"
	"iter"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/proto/cloud/cloudtest"
	"github.com/seed-73b3884f/parsec-agent/server/servertest"
	"github.com/seed-73b3884f/parsec-agent/trust"
	"github.com/seed-73b3884f/parsec-agent/trust/trusttest"
)

// World is an organisation with a life, on a real server behind a proxy, as one user sees it.
type World struct {
	*trusttest.Organisation
	ID    trust.OrganizationID
	Proxy *Proxy
	// URL is that of the server itself.
	URL   string
	Clock *servertest.Clock
	Self  *trusttest.User
	// known are the certificates by their bytes, in both forms.
	known map[trust.HashDigest]*trusttest.Certificate
}

// NewWorld plays the life of an organisation to a server of its own.
func NewWorld(t testing.TB, o trusttest.Options) *World {
	t.Helper()
	s := newServer(t)
	o.Start = servertest.Must(trust.DateTimeOf(s.Clock.Now()))
	w := &World{
		Organisation: trusttest.New(o), ID: servertest.Must(trust.NewOrganizationID("World")), Proxy: NewProxy(t, s.URL), Clock: s.Clock,
		known: map[trust.HashDigest]*trusttest.Certificate{}, URL: s.URL,
	}
	w.upload(t, s, w.Life())
	for _, e := range w.Events() {
		for _, c := range e.Certificates {
			w.known[trust.Digest(c.Signed)] = c
			w.known[trust.Digest(c.Redacted)] = c
		}
	}
	s.Clock.Advance(time.Minute)
	return w
}

// Restored returns the URL of a server that has the first events only, as one that was restored from a backup.
func (w *World) Restored(t testing.TB, events int) string {
	t.Helper()
	s := newServer(t)
	w.upload(t, s, slices.Values(w.Events()[:events]))
	s.Clock.Advance(w.Clock.Now().Sub(s.Clock.Now()))
	return s.URL
}

func newServer(t testing.TB) *servertest.Server {
	t.Helper()
	return servertest.New(t, servertest.Options{Store: "sqlite:" + filepath.Join(inMemory(t), "server.sqlite3")})
}

// upload plays events to a server, whose clock goes along.
func (w *World) upload(t testing.TB, s *servertest.Server, events iter.Seq[*trusttest.Event]) {
	t.Helper()
	server, err := trust.ParseServerURL(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	client, err := cloud.NewClient(cloud.Options{Server: server, Now: s.Clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	up := cloudtest.NewUpload(server, client, w.ID, w.Root())
	for e := range events {
		s.Clock.Advance(e.At.Time().Sub(s.Clock.Now()))
		if status, err := up.Send(t.Context(), e); err != nil || status != "ok" {
			t.Fatalf("%s at %v: %s, %v", e.Command, e.At, status, err)
		}
	}
}

// Choose makes a user the one who looks, and returns the user's first device.
func (w *World) Choose(self *trusttest.User) *Held {
	w.Self = self
	server, err := trust.ParseServerURL(w.Proxy.URL)
	if err != nil {
		panic(err)
	}
	d := self.Devices[0]
	return Hold(&trust.LocalDevice{
		Server: server, OrganizationID: w.ID, RootVerifyKey: w.Root(), UserID: self.ID, DeviceID: d.ID, DeviceLabel: d.Label, HumanHandle: self.Handle,
		SigningKey: d.Signing, PrivateKey: self.Private, InitialProfile: trust.Standard,
		UserRealmID: trust.NewRealmID(), UserRealmKey: trust.GenerateSecretKey(), LocalSymkey: trust.GenerateSecretKey(),
	})
}

// At returns the time of a certificate of the organisation, 0 for others.
func (w *World) At(signed []byte) trust.DateTime {
	if c, ok := w.known[trust.Digest(signed)]; ok {
		return c.Content.SignedAt()
	}
	return trust.DateTime{}
}

// Until leaves out of an answer what is later than a moment.
func (w *World) Until(rep *cloud.CertificateGetOK, at trust.DateTime) {
	cut := func(list [][]byte) [][]byte {
		return slices.DeleteFunc(slices.Clone(list), func(signed []byte) bool { return w.At(signed).After(at) })
	}
	rep.CommonCertificates, rep.ShamirRecoveryCertificates = cut(rep.CommonCertificates), cut(rep.ShamirRecoveryCertificates)
	rep.SequesterCertificates = cut(rep.SequesterCertificates)
	for id, list := range rep.RealmCertificates {
		if list = cut(list); len(list) == 0 {
			delete(rep.RealmCertificates, id)
		} else {
			rep.RealmCertificates[id] = list
		}
	}
}

// lists are the lists of an answer, in order.
type lists []*list

// list is a list of an answer.
type list struct {
	topic trust.Topic
	realm trust.RealmID
	// old is how many of the certificates at its beginning were there already.
	old int
	all [][]byte
}

func (w *World) listsOf(req *cloud.CertificateGetReq, rep *cloud.CertificateGetOK) (all lists) {
	add := func(topic trust.Topic, realm trust.RealmID, after *trust.DateTime, certificates [][]byte) {
		if len(certificates) == 0 {
			return
		}
		l := &list{topic: topic, realm: realm, all: slices.Clone(certificates)}
		for _, signed := range certificates {
			if after != nil && w.At(signed) == after.Add(time.Microsecond) {
				l.old++
			}
		}
		all = append(all, l)
	}
	add(trust.TopicSequester, trust.RealmID{}, req.SequesterAfter, rep.SequesterCertificates)
	add(trust.TopicCommon, trust.RealmID{}, req.CommonAfter, rep.CommonCertificates)
	for _, id := range trust.SortedIDs(rep.RealmCertificates) {
		var after *trust.DateTime
		if at, ok := req.RealmAfter[id]; ok {
			after = &at
		}
		add(trust.TopicRealm, id, after, rep.RealmCertificates[id])
	}
	add(trust.TopicShamir, trust.RealmID{}, req.ShamirRecoveryAfter, rep.ShamirRecoveryCertificates)
	return all
}

// answer makes an answer of lists.
func (all lists) answer() *cloud.CertificateGetOK {
	rep := &cloud.CertificateGetOK{RealmCertificates: map[trust.RealmID][][]byte{}}
	for _, l := range all {
		switch l.topic {
		case trust.TopicSequester:
			rep.SequesterCertificates = append(rep.SequesterCertificates, l.all...)
		case trust.TopicCommon:
			rep.CommonCertificates = append(rep.CommonCertificates, l.all...)
		case trust.TopicShamir:
			rep.ShamirRecoveryCertificates = append(rep.ShamirRecoveryCertificates, l.all...)
		case trust.TopicRealm:
			if len(l.all) > 0 {
				rep.RealmCertificates[l.realm] = append(rep.RealmCertificates[l.realm], l.all...)
			}
		}
	}
	return rep
}

// of returns the list of a topic, which is made if there is none.
func (c *chance) list(topic trust.Topic, realm trust.RealmID) *list {
	for _, l := range c.lists {
		if l.topic == topic && l.realm == realm {
			return l
		}
	}
	l := &list{topic: topic, realm: realm}
	c.lists = append(c.lists, l)
	return l
}

// changed puts other bytes in the place of a certificate.
func (l *list) changed(i int, change func([]byte) []byte) { l.all[i] = change(bytes.Clone(l.all[i])) }
