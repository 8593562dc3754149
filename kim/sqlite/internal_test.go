package sqlite

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/seed-73b3884f/parsec-agent/kim"
	"github.com/seed-73b3884f/parsec-agent/kim/internal/index"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

var aes = psa.Attributes{Type: psa.KeyAES, Bits: 128}

func testEntry(name string) (index.Key, kim.Entry) {
	owner := kim.Owner{Auth: wire.AuthDirect, App: "app"}
	return index.Key{Owner: owner, Name: psa.KeyName(name)}, kim.Entry{
		Owner: owner, Name: psa.KeyName(name), KeyID: []byte(name), Attributes: aes,
		Provider: kim.Provider{ID: wire.ProviderTPM, UUID: kim.ProviderUUID(wire.ProviderTPM), Name: "tpm"},
	}
}

func inserting(t *testing.T, name string) *change {
	t.Helper()
	k, e := testEntry(name)
	tab, blob, err := encode(e)
	if err != nil {
		t.Fatal(err)
	}
	return &change{verb: insert, table: tab, key: k, entry: e, blob: blob}
}

func testDatabase(t *testing.T) *database {
	t.Helper()
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "kim.sqlite3"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s.database
}

// script runs SQL as another program would, and makes the store believe in the result.
func script(t *testing.T, d *database, query string) {
	t.Helper()
	c, err := dial(t.Context(), d.path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.exec(t.Context(), query); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(c.close(), d.refresh(t.Context())); err != nil {
		t.Fatal(err)
	}
}

func names(d *database) (all []string) {
	for _, e := range d.All() {
		all = append(all, string(e.Name))
	}
	return all
}

// TestOneBadChangeInABatch: a trigger makes one insert fail as a broken disk would.
func TestOneBadChangeInABatch(t *testing.T) {
	d := testDatabase(t)
	script(t, d, "CREATE TRIGGER t BEFORE INSERT ON key_mapping WHEN new.key_name = 'bad' BEGIN SELECT RAISE(ROLLBACK, 'no'); END")
	batch := []*change{inserting(t, "a"), inserting(t, "bad"), inserting(t, "b"), inserting(t, "a")}
	d.writing.Lock()
	d.run(t.Context(), batch)
	d.writing.Unlock()
	for i, want := range []error{nil, wire.StatusKeyInfoManagerError, nil, kim.ErrExists} {
		if !batch[i].done || !errors.Is(batch[i].err, want) {
			t.Errorf("change %d: %v, want %v", i, batch[i].err, want)
		}
	}
	if got := names(d); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("memory %q", got)
	}
	if err := d.refresh(t.Context()); err != nil || len(d.All()) != 2 {
		t.Errorf("file %q, %v", names(d), err)
	}
	if d.conn != nil {
		t.Error("the connection stays open")
	}
}

// TestOneTransactionForManyChanges: what waits together costs one transaction.
func TestOneTransactionForManyChanges(t *testing.T) {
	d := testDatabase(t)
	before := d.counter
	var batch []*change
	for i := range 50 {
		batch = append(batch, inserting(t, fmt.Sprint(i)))
	}
	d.writing.Lock()
	defer d.writing.Unlock()
	d.run(t.Context(), batch)
	n, err := counter(d.file)
	if err != nil || n != before+1 || d.counter != n || len(d.All()) != 50 {
		t.Errorf("counter %d after %d, believed %d, %d entries, %v", n, before, d.counter, len(d.All()), err)
	}
}

