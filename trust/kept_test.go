package trust_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/trust"
	"github.com/seed-73b3884f/parsec-agent/trust/trusttest"
)

// sealer seals what a store accepts, as a keeper does.
type sealer struct {
	key    trust.KeepingKey
	start  trust.KeptPoint
	at     trust.KeptPoint
	rows   [][]byte
	broken error
}

func (s *sealer) Keep(entries []trust.Entry) error {
	for i := range entries {
		row, next, err := s.key.SealKept(s.at, entries[i:i+1], i == len(entries)-1)
		if err != nil {
			return err
		}
		s.rows, s.at = append(s.rows, row), next
	}
	return nil
}

func (s *sealer) Clear() error {
	if s.broken != nil {
		return s.broken
	}
	s.rows, s.at = nil, s.start
	return nil
}

// deviceOf is the device of a user with a local key of its own.
func deviceOf(f *founded, u *trusttest.User, fill byte) *trust.LocalDevice {
	key, err := trust.NewSecretKey(bytes.Repeat([]byte{fill}, trust.KeySize))
	if err != nil {
		panic(err)
	}
	return &trust.LocalDevice{RootVerifyKey: f.Root(), UserID: u.ID, DeviceID: u.Devices[0].ID, LocalSymkey: key}
}

func newSealer(t *testing.T, d *trust.LocalDevice) *sealer {
	t.Helper()
	key, err := d.KeepingKey()
	if err != nil {
		t.Fatal(err)
	}
	start := trust.KeptStart([16]byte{1})
	return &sealer{key: key, start: start, at: start}
}

// open opens rows in their order.
func open(key trust.KeepingKey, at trust.KeptPoint, rows [][]byte) (all []*trust.Kept, err error) {
	for _, row := range rows {
		var kept *trust.Kept
		if kept, at, err = key.OpenKept(at, row); err != nil {
			return nil, err
		}
		all = append(all, kept)
	}
	return all, nil
}

// TestRestore: what was accepted gives the same store again, and what comes then is judged as ever.
func TestRestore(t *testing.T) {
	f := found(trusttest.Options{Sequestered: true})
	f.AddService()
	k := newSealer(t, deviceOf(f, f.alice, 1))
	s := trust.NewStore(f.Root(), f.alice.ID, k)
	f.add(t, s, f.alice)
	rows, err := open(k.key, k.start, k.rows)
	if err != nil {
		t.Fatal(err)
	}
	again := trust.NewStore(f.Root(), f.alice.ID, nil)
	entries, err := again.Restore(rows)
	if err != nil || len(entries) != len(k.rows) || describe(again) != describe(s) {
		t.Fatalf("%v, %d entries\n%s\n%s", err, len(entries), describe(again), describe(s))
	}
	f.Revoke(f.alice.Devices[0], f.bob)
	f.add(t, again, f.alice)
	if _, err := again.Restore(rows); !errors.Is(err, trust.ErrKept) {
		t.Errorf("restored over others: %v", err)
	}
}

// TestRestoreTakesOwnRowsOnly: certificates get into a store without their signatures being verified only out of rows that this very device sealed, all of them, in their order.
func TestRestoreTakesOwnRowsOnly(t *testing.T) {
	f := found(trusttest.Options{})
	own := newSealer(t, deviceOf(f, f.alice, 1))
	s := trust.NewStore(f.Root(), f.alice.ID, own)
	f.add(t, s, f.alice)
	rows, err := open(own.key, own.start, own.rows)
	if err != nil {
		t.Fatal(err)
	}
	for name, device := range map[string]*trust.LocalDevice{
		"another local key": deviceOf(f, f.alice, 2), "another user": deviceOf(f, f.bob, 1),
		"another root": deviceOf(found(trusttest.Options{Seed: 9}), f.alice, 1),
	} {
		if _, err := open(newSealer(t, device).key, own.start, own.rows); !errors.Is(err, trust.ErrKept) {
			t.Errorf("opened with %s: %v", name, err)
		}
	}
	if _, err := open(own.key, trust.KeptStart([16]byte{2}), own.rows); !errors.Is(err, trust.ErrKept) {
		t.Errorf("opened in another chain: %v", err)
	}
	if _, err := open(own.key, own.start, own.rows[1:]); !errors.Is(err, trust.ErrKept) {
		t.Errorf("opened without the first: %v", err)
	}
	for i := range own.rows[0] {
		changed := bytes.Clone(own.rows[0])
		changed[i] ^= 1
		if _, err := open(own.key, own.start, [][]byte{changed}); !errors.Is(err, trust.ErrKept) {
			t.Fatalf("opened with byte %d changed: %v", i, err)
		}
	}
	for _, signed := range f.Stream(f.alice).Batch().Common {
		if _, err := open(own.key, own.start, [][]byte{signed}); !errors.Is(err, trust.ErrKept) {
			t.Errorf("a certificate that is no row opens: %v", err)
		}
	}
	bob := newSealer(t, deviceOf(f, f.bob, 3))
	bobs := trust.NewStore(f.Root(), f.bob.ID, bob)
	f.add(t, bobs, f.bob)
	others, err := open(bob.key, bob.start, bob.rows)
	if err != nil {
		t.Fatal(err)
	}
	for name, list := range map[string][]*trust.Kept{
		"rows of another user": others, "not the first": rows[1:], "twice the first": append([]*trust.Kept{rows[0]}, rows...),
		"one left out": append(rows[:1:1], rows[2:]...), "without an end": rows[:len(rows)-1], "made of nothing": {{}},
	} {
		fresh := trust.NewStore(f.Root(), f.alice.ID, nil)
		if _, err := fresh.Restore(list); !errors.Is(err, trust.ErrKept) || len(fresh.Users()) != 0 {
			t.Errorf("%s: %v, %d users", name, err, len(fresh.Users()))
		}
	}
}

