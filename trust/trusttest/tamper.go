package trusttest

import (
	"maps"
	"math/rand/v2"
	"slices"

	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Tampering is what a server can do to the stream of a user: it has no key.
type Tampering struct {
	Name string
	// Want are the reasons that it may be refused for; there are several where chance decides what bytes then mean.
	Want []trust.Reason

	tamper func(s *tampered) Place
}

// Place is where a certificate stands.
type Place struct {
	Topic trust.Topic
	// Realm counts in TopicRealm.
	Realm trust.RealmID
	Index int
}

// tampered is a stream that may be changed.
type tampered struct {
	Stream
	rand *rand.Rand
}

// Tamper returns the stream with something changed, and where it is to be refused; false if there is nothing to change in this way.
func (s Stream) Tamper(kind Tampering, seed uint64) (changed Stream, refused Place, ok bool) {
	copied := tampered{Stream: s, rand: newRand(seed)}
	copied.Sequester, copied.Common, copied.Shamir = slices.Clone(s.Sequester), slices.Clone(s.Common), slices.Clone(s.Shamir)
	copied.Realms = maps.Clone(s.Realms)
	defer func() {
		if r := recover(); r != nil {
			if _, isUnfit := r.(unfit); !isUnfit {
				panic(r)
			}
			ok = false
		}
	}()
	refused = kind.tamper(&copied)
	return copied.Stream, refused, true
}

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

// some returns a place of the list that fits.
func (s *tampered) some(list []*Certificate, fits func(i int, c *Certificate) bool) int {
	places := []int{}
	for i, c := range list {
		if fits(i, c) {
			places = append(places, i)
		}
	}
	fit(len(places) > 0)
	return places[s.rand.IntN(len(places))]
}

// realm returns a realm that fits.
func (s *tampered) realm(fits func(list []*Certificate) bool) trust.RealmID {
	all := slices.SortedFunc(maps.Keys(s.Realms), func(a, b trust.RealmID) int { return slices.Compare(a[:], b[:]) })
	all = slices.DeleteFunc(all, func(id trust.RealmID) bool { return !fits(s.Realms[id]) })
	fit(len(all) > 0)
	return all[s.rand.IntN(len(all))]
}

// without returns the list without an element, and leaves the list as it is.
func without(list []*Certificate, i int) []*Certificate {
	return slices.Delete(slices.Clone(list), i, i+1)
}

func inserted(list []*Certificate, i int, c *Certificate) []*Certificate {
	return slices.Insert(slices.Clone(list), i, c)
}

func is[C trust.Certificate](c *Certificate) bool {
	_, ok := c.Content.(C)
	return ok
}

// by reports whether a device signed.
func (c *Certificate) by(d trust.DeviceID) bool {
	author := c.Content.SignedBy()
	return author != nil && *author == d
}

// damagedAt changes bytes in both forms.
func (c *Certificate) damagedAt(damage func([]byte) []byte) *Certificate {
	changed := *c
	changed.Signed = damage(slices.Clone(c.Signed))
	if c.Redacted != nil {
		changed.Redacted = damage(slices.Clone(c.Redacted))
	}
	return &changed
}
