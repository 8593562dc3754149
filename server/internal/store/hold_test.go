package store

import (
	"context"
	"log/slog"
	"testing"
	"time"
)

// unheld asks in a transaction of its own whether no backup is at work.
func unheld(t *testing.T, s *Store) (free bool) {
	t.Helper()
	err := s.Write(t.Context(), nil, func(tx *Tx) (err error) {
		free, err = tx.Unheld(t.Context())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return free
}

// TestHold: backups share the hold, also those of other processes, and nobody removes anything meanwhile.
func TestHold(t *testing.T) {
	each(t, func(t *testing.T, address string) {
		s, _ := opened(t, address)
		other, err := OpenToRead(t.Context(), Options{URL: address, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := other.Close(); err != nil {
				t.Error(err)
			}
		}()
		if !unheld(t, s) {
			t.Error("held by nobody")
		}
		releases := []func() error{}
		for _, by := range []*Store{other, other, s} {
			release, err := by.HoldBlocks(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			releases = append(releases, release)
		}
		for _, release := range releases {
			if unheld(t, s) {
				t.Error("not held")
			}
			if err := release(); err != nil {
				t.Error(err)
			}
		}
		if !unheld(t, s) {
			t.Error("held after the end")
		}
	})
}

// TestHoldWaits: a backup does not begin before a transaction has ended that decided to remove something.
func TestHoldWaits(t *testing.T) {
	each(t, func(t *testing.T, address string) {
		s, _ := opened(t, address)
		inside, goOn, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
		go func() {
			ended <- s.Write(context.WithoutCancel(t.Context()), nil, func(tx *Tx) error {
				free, err := tx.Unheld(t.Context())
				if !free {
					t.Error("held by nobody")
				}
				close(inside)
				<-goOn
				return err
			})
		}()
		<-inside
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if _, err := s.HoldBlocks(ctx); err == nil {
			t.Error("it began")
		}
		close(goOn)
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		release, err := s.HoldBlocks(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := release(); err != nil {
			t.Error(err)
		}
	})
}

// TestOpenToRead: a store that others have is read as of one moment, never changed, and its version is known.
func TestOpenToRead(t *testing.T) {
	each(t, func(t *testing.T, address string) {
		s, _ := opened(t, address)
		r, err := OpenToRead(t.Context(), Options{URL: address})
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		}()
		last, err := Newest()
		if err != nil {
			t.Fatal(err)
		}
		put := func(name string) {
			err := s.Write(t.Context(), nil, func(tx *Tx) error {
				_, err := tx.Exec(t.Context(), `INSERT INTO agreement (name, value) VALUES ($1, $2)`, name, []byte{})
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		put("one")
		err = r.Read(t.Context(), func(tx *Tx) error {
			for range 2 {
				version, err := Version(t.Context(), tx)
				if err != nil || version != last {
					t.Errorf("version %d, want %d: %v", version, last, err)
				}
				n := int64(0)
				if _, err := tx.Get(t.Context(), SQL(`SELECT count(*) FROM agreement`), &n); err != nil || n != 1 {
					t.Errorf("%d rows, %v", n, err)
				}
				put("more " + time.Now().String())
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		err = r.Write(t.Context(), nil, func(tx *Tx) error {
			_, err := tx.Exec(t.Context(), `DELETE FROM agreement`)
			return err
		})
		if err == nil {
			t.Error("written")
		}
	})
}

// TestVersions: a database is brought to a version, refused when it is not the newest, and says what it waits for.
func TestVersions(t *testing.T) {
	each(t, func(t *testing.T, address string) {
		last, err := Newest()
		if err != nil {
			t.Fatal(err)
		}
		log := slog.New(slog.DiscardHandler)
		for at, o := range []Options{{AsIs: true}, {UpTo: 2}, {AsIs: true}, {UpTo: 0}, {AsIs: true}, {UpTo: 3}} {
			o.URL, o.Log = address, log
			s, err := Open(t.Context(), o)
			if refused := at == 0 || at == 2 || at == 5; refused != (err != nil) {
				t.Fatalf("%d: %v", at, err)
			}
			if err == nil {
				err = s.Close()
			}
			version, names, e := Pending(t.Context(), Options{URL: address, Log: log})
			if want := []int64{0, 2, 2, last, last, last}[at]; e != nil || version != want || len(names) != int(last-want) {
				t.Errorf("%d: version %d, pending %q, %v (%v)", at, version, names, e, err)
			}
		}
		for version := int64(1); version <= last; version++ {
			if all, err := Schema(t.Context(), version); err != nil || len(all) < 6 || len(all[0].Key) == 0 {
				t.Errorf("version %d: %v, %v", version, all, err)
			}
		}
		if _, err := Schema(t.Context(), last+1); err == nil {
			t.Error("a version to come is known")
		}
	})
}
