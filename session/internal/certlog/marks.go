package certlog

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Place is a list of certificates with one order. Realm counts in TopicRealm.
type Place struct {
	Topic trust.Topic
	Realm trust.RealmID
}

func (p Place) String() string {
	if p.Topic == trust.TopicRealm {
		return p.Topic.String() + " " + p.Realm.String()
	}
	return p.Topic.String()
}

func comparePlaces(a, b Place) int {
	return cmp.Or(cmp.Compare(a.Topic, b.Topic), bytes.Compare(a.Realm[:], b.Realm[:]))
}

// Mark is what is kept of a list: its last timestamp, and the digests of the certificates that have it, in order. Without digests, any will do.
type Mark struct {
	At      trust.DateTime
	Digests []trust.HashDigest
	// Count is how many certificates the list has, Sum what all of them are told by.
	Count uint64
	Sum   trust.HashDigest
}

// extended adds a certificate to the sum.
func (m Mark) extended(digest trust.HashDigest) Mark {
	m.Count++
	m.Sum = trust.Digest(append(m.Sum[:], digest[:]...))
	return m
}

// Begins reports whether a list of a server begins with all certificates of the mark.
func (m Mark) Begins(list [][]byte) bool {
	if uint64(len(list)) < m.Count {
		return false
	}
	var of Mark
	for _, signed := range list[:m.Count] {
		of = of.extended(trust.Digest(signed))
	}
	return of.Sum == m.Sum
}

// Marks are the ends of all lists that there is something of.
type Marks map[Place]Mark

// add follows accepted certificates.
func (m Marks) add(entries []trust.Entry) {
	for _, e := range entries {
		p := Place{Topic: e.Topic}
		if e.Topic == trust.TopicRealm {
			p.Realm = e.Realm
		}
		at, digest := e.Certificate.SignedAt(), trust.Digest(e.Signed)
		mark := m[p]
		if at != mark.At {
			mark.At, mark.Digests = at, nil
		}
		mark.Digests = append(slices.Clone(mark.Digests), digest)
		m[p] = mark.extended(digest)
	}
}

func (m Marks) clone() Marks {
	c := make(Marks, len(m))
	maps.Copy(c, m)
	return c
}

// Places returns the lists in order.
func (m Marks) Places() []Place {
	places := make([]Place, 0, len(m))
	for p := range m {
		places = append(places, p)
	}
	slices.SortFunc(places, comparePlaces)
	return places
}

// RollbackError says that a server does not have what it has given before: it was restored from a backup, or hides something, or serves another history.
type RollbackError struct {
	Place
	// Had is the timestamp of the last certificate that was there, Has the last that the server has, zero for none.
	Had, Has trust.DateTime
}

func (e *RollbackError) Error() string {
	has := "has none of them now"
	switch {
	case e.Has == e.Had:
		has = "has another one in the place of the last now"
	case e.Has.After(e.Had):
		has = "has later ones without the last now"
	case e.Has != (trust.DateTime{}):
		has = "has them up to " + e.Has.String() + " only now"
	}
	return fmt.Sprintf("the server gave certificates of topic %v up to %v, and %s", e.Place, e.Had, has)
}

// Of returns the marks of certificates from the beginning of their lists.
func Of(entries []trust.Entry) Marks {
	m := Marks{}
	m.add(entries)
	return m
}

// Reach compares certificates from the beginning of their lists with what must be there. It is a *RollbackError if they do not reach that.
func Reach(entries []trust.Entry, must Marks) error {
	return Of(entries).reached(must, digestsAt(entries, must))
}

// reached compares what must be there with what is.
func (m Marks) reached(must Marks, digestsAt map[Place][]trust.HashDigest) error {
	for _, p := range must.Places() {
		want := must[p]
		got, ok := m[p]
		if !ok || got.At.Before(want.At) {
			return &RollbackError{Place: p, Had: want.At, Has: got.At}
		}
		if len(want.Digests) > 0 && !slices.Equal(digestsAt[p], want.Digests) {
			return &RollbackError{Place: p, Had: want.At, Has: want.At}
		}
	}
	return nil
}