// TestFailedCommit: a deferred foreign key makes COMMIT itself fail. Nothing of the batch
// may be believed, and the next change works.
func TestFailedCommit(t *testing.T) {
	d := testDatabase(t)
	script(t, d, `CREATE TABLE parent (id PRIMARY KEY);
		CREATE TABLE child (id REFERENCES parent DEFERRABLE INITIALLY DEFERRED);
		CREATE TRIGGER t AFTER INSERT ON key_mapping WHEN new.key_name = 'bad' BEGIN INSERT INTO child VALUES (1); END`)
	d.writing.Lock()
	c, err := dial(t.Context(), d.path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.exec(t.Context(), "PRAGMA foreign_keys = ON"); err != nil {
		t.Fatal(err)
	}
	d.conn = c
	batch := []*change{inserting(t, "good"), inserting(t, "bad")}
	d.run(t.Context(), batch[1:])
	d.run(t.Context(), batch[:1])
	d.writing.Unlock()
	if batch[0].err != nil || wire.StatusOf(batch[1].err) != wire.StatusKeyInfoManagerError {
		t.Errorf("%v, %v", batch[0].err, batch[1].err)
	}
	if got := names(d); !slices.Equal(got, []string{"good"}) || d.doubt {
		t.Errorf("memory %q, doubt %v", got, d.doubt)
	}
}

// TestCommitThatFailedTooLate: SQLite reports an error after the change became final.
func TestCommitThatFailedTooLate(t *testing.T) {
	d := testDatabase(t)
	k, e := testEntry("late")
	r, err := d.index.Reserve(k, e, d.insert)
	if err != nil {
		t.Fatal(err)
	}
	ch, lost := inserting(t, "late"), inserting(t, "lost")
	d.writing.Lock()
	defer d.writing.Unlock()
	if err := d.begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := d.apply(t.Context(), []*change{ch}); err != nil {
		t.Fatal(err)
	}
	if _, err := d.conn.exec(t.Context(), "COMMIT"); err != nil {
		t.Fatal(err)
	}
	d.abandon(t.Context())
	if again := d.settle(t.Context(), []*change{ch, lost}, errors.New("too late")); !again {
		t.Error("what is lost should be tried again")
	}
	if ch.err != nil || lost.err == nil {
		t.Errorf("late %v, lost %v", ch.err, lost.err)
	}
	if got := names(d); !slices.Equal(got, []string{"late"}) {
		t.Errorf("memory %q", got)
	}
	r.Release()
	if err := d.begin(t.Context()); err != nil {
		t.Errorf("memory and file disagree: %v", err)
	}
	d.abandon(t.Context())
}

// TestDoubtEnds: after a commit of unknown outcome and an unreadable file, the next write
// reads again.
func TestDoubtEnds(t *testing.T) {
	d := testDatabase(t)
	d.writing.Lock()
	defer d.writing.Unlock()
	d.doubt = true
	d.counter = 99
	ch := inserting(t, "a")
	if d.transact(t.Context(), []*change{ch}); ch.err != nil || d.doubt {
		t.Errorf("%v, doubt %v", ch.err, d.doubt)
	}
}

// TestIdleStoreHasNoConnection: nor a goroutine that could wake up.
func TestIdleStoreHasNoConnection(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	d := testDatabase(t)
	if err := d.write(t.Context(), inserting(t, "a")); err != nil {
		t.Fatal(err)
	}
	if d.conn != nil || len(d.queue) != 0 {
		t.Errorf("connection %v, queue %d", d.conn, len(d.queue))
	}
}

// FuzzRow: a row that loads is one that the store would have written, but for the
// lifetime and trailing bytes; it never panics on any type of cell.
func FuzzRow(f *testing.F) {
	blob, err := kim.EncodeAttributes(aes)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(false, int64(3), "0", "key", kim.ProviderUUID(wire.ProviderTPM), "tpm", []byte{2, 0, 0, 0}, int64(1), blob, int64(1), uint16(0))
	f.Add(true, int64(255), "parsec", "\x00é", "", "", []byte{}, int64(1), append([]byte{1, 0, 0, 0}, blob...), int64(1), uint16(0))
	f.Add(true, int64(3), "0", "adopted", kim.ProviderUUID(wire.ProviderPKCS11), "t", []byte("id"), int64(2), append([]byte{1, 0, 0, 0}, blob...), int64(1), uint16(0))
	f.Add(false, int64(256), "\xff", "", "", "", []byte{}, int64(2), []byte{}, int64(0), uint16(0x1ff))
	f.Fuzz(func(t *testing.T, extended bool, auth int64, app, name, uuid, provider string, id []byte, idVersion int64,
		attrs []byte, attrsVersion int64, spoiled uint16,
	) {
		r := row{auth, app, name, uuid, provider, id, idVersion, attrs, attrsVersion}
		tab := original
		if extended {
			tab = ours
		}
		for i := range r {
			if spoiled>>i&1 == 1 {
				r[i] = []any{nil, 1.5, "text", int64(1)}[int(spoiled)%4]
			}
		}
		e, err := r.entry(tab)
		if err != nil {
			if message := r.refuse(tab, err).Error(); len(message) > 2000 {
				t.Fatalf("an error of %d bytes", len(message))
			}
			return
		}
		if err := check(e.Owner, e.Name, e.Provider); err != nil {
			t.Fatalf("%+v loads, but cannot be reserved: %v", e, err)
		}
		_, again, err := encode(e)
		if err != nil {
			t.Fatalf("%+v loads, but does not encode: %v", e, err)
		}
		r[7] = again
		if back, err := r.entry(tab); err != nil || back.Attributes != e.Attributes || back.Name != e.Name || back.Owner != e.Owner || back.Adopted != e.Adopted {
			t.Fatalf("%+v came back as %+v: %v", e, back, err)
		}
	})
}

func TestFaultHidesPaths(t *testing.T) {
	_, err := dial(context.Background(), filepath.Join(t.TempDir(), "missing"))
	if err == nil {
		t.Fatal("a missing file opens")
	}
	if text := fault("open the database", err).Error(); strings.Contains(text, "/") || !strings.Contains(text, "cannot be opened") {
		t.Errorf("text %q", text)
	}
}