// TestKeptAreJudged: rules are applied to rows too: a device cannot fool itself.
func TestKeptAreJudged(t *testing.T) {
	f := found(trusttest.Options{})
	k := newSealer(t, deviceOf(f, f.alice, 1))
	s := trust.NewStore(f.Root(), f.alice.ID, k)
	f.add(t, s, f.alice)
	entries, err := trust.NewStore(f.Root(), f.alice.ID, nil).Restore(must(open(k.key, k.start, k.rows)))
	if err != nil {
		t.Fatal(err)
	}
	row, _, err := k.key.SealKept(k.start, entries[2:], true) // without the founder
	if err != nil {
		t.Fatal(err)
	}
	fresh := trust.NewStore(f.Root(), f.alice.ID, nil)
	if _, err := fresh.Restore(must(open(k.key, k.start, [][]byte{row}))); !errors.Is(err, trust.ErrKept) || len(fresh.Users()) != 0 {
		t.Errorf("%v", err)
	}
}

// TestKeeperThatKeeps: where the keeper does not clear, nothing is forgotten.
func TestKeeperThatKeeps(t *testing.T) {
	f := found(trusttest.Options{})
	k := newSealer(t, deviceOf(f, f.bob, 1))
	s := trust.NewStore(f.Root(), f.bob.ID, k)
	f.add(t, s, f.bob)
	before := describe(s)
	f.Update(f.alice.Devices[0], f.bob, trust.Outsider)
	k.broken = errors.New("not yet")
	if err := s.Add(f.Stream(f.bob).Since(s.Last())); !errors.Is(err, k.broken) || describe(s) != before {
		t.Errorf("%v\n%s\n%s", err, before, describe(s))
	}
	if err := s.Clear(); !errors.Is(err, k.broken) || describe(s) != before {
		t.Errorf("%v", err)
	}
	k.broken = nil
	if err := s.Clear(); err != nil || len(s.Users()) != 0 || s.Profile(f.bob.ID) != 0 || s.Knows(f.bob.Devices[0].ID) {
		t.Errorf("%v, %d users", err, len(s.Users()))
	}
	f.add(t, s, f.bob)
	if s.Profile(f.bob.ID) != trust.Outsider || !s.Knows(f.bob.Devices[0].ID) {
		t.Error("not there again")
	}
}

func FuzzKept(f *testing.F) {
	o := found(trusttest.Options{})
	key := must(deviceOf(o, o.alice, 1).KeepingKey())
	start := trust.KeptStart([16]byte{1})
	k := &sealer{key: key, start: start, at: start}
	s := trust.NewStore(o.Root(), o.alice.ID, k)
	if err := s.Add(o.Stream(o.alice).Batch()); err != nil {
		f.Fatal(err)
	}
	for _, row := range k.rows[:2] {
		f.Add(must(trust.PlainOfRow(key, row)))
	}
	f.Fuzz(func(t *testing.T, plain []byte) {
		row := must(trust.RowOfPlain(key, plain))
		kept, _, err := key.OpenKept(start, row)
		if err != nil {
			if !errors.Is(err, trust.ErrKept) {
				t.Error(err)
			}
			return
		}
		store := trust.NewStore(o.Root(), o.alice.ID, nil)
		if _, err := store.Restore([]*trust.Kept{kept}); err != nil && !errors.Is(err, trust.ErrKept) {
			t.Error(err)
		}
	})
}

func BenchmarkRestore(b *testing.B) {
	f, batch := grown(2000)
	k := &sealer{key: must(deviceOf(f, f.alice, 1).KeepingKey()), start: trust.KeptStart([16]byte{1})}
	c := &collected{}
	if err := trust.NewStore(f.Root(), f.alice.ID, c).Add(batch); err != nil {
		b.Fatal(err)
	}
	row, _, err := k.key.SealKept(k.start, c.entries, true)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f.Store(f.alice).Restore(must(open(k.key, k.start, [][]byte{row}))); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*len(c.entries)), "µs/certificate")
}

type collected struct{ entries []trust.Entry }

func (c *collected) Keep(entries []trust.Entry) error {
	c.entries = append(c.entries, entries...)
	return nil
}

func (c *collected) Clear() error { return nil }
