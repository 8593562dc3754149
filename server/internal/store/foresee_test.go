package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/trust"
)

func labelOf(id trust.DeviceID) Statement {
	return SQL(`SELECT label FROM device WHERE org = $1 AND id = $2`, int64(1), id[:])
}

// labelled makes devices whose labels are their numbers.
func labelled(t *testing.T, s *Store, n int) (ids []trust.DeviceID) {
	t.Helper()
	err := s.Write(t.Context(), nil, func(tx *Tx) error {
		for i := range n {
			ids = append(ids, trust.NewDeviceID())
			if err := putDevice(t.Context(), tx, ids[i], fmt.Sprint(i)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

// labels reads devices one after the other.
func labels(ctx context.Context, tx *Tx, ids ...trust.DeviceID) (all string, err error) {
	for _, id := range ids {
		label := ""
		if _, err := tx.Get(ctx, labelOf(id), &label); err != nil {
			return "", err
		}
		all += label
	}
	return all, nil
}

// TestForesee: whatever was foreseen, each question is answered as if nothing had been.
func TestForesee(t *testing.T) {
	each(t, func(t *testing.T, address string) {
		s, _ := opened(t, address)
		ids := labelled(t, s, 4)
		foreseen := []Statement{labelOf(ids[0]), labelOf(ids[1]), labelOf(ids[2])}
		rename := func(tx *Tx, id trust.DeviceID, label string) error {
			return tx.Put(t.Context(), `UPDATE device SET label = $3 WHERE org = $1 AND id = $2`, int64(1), id[:], label)
		}
		for name, c := range map[string]struct {
			all  bool
			ask  func(tx *Tx) (string, error)
			want string
		}{
			"as foreseen": {true, func(tx *Tx) (string, error) { return labels(t.Context(), tx, ids[:3]...) }, "012"},
			"the first":   {true, func(tx *Tx) (string, error) { return labels(t.Context(), tx, ids[0]) }, "0"},
			"nothing":     {true, func(*Tx) (string, error) { return "", nil }, ""},
			"more":        {false, func(tx *Tx) (string, error) { return labels(t.Context(), tx, ids...) }, "0123"},
			"others":      {false, func(tx *Tx) (string, error) { return labels(t.Context(), tx, ids[3], ids[0], ids[1]) }, "301"},
			"another between": {false, func(tx *Tx) (string, error) {
				return labels(t.Context(), tx, ids[0], ids[3], ids[1], ids[2])
			}, "0312"},
			"many": {true, func(tx *Tx) (all string, err error) {
				err = tx.Many(t.Context(), foreseen, func(r Row) error {
					label := ""
					err := r.Scan(&label)
					all += label
					return err
				})
				return all, err
			}, "012"},
		} {
			for _, run := range []func(context.Context, func(*Tx) error) error{
				s.Read, func(ctx context.Context, f func(*Tx) error) error { return s.Write(ctx, []Lock{Common(1)}, f) },
			} {
				got := ""
				err := run(t.Context(), func(tx *Tx) (err error) {
					if c.all {
						tx.ForeseeAll(foreseen...)
					} else {
						tx.Foresee(foreseen...)
					}
					got, err = c.ask(tx)
					return err
				})
				if err != nil || got != c.want {
					t.Errorf("%s: %q instead of %q: %v", name, got, c.want, err)
				}
			}
		}
		// What a transaction writes it sees, whatever was asked before.
		err := s.Write(t.Context(), nil, func(tx *Tx) error {
			tx.Foresee(foreseen...)
			if err := rename(tx, ids[0], "a"); err != nil {
				return err
			}
			first, err := labels(t.Context(), tx, ids[0])
			if err != nil {
				return err
			}
			if err := rename(tx, ids[1], "b"); err != nil {
				return err
			}
			second, err := labels(t.Context(), tx, ids[1], ids[2])
			if err == nil && first+second != "ab2" {
				err = errors.New(first + second)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// TestForeseeAll: what was not foreseen is refused where the transaction has ended.
func TestForeseeAll(t *testing.T) {
	each(t, func(t *testing.T, address string) {
		s, _ := opened(t, address)
		ids := labelled(t, s, 2)
		got := ""
		err := s.Read(t.Context(), func(tx *Tx) (err error) {
			tx.ForeseeAll(labelOf(ids[0]))
			got, err = labels(t.Context(), tx, ids...)
			return err
		})
		if near := s.Pool() == nil; near && (err != nil || got != "01") || !near && !errors.Is(err, errUnforeseen) {
			t.Errorf("%q, %v", got, err)
		}
		if err := s.Ping(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestForeseenIsLocked: what is asked ahead is asked behind the locks, and sees what was committed under them.
func TestForeseenIsLocked(t *testing.T) {
	each(t, func(t *testing.T, address string) {
		s, _ := opened(t, address)
		id := labelled(t, s, 1)[0]
		const workers, rounds = 8, 25
		number := SQL(`SELECT created_on FROM device WHERE org = $1 AND id = $2`, int64(1), id[:])
		group := sync.WaitGroup{}
		for range workers {
			group.Go(func() {
				for range rounds {
					err := s.Write(t.Context(), []Lock{Common(1)}, func(tx *Tx) error {
						tx.Foresee(number, labelOf(id))
						n := int64(0)
						if _, err := tx.Get(t.Context(), number, &n); err != nil {
							return err
						}
						return tx.Put(t.Context(), `UPDATE device SET created_on = $3 WHERE org = $1 AND id = $2`, int64(1), id[:], n+1)
					})
					if err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		group.Wait()
		n := int64(0)
		err := s.Read(t.Context(), func(tx *Tx) error {
			_, err := tx.Get(t.Context(), number, &n)
			return err
		})
		if want := int64(7 + workers*rounds); err != nil || n != want {
			t.Errorf("%d instead of %d: %v", n, want, err)
		}
	})
}
