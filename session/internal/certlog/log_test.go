package certlog

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/trust"
	"github.com/seed-73b3884f/parsec-agent/trust/trusttest"
)

// bench is an organisation, one user of it, and the directory of a log.
type bench struct {
	*trusttest.Organisation
	self *trusttest.User
	dir  string
	keys Keys
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// fixedDevice is a device of the user whose keys follow from its id.
func fixedDevice(o *trusttest.Organisation, self *trusttest.User, fill byte) *trust.LocalDevice {
	return &trust.LocalDevice{
		RootVerifyKey: o.Root(), UserID: self.ID, DeviceID: self.Devices[0].ID,
		LocalSymkey: must(trust.NewSecretKey(bytes.Repeat([]byte{fill}, trust.KeySize))),
	}
}

func keysOf(d *trust.LocalDevice) Keys {
	return func(use func(trust.KeepingKey) error) error {
		k, err := d.KeepingKey()
		if err != nil {
			return err
		}
		defer k.Wipe()
		return use(k)
	}
}

func newBench(t testing.TB) *bench {
	t.Helper()
	o := trusttest.New(trusttest.Options{Seed: 7})
	o.Found()
	b := &bench{Organisation: o, self: o.Users()[0], dir: filepath.Join(t.TempDir(), "log")}
	b.keys = keysOf(fixedDevice(o, b.self, 4))
	return b
}

func (b *bench) newStore(k trust.Keeper) *trust.Store {
	return trust.NewStore(b.Root(), b.self.ID, k)
}

// open opens the log, which ends with the test.
func (b *bench) open(t testing.TB) (*Log, *trust.Store, error) {
	t.Helper()
	l, s, err := Open(b.dir, b.keys, b.newStore)
	if l != nil {
		t.Cleanup(func() { _ = l.Close() })
	}
	return l, s, err
}

// whole opens the log, which must be well.
func (b *bench) whole(t testing.TB) (*Log, *trust.Store) {
	t.Helper()
	l, s, err := b.open(t)
	if err != nil {
		t.Fatal(err)
	}
	return l, s
}

// grow adds some users, realms and what else happens, in a batch for each step.
func (b *bench) grow(t testing.TB, s *trust.Store, steps int) {
	t.Helper()
	admin := b.self.Devices[0]
	for range steps {
		bob := b.Enrol(admin, trust.Standard)
		realm := b.CreateRealm(admin)
		b.Rotate(admin, realm)
		b.Share(admin, realm, bob, trust.Contributor)
		b.add(t, s)
	}
}

// add gives a store what is new.
func (b *bench) add(t testing.TB, s *trust.Store) {
	t.Helper()
	if err := s.Add(b.Stream(b.self).Since(s.Last())); err != nil {
		t.Fatal(err)
	}
}

// same compares what two stores know.
func same(a, b *trust.Store) bool {
	topics, realms := a.Last()
	topicsB, realmsB := b.Last()
	return maps.Equal(topics, topicsB) && maps.Equal(realms, realmsB) && slices.Equal(a.Users(), b.Users())
}

func TestRestart(t *testing.T) {
	b := newBench(t)
	l, s := b.whole(t)
	b.grow(t, s, 5)
	at := time.UnixMicro(1_700_000_000_000_000)
	if err := l.SetViewed(at); err != nil {
		t.Fatal(err)
	}
	marks := l.Marks()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l, again := b.whole(t)
	if !same(s, again) || !maps.EqualFunc(marks, l.Marks(), sameMark) || !l.Viewed().Equal(at) || l.Missing() != nil || l.Lost() {
		t.Errorf("%v\n%v", marks, l.Marks())
	}
	b.grow(t, again, 1)
	if len(again.Users()) != 7 {
		t.Errorf("%d users", len(again.Users()))
	}
}

func sameMark(a, b Mark) bool {
	return a.At == b.At && a.Count == b.Count && a.Sum == b.Sum && slices.Equal(a.Digests, b.Digests)
}

func TestLocked(t *testing.T) {
	b := newBench(t)
	b.whole(t)
	if _, _, err := b.open(t); err == nil {
		t.Error("opened twice")
	}
}

// state is what is on disk.
func (b *bench) state(t testing.TB) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	for _, e := range must(os.ReadDir(b.dir)) {
		files[e.Name()] = must(os.ReadFile(filepath.Join(b.dir, e.Name())))
	}
	return files
}

