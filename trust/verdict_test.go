package trust_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/trust"
	"github.com/seed-73b3884f/parsec-agent/trust/trusttest"
)

// verdict is where and why a batch is refused; nothing if it is accepted.
type verdict struct {
	Place  trusttest.Place
	Reason trust.Reason
}

func (v verdict) String() string {
	if v.Reason == 0 {
		return "accepted"
	}
	return fmt.Sprintf("%v %v %d: %v", v.Place.Topic, v.Place.Realm, v.Place.Index, v.Reason)
}

func verdictOf(t *testing.T, err error) verdict {
	t.Helper()
	if err == nil {
		return verdict{}
	}
	refusal := (*trust.RefusalError)(nil)
	if !errors.As(err, &refusal) {
		t.Errorf("no refusal: %v", err)
		return verdict{}
	}
	return verdict{Place: trusttest.Place{Topic: refusal.Topic, Realm: refusal.Realm, Index: refusal.Index}, Reason: refusal.Reason}
}

// judge adds the whole stream at once, with some processors.
func judge(t *testing.T, o *trusttest.Organisation, self *trusttest.User, s trusttest.Stream, processors int) (*trust.Store, verdict) {
	t.Helper()
	store := o.Store(self)
	return store, verdictOf(t, onProcessors(processors, func() error { return store.Add(s.Batch()) }))
}

func onProcessors(n int, do func() error) error {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(n))
	return do()
}

// judgeSlowly adds one certificate after the other; a share belongs to its brief.
func judgeSlowly(t *testing.T, o *trusttest.Organisation, self *trusttest.User, s trusttest.Stream) (*trust.Store, verdict) {
	t.Helper()
	store, all := o.Store(self), s.Batch()
	add := func(i int, b trust.Batch) verdict {
		v := verdictOf(t, store.Add(b))
		v.Place.Index += i
		return v
	}
	for i := range all.Sequester {
		if v := add(i, trust.Batch{Sequester: all.Sequester[i : i+1]}); v.Reason != 0 {
			return store, v
		}
	}
	for i := range all.Common {
		if v := add(i, trust.Batch{Common: all.Common[i : i+1]}); v.Reason != 0 {
			return store, v
		}
	}
	for _, id := range sorted(all.Realms) {
		list := all.Realms[id]
		for i := range list {
			if v := add(i, trust.Batch{Realms: map[trust.RealmID][][]byte{id: list[i : i+1]}}); v.Reason != 0 {
				return store, v
			}
		}
	}
	for i := 0; i < len(all.Shamir); {
		n := 1
		for i+n < len(s.Shamir) && s.Shamir[i+n].Content.Type() == (*trust.ShamirRecoveryShareCertificate)(nil).Type() {
			n++
		}
		if v := add(i, trust.Batch{Shamir: all.Shamir[i : i+n]}); v.Reason != 0 {
			return store, v
		}
		i += n
	}
	return store, verdict{}
}

func sorted[V any](m map[trust.RealmID]V) []trust.RealmID {
	return slices.SortedFunc(maps.Keys(m), func(a, b trust.RealmID) int { return bytes.Compare(a[:], b[:]) })
}

// describe is everything that a store answers in the end.
func describe(s *trust.Store) string {
	end := must(trust.DateTimeFromMicros(8_000_000_000_000_000_000))
	topics, realms := s.Last()
	text := fmt.Sprintln(topics, realms)
	for _, id := range s.Users() {
		u, _ := s.User(id, end)
		r, _ := s.Recovery(id)
		text += fmt.Sprintln(id, u.Certificate.Handle(), u.Profile, u.Revoked, len(u.Devices), r.Brief != nil, r.Share != nil, r.Deleted != nil)
	}
	for _, id := range s.Realms() {
		name := s.Name(id)
		text += fmt.Sprintln(id, s.Members(id, end), len(s.Rotations(id)), name != nil, s.Archiving(id))
	}
	services, sequestered := s.Services()
	return text + fmt.Sprintln(len(services), sequestered)
}
