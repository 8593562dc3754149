package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/seed-73b3884f/parsec-agent/server/pgtest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

func TestMain(m *testing.M) { pgtest.Exit(m.Run()) }

type note string

func (n note) Encode() string { return string(n) }

// heard collects messages.
type heard struct {
	mu  sync.Mutex
	all []Message
}

func (h *heard) deliver(m Message) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all = append(h.all, m)
}

// notes returns the messages that are notes.
func (h *heard) notes() (all []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, m := range h.all {
		if n, ok := m.(note); ok {
			all = append(all, string(n))
		}
	}
	return all
}

func (h *heard) wait(t *testing.T, n int) []string {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); len(h.notes()) < n; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d messages, want %d", len(h.notes()), n)
		}
	}
	return h.notes()
}

func opened(t *testing.T, address string) (*Store, *heard) {
	t.Helper()
	h := &heard{}
	s, err := Open(t.Context(), Options{
		URL: address, Deliver: h.deliver, Log: slog.New(slog.DiscardHandler),
		Decode: func(text string) (Message, error) { return note(text), nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, h
}

// each runs a test on both databases.
func each(t *testing.T, test func(t *testing.T, address string)) {
	t.Run("SQLite", func(t *testing.T) { test(t, "sqlite:"+filepath.Join(t.TempDir(), "a b?#%.sqlite3")) })
	t.Run("PostgreSQL", func(t *testing.T) { test(t, pgtest.Database(t)) })
}

const (
	put = `INSERT INTO device (org, id, person, label, verify_key, created_on) VALUES ($1, $2, $3, $4, $5, $6)`
	got = `SELECT label, verify_key, created_on FROM device WHERE org = $1 AND id = $2`
)

func putDevice(ctx context.Context, tx *Tx, id trust.DeviceID, label string) error {
	_, err := tx.Exec(ctx, put, int64(1), id[:], id[:], label, make([]byte, 32), int64(7))
	return err
}

func TestWriteRead(t *testing.T) {
	each(t, func(t *testing.T, address string) {
		s, h := opened(t, address)
		id := trust.NewDeviceID()
		err := s.Write(t.Context(), []Lock{Common(1), Organization(1).Shared()}, func(tx *Tx) error {
			tx.Emit(note("made"))
			return putDevice(t.Context(), tx, id, "laptop")
		})
		if err != nil {
			t.Fatal(err)
		}
		failed := errors.New("no")
		err = s.Write(t.Context(), nil, func(tx *Tx) error {
			tx.Emit(note("undone"))
			if err := putDevice(t.Context(), tx, trust.NewDeviceID(), "undone"); err != nil {
				return err
			}
			return failed
		})
		if !errors.Is(err, failed) {
			t.Fatal(err)
		}
		label, key, made, count := "", trust.VerifyKey{1}, trust.DateTime{}, int64(0)
		err = s.Read(t.Context(), func(tx *Tx) error {
			found, err := tx.Get(t.Context(), SQL(got, int64(1), id[:]), &label, Fixed(&key), Time(&made))
			if err != nil || !found {
				return fmt.Errorf("found %v: %w", found, err)
			}
			_, err = tx.Get(t.Context(), SQL(`SELECT count(*) FROM device`), &count)
			return err
		})
		if err != nil || label != "laptop" || key != (trust.VerifyKey{}) || made.Micros() != 7 || count != 1 {
			t.Errorf("%q %v %v %d: %v", label, key, made, count, err)
		}
		if all := h.wait(t, 1); len(all) != 1 || all[0] != "made" {
			t.Errorf("messages %q", all)
		}
		if err := s.Read(t.Context(), func(tx *Tx) error { return putDevice(t.Context(), tx, id, "") }); err == nil {
			t.Error("a transaction that reads could write")
		}
	})
}

// TestLocksExclude: every transaction reads a number and writes the next; none is lost.
func TestLocksExclude(t *testing.T) {
	each(t, func(t *testing.T, address string) {
		s, h := opened(t, address)
		const workers, rounds = 8, 25
		id := trust.NewDeviceID()
		if err := s.Write(t.Context(), nil, func(tx *Tx) error { return putDevice(t.Context(), tx, id, "0") }); err != nil {
			t.Fatal(err)
		}
		group := sync.WaitGroup{}
		for range workers {
			group.Go(func() {
				for range rounds {
					err := s.Write(t.Context(), []Lock{Realm(1, trust.NewRealmID()), Common(1)}, func(tx *Tx) error {
						n := int64(0)
						if _, err := tx.Get(t.Context(), SQL(`SELECT created_on FROM device WHERE org = $1 AND id = $2`, int64(1), id[:]), &n); err != nil {
							return err
						}
						tx.Emit(note(fmt.Sprint(n)))
						_, err := tx.Exec(t.Context(), `UPDATE device SET created_on = $3 WHERE org = $1 AND id = $2`, int64(1), id[:], n+1)
						return err
					})
					if err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		group.Wait()
		for i, n := range h.wait(t, workers*rounds) {
			if want := fmt.Sprint(i + 7); n != want {
				t.Fatalf("message %d is %s, want %s", i, n, want)
			}
		}
	})
}

func TestManyAndPanic(t *testing.T) {
	each(t, func(t *testing.T, address string) {
		s, _ := opened(t, address)
		ids := []trust.DeviceID{trust.NewDeviceID(), trust.NewDeviceID(), trust.NewDeviceID()}
		err := s.Write(t.Context(), nil, func(tx *Tx) error {
			for i, id := range ids[:2] {
				if err := putDevice(t.Context(), tx, id, fmt.Sprint(i)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		labels := ""
		err = s.Read(t.Context(), func(tx *Tx) error {
			return tx.Many(t.Context(), []Statement{labelOf(ids[1]), labelOf(ids[2]), labelOf(ids[0])}, func(r Row) error {
				label := ""
				err := r.Scan(&label)
				labels += label
				return err
			})
		})
		if err != nil || labels != "10" {
			t.Errorf("%q, %v", labels, err)
		}
	})
}

// TestWriterSurvives: a job that panics is undone alone.
func TestWriterSurvives(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	path := filepath.Join(t.TempDir(), "s")
	s, err := Open(t.Context(), Options{URL: "sqlite:" + path})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	if _, err := Open(t.Context(), Options{URL: "sqlite:" + path}); err == nil {
		t.Error("two processes have one file")
	}
	err = s.Write(t.Context(), nil, func(tx *Tx) error {
		if err := putDevice(t.Context(), tx, trust.NewDeviceID(), "x"); err != nil {
			return err
		}
		panic("broken")
	})
	if err == nil {
		t.Error("a panic is success")
	}
	count := int64(1)
	err = s.Write(t.Context(), nil, func(tx *Tx) error {
		_, err := tx.Get(t.Context(), SQL(`SELECT count(*) FROM device`), &count)
		return err
	})
	if err != nil || count != 0 {
		t.Errorf("%d rows, %v", count, err)
	}
}

func TestForeignTablesAreRefused(t *testing.T) {
	each(t, func(t *testing.T, address string) {
		b, err := open(t.Context(), Options{URL: address, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		err = b.write(t.Context(), nil, func(tx *Tx) error {
			_, err := tx.Exec(t.Context(), `CREATE TABLE migration (id INTEGER)`)
			if s, ok := b.(*sqlite); ok {
				return errors.Join(err, s.writer.run("PRAGMA application_id = 0"))
			}
			return err
		})
		if err := errors.Join(err, b.close()); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(t.Context(), Options{URL: address, Log: slog.New(slog.DiscardHandler)}); !errors.Is(err, ErrForeign) {
			t.Errorf("%v, want %v", err, ErrForeign)
		}
	})
}