// put makes the directory hold these files.
func (b *bench) put(t testing.TB, files map[string][]byte) {
	t.Helper()
	b.dir = filepath.Join(t.TempDir(), "log")
	if err := os.MkdirAll(b.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(b.dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestCrashes: a batch that is being written is there whole or not at all, wherever it ends, and the next one follows.
func TestCrashes(t *testing.T) {
	b := newBench(t)
	_, s := b.whole(t)
	b.grow(t, s, 2)
	before, old := b.state(t), len(s.Users())
	b.grow(t, s, 1)
	after := b.state(t)
	const temporary = "." + headName + ".0123456789abcdef.tmp"
	stride := 41
	if trusttest.Soak() {
		stride = 1
	}
	first, end := len(before[rowsName]), len(after[rowsName])
	for cut := first; cut <= end; cut = nextCut(cut, first, end, stride) {
		files := map[string][]byte{rowsName: after[rowsName][:cut], headName: before[headName], temporary: after[headName][:cut%len(after[headName])]}
		want := old
		if cut == len(after[rowsName]) {
			want++
		}
		b.put(t, files)
		l, s := b.whole(t)
		if len(s.Users()) != want {
			t.Fatalf("%d users where %d of %d bytes are written, want %d", len(s.Users()), cut, len(after[rowsName]), want)
		}
		if cut%7 == 0 || want > old {
			b.add(t, s)
			if _, err := os.Stat(filepath.Join(b.dir, temporary)); err == nil {
				t.Error("a temporary file is left")
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			if _, again := b.whole(t); !same(s, again) {
				t.Fatal("the batch after the crash is not there")
			}
		} else if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// nextCut goes in strides, and byte by byte near both ends.
func nextCut(cut, first, end, stride int) int {
	const near = 6
	if cut < first+near || cut >= end-near {
		return cut + 1
	}
	return min(cut+stride, end-near)
}

// TestCrashesAtFirst covers the making of the files, and their replacement.
func TestCrashesAtFirst(t *testing.T) {
	b := newBench(t)
	l, s := b.whole(t)
	empty := b.state(t)
	b.grow(t, s, 1)
	grown := b.state(t)
	if err := l.Clear(); err != nil {
		t.Fatal(err)
	}
	cleared := b.state(t)
	for name, c := range map[string]struct {
		files   map[string][]byte
		damaged bool
		users   int
		missing bool
	}{
		"nothing":            {},
		"rows without head":  {files: map[string][]byte{rowsName: empty[rowsName]}},
		"both, empty":        {files: empty},
		"grown":              {files: grown, users: 2},
		"cleared rows alone": {files: map[string][]byte{rowsName: cleared[rowsName], headName: grown[headName]}, damaged: true, missing: true},
		"cleared":            {files: cleared, missing: true},
	} {
		b.put(t, c.files)
		l, s, err := b.open(t)
		if errors.As(err, new(*DamageError)) != c.damaged || err != nil && !c.damaged {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if len(s.Users()) != c.users || l.Lost() || (l.Missing() != nil) != c.missing {
			t.Errorf("%s: %d users, lost %v, missing %v", name, len(s.Users()), l.Lost(), l.Missing())
		}
		b.add(t, s)
		if l.Missing() != nil {
			t.Errorf("%s: %v", name, l.Missing())
		}
	}
}

// TestDamage: whatever is changed or missing before the head's place is noticed, and everything comes again, not less than before.
func TestDamage(t *testing.T) {
	b := newBench(t)
	_, s := b.whole(t)
	b.grow(t, s, 1)
	older := b.state(t)
	b.grow(t, s, 1)
	files := b.state(t)
	other := newBench(t)
	_, os := other.whole(t)
	other.add(t, os)
	flipped := func(name string, at int) map[string][]byte {
		m := maps.Clone(files)
		m[name] = bytes.Clone(m[name])
		m[name][at] ^= 0x40
		return m
	}
	with := func(name string, content []byte) map[string][]byte {
		m := maps.Clone(files)
		m[name] = content
		return m
	}
	headless := maps.Clone(files)
	delete(headless, headName)
	rowless := maps.Clone(files)
	delete(rowless, rowsName)
	cases := map[string]struct {
		files map[string][]byte
		lost  bool
	}{
		"older rows":         {files: with(rowsName, older[rowsName])},
		"rows of another":    {files: with(rowsName, other.state(t)[rowsName])},
		"no rows":            {files: rowless},
		"empty rows":         {files: with(rowsName, nil)},
		"no head":            {files: headless, lost: true},
		"head cut":           {files: with(headName, files[headName][:20]), lost: true},
		"head empty":         {files: with(headName, nil), lost: true},
		"head of another":    {files: with(headName, other.state(t)[headName])},
		"last row repeated":  {files: with(rowsName, bytes.Replace(files[rowsName], older[rowsName][logHeader:], nil, 1))},
		"a byte of the head": {files: flipped(headName, 70), lost: true},
	}
	stride := 331
	if trusttest.Soak() {
		stride = 7
	}
	for at := 0; at < len(files[rowsName]); at += stride {
		if at >= 8 && at < 12 {
			continue // the version is a case of its own
		}
		cases[fmt.Sprintf("byte %d of the rows", at)] = struct {
			files map[string][]byte
			lost  bool
		}{files: flipped(rowsName, at)}
	}
	for name, c := range cases {
		b.put(t, c.files)
		l, s, err := b.open(t)
		if !errors.As(err, new(*DamageError)) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if len(s.Users()) != 0 || l.Lost() != c.lost && name != "head of another" {
			t.Errorf("%s: %d users, lost %v", name, len(s.Users()), l.Lost())
		}
		if c.lost {
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			if l, _ := b.whole(t); !l.Lost() {
				t.Errorf("%s: a restart forgets that", name)
			} else if err := l.Forget(); err != nil || l.Lost() {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if name == "head of another" {
			continue
		}
		// A server that has less is refused, also after another restart; one that has all is not.
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		_, s = b.whole(t)
		behind := &RollbackError{}
		if err := s.Add(b.StreamAt(b.self, 3).Batch()); !errors.As(err, &behind) || len(s.Users()) != 0 {
			t.Errorf("%s: less than before: %v", name, err)
		}
		b.add(t, s)
	}
}

// TestVersion: files of a later program are left alone.
func TestVersion(t *testing.T) {
	b := newBench(t)
	_, s := b.whole(t)
	b.grow(t, s, 1)
	for _, name := range []string{rowsName, headName} {
		files := b.state(t)
		files[name][8] = 2
		b.put(t, files)
		_, _, err := b.open(t)
		if v := (*VersionError)(nil); !errors.As(err, &v) || v.Version != 2 {
			t.Errorf("%s: %v", name, err)
		}
		if !maps.EqualFunc(files, b.state(t), bytes.Equal) {
			t.Errorf("%s: something was changed", name)
		}
		files[name][8] = 1
		b.put(t, files)
	}
}

// TestOthers: nobody else's device opens the log, and it changes nothing.
func TestOthers(t *testing.T) {
	b := newBench(t)
	l, s := b.whole(t)
	b.grow(t, s, 1)
	files := b.state(t)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	b.keys = keysOf(fixedDevice(b.Organisation, b.self, 5))
	l, s, err := b.open(t)
	if !errors.As(err, new(*DamageError)) || len(s.Users()) != 0 || !l.Lost() {
		t.Errorf("%v, %d users", err, len(s.Users()))
	}
	if aside := b.state(t)[damagedName]; !bytes.Equal(aside, files[rowsName]) {
		t.Error("the rows are not put aside")
	}
}

// TestLockedDevice: without the key nothing is judged, and nothing changed.
func TestLockedDevice(t *testing.T) {
	b := newBench(t)
	l, s := b.whole(t)
	b.grow(t, s, 1)
	files := b.state(t)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	locked := errors.New("locked")
	b.keys = func(func(trust.KeepingKey) error) error { return locked }
	if _, _, err := b.open(t); !errors.Is(err, locked) {
		t.Error(err)
	}
	if !maps.EqualFunc(files, b.state(t), bytes.Equal) {
		t.Error("something was changed")
	}
}
