package kimtest

import (
	"errors"
	"strings"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/kim"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

func is(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}

func holds(t *testing.T, s kim.Store, want kim.Entry) {
	t.Helper()
	got, err := s.Get(want.Owner, want.Name, want.Provider)
	if err != nil {
		t.Errorf("%.50q: %v", want.Name, err)
		return
	}
	Same(t, "entry", got, want)
}

func testLifeCycle(t *testing.T, c Config) {
	s := open(t, c, t.TempDir())
	if n := len(s.All()); n != 0 {
		t.Fatalf("a new store has %d entries", n)
	}
	web, db := entry(Alice, "web", "\x02\x00\x00\x00", P256()), entry(Alice, "db", "\x03\x00\x00\x00", P256())
	own := entry(kim.Internal(), "RootKeyTPM", "name", psa.Attributes{Type: psa.KeyRSAPublic, Bits: 2048})
	for _, e := range []kim.Entry{web, db, own, entry(Bob, "web", "4", P256())} {
		create(t, s, e)
		holds(t, s, e)
	}
	Same(t, "list", s.List(Alice), []kim.Entry{db, web})
	Same(t, "all", s.All(), []kim.Entry{db, web, entry(Bob, "web", "4", P256()), own})
	if i := s.Info(); i.Entries != 4 || i.Schema != 1 || i.Bytes <= 0 || i.Kind == "" || i.Path == "" {
		t.Errorf("info %+v", i)
	}

	web.KeyID, web.Attributes.Usage = []byte("another"), psa.UsageVerifyMessage
	for range 3 { // the second and third change nothing
		if err := s.Update(t.Context(), web); err != nil {
			t.Fatal(err)
		}
		holds(t, s, web)
	}
	if err := s.Delete(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	_, err := s.Get(db.Owner, db.Name, db.Provider)
	is(t, "get deleted", err, kim.ErrNotFound)
	is(t, "delete deleted", s.Delete(t.Context(), db), kim.ErrNotFound)
	is(t, "update deleted", s.Update(t.Context(), db), kim.ErrNotFound)
	Same(t, "list after delete", s.List(Alice), []kim.Entry{web})
	create(t, s, db)
	holds(t, s, db)
	Same(t, "nobody's", s.List(kim.Owner{Auth: wire.AuthUnixPeer, App: "0"}), []kim.Entry{})
}

func testReservations(t *testing.T, c Config) {
	s := open(t, c, t.TempDir())
	r, err := s.Reserve(Alice, "web", Software)
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Get(Alice, "web", Software)
	is(t, "get reserved", err, kim.ErrNotFound)
	_, err = s.Reserve(Alice, "web", Software)
	is(t, "reserve reserved", err, kim.ErrExists)
	is(t, "status", err, wire.StatusAlreadyExists)
	r.Release()
	r.Release()
	is(t, "commit released", r.Commit(t.Context(), nil, P256()), wire.StatusBadState)

	r, err = s.Reserve(Alice, "web", Software)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Commit(t.Context(), []byte("id"), P256()); err != nil {
		t.Fatal(err)
	}
	is(t, "second commit", r.Commit(t.Context(), []byte("other"), P256()), wire.StatusBadState)
	r.Release()
	holds(t, s, entry(Alice, "web", "id", P256()))
	_, err = s.Reserve(Alice, "web", Software)
	is(t, "reserve existing", err, kim.ErrExists)
}

func testIdentity(t *testing.T, c Config) {
	s := open(t, c, t.TempDir())
	web := entry(Alice, "web", "id", P256())
	create(t, s, web)

	onToken := web
	onToken.Provider, onToken.KeyID = Token, []byte("other")
	got, err := s.Get(Alice, "web", Token)
	reserved := Create(t, s, onToken)
	if c.ComparesProvider {
		is(t, "get by another provider", err, kim.ErrNotFound)
		holds(t, s, onToken)
		Same(t, "both", s.List(Alice), []kim.Entry{web, onToken})
		is(t, "reserve for another provider", reserved, nil)
	} else {
		Same(t, "found by another provider", got, web)
		is(t, "reserve for another provider", reserved, kim.ErrExists)
	}

	direct := kim.Owner{Auth: wire.AuthDirect, App: Alice.App}
	got, err = s.Get(direct, "web", Software)
	if c.ComparesAuth {
		is(t, "get by another authenticator", err, kim.ErrNotFound)
	} else {
		Same(t, "found by another authenticator", got, web)
	}
	_, err = s.Get(kim.Internal(), "web", Software)
	is(t, "get as the service", err, kim.ErrNotFound)
	parsec := kim.Owner{Auth: wire.AuthUnixPeer, App: kim.Internal().App}
	own := entry(kim.Internal(), "own", "1", P256())
	create(t, s, own)
	_, err = s.Get(parsec, "own", Software)
	is(t, "get as an application called parsec", err, kim.ErrNotFound)
	if len(s.List(parsec)) != 0 {
		t.Error("an application called parsec lists the service's entries")
	}
}

func testCopies(t *testing.T, c Config) {
	s := open(t, c, t.TempDir())
	id := []byte("id")
	e := entry(Alice, "web", "", P256())
	e.KeyID = id
	create(t, s, e)
	id[0] = 'X'
	spoil := func(got kim.Entry) { got.KeyID[0] = 'Y' }
	got, err := s.Get(Alice, "web", Software)
	if err != nil {
		t.Fatal(err)
	}
	spoil(got)
	spoil(s.List(Alice)[0])
	spoil(s.All()[0])
	holds(t, s, entry(Alice, "web", "id", P256()))
}

func testNames(t *testing.T, c Config) {
	dir := t.TempDir()
	s := open(t, c, dir)
	names := []psa.KeyName{
		"", "\x00", "a\x00b", "a", "a\nb", "/", "..", "../../x", "unicode_é/name", "parsec", "*", "a=b", " ",
		psa.KeyName(strings.Repeat("n", 189)), psa.KeyName(strings.Repeat("é", 94)), psa.KeyName(strings.Repeat("n", 190)),
		psa.KeyName(strings.Repeat("n", 100000)),
	}
	want := []kim.Entry{}
	for _, name := range names {
		for _, owner := range []kim.Owner{Alice, kim.Internal()} {
			e := entry(owner, name, "id of "+string(name[:min(9, len(name))]), P256())
			prefix := 0
			if owner == kim.Internal() && c.MaxName > 0 {
				prefix = len("mbedcrypto")
			}
			if name == "" && !c.EmptyName || c.MaxName > 0 && len(name)+prefix > c.MaxName {
				err := Create(t, s, e)
				is(t, "impossible name", err, kim.ErrName)
				is(t, "status", err, wire.StatusKeyInfoManagerError)
				continue
			}
			create(t, s, e)
			holds(t, s, e)
			want = append(want, e)
		}
	}
	for _, bad := range []psa.KeyName{"\xff", "a\xc3"} {
		is(t, "name that is not UTF-8", Create(t, s, entry(Alice, bad, "id", P256())), kim.ErrName)
	}
	is(t, "application that is not UTF-8", Create(t, s, entry(kim.Owner{Auth: Alice.Auth, App: "\xff"}, "a", "id", P256())), kim.ErrName)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, c, dir)
	for _, e := range want {
		holds(t, s, e)
	}
	for _, e := range want {
		if err := s.Delete(t.Context(), e); err != nil {
			t.Errorf("delete %.50q: %v", e.Name, err)
		}
	}
	Same(t, "after deleting all", s.All(), []kim.Entry{})
}

func testExtended(t *testing.T, c Config) {
	dir := t.TempDir()
	s := open(t, c, dir)
	ed, own := entry(Alice, "ed", "e", Ed25519()), entry(kim.Internal(), "ed", "i", Ed25519())
	plain := entry(Alice, "plain", "p", P256())
	for _, e := range []kim.Entry{ed, plain, own} {
		create(t, s, e)
		is(t, "again", Create(t, s, e), kim.ErrExists)
	}
	other := ed
	other.Attributes = P256()
	is(t, "same name with common attributes", Create(t, s, other), kim.ErrExists)
	is(t, "update to common attributes", s.Update(t.Context(), other), wire.StatusNotSupported)
	ed.KeyID = []byte("another, longer id")
	if err := s.Update(t.Context(), ed); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, c, dir)
	Same(t, "after reopening", s.All(), []kim.Entry{ed, plain, own})
	for _, e := range []kim.Entry{ed, own} {
		if err := s.Delete(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	create(t, s, other)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, c, dir)
	Same(t, "after deleting", s.All(), []kim.Entry{other, plain})
}

// testAdopted: an adopted key is an entry like another, and stays adopted.
func testAdopted(t *testing.T, c Config) {
	dir := t.TempDir()
	s := open(t, c, dir)
	common, ed, plain := entry(Alice, "common", "c", P256()), entry(Alice, "ed", "e", Ed25519()), entry(Alice, "plain", "p", P256())
	common.Adopted, ed.Adopted = true, true
	for _, e := range []kim.Entry{common, ed, plain} {
		create(t, s, e)
		holds(t, s, e)
		other := e
		other.Adopted = !e.Adopted
		is(t, "same name", Create(t, s, other), kim.ErrExists)
	}
	common.KeyID, common.Attributes.Usage = []byte("another, longer id"), psa.UsageVerifyMessage
	changed := common
	changed.Adopted = false // it does not count
	if err := s.Update(t.Context(), changed); err != nil {
		t.Fatal(err)
	}
	want := []kim.Entry{common, ed, plain}
	Same(t, "after an update", s.All(), want)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, c, dir)
	Same(t, "after reopening", s.All(), want)
	for _, e := range want[:2] {
		if err := s.Delete(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	common.Adopted = false
	create(t, s, common)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, c, dir)
	Same(t, "after deleting", s.All(), []kim.Entry{common, plain})
}

func testUnsound(t *testing.T, c Config) {
	s := open(t, c, t.TempDir())
	bad := entry(Alice, "web", "id", psa.Attributes{Type: psa.KeyECCPair})
	is(t, "unsound attributes", Create(t, s, bad), wire.StatusInvalidArgument)
	good := entry(Alice, "web", "id", P256())
	create(t, s, good)
	is(t, "update to unsound attributes", s.Update(t.Context(), bad), wire.StatusInvalidArgument)
	holds(t, s, good)
	for _, id := range []string{"", "\x00", strings.Repeat("x", 10000)} {
		e := entry(Alice, psa.KeyName("id"+id[:min(1, len(id))]+"x"[:len(id)/10000]), id, P256())
		create(t, s, e)
		got, err := s.Get(e.Owner, e.Name, e.Provider)
		if err != nil || string(got.KeyID) != id {
			t.Errorf("key id of %d bytes came back with %d: %v", len(id), len(got.KeyID), err)
		}
	}
}

func testPersistence(t *testing.T, c Config) {
	dir := t.TempDir()
	s := open(t, c, dir)
	kept, gone, changed := entry(Alice, "kept", "1", P256()), entry(Alice, "gone", "2", P256()), entry(Bob, "changed", "3", P256())
	for _, e := range []kim.Entry{kept, gone, changed} {
		create(t, s, e)
	}
	if _, err := s.Reserve(Alice, "only reserved", Software); err != nil {
		t.Fatal(err)
	}
	changed.KeyID = []byte("three")
	if err := errors.Join(s.Delete(t.Context(), gone), s.Update(t.Context(), changed)); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = open(t, c, dir)
		Same(t, "after reopening", s.All(), []kim.Entry{kept, changed})
	}
	r, err := s.Reserve(Alice, "only reserved", Software)
	if err != nil {
		t.Fatalf("a reservation outlived its store: %v", err)
	}
	r.Release()
}

// testSharing is what a reload does: the new state opens the store before the old one
// closes it.
func testSharing(t *testing.T, c Config) {
	dir := t.TempDir()
	old := open(t, c, dir)
	r, err := old.Reserve(Alice, "begun", Software)
	if err != nil {
		t.Fatal(err)
	}
	young := open(t, c, dir)
	_, err = young.Reserve(Alice, "begun", Software)
	is(t, "name that the old state has reserved", err, kim.ErrExists)
	if err := r.Commit(t.Context(), []byte("1"), P256()); err != nil {
		t.Fatal(err)
	}
	holds(t, young, entry(Alice, "begun", "1", P256()))
	create(t, young, entry(Alice, "new", "2", P256()))
	holds(t, old, entry(Alice, "new", "2", P256()))
	for range 2 { // the second Close must not count twice
		if err := old.Close(); err != nil {
			t.Fatal(err)
		}
	}
	create(t, young, entry(Alice, "later", "3", P256()))
	if n := len(young.All()); n != 3 {
		t.Errorf("%d entries", n)
	}
}
