package original

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
)

// ErrDiffers says that what was imported is not what is there.
var ErrDiffers = errors.New("what was imported is not what the original server has")

// compare reads everything again, there as of now, for the server there should not have been used meanwhile.
func (i *Import) compare(ctx context.Context, o tenant, num int64) (err error) {
	t, err := look(ctx, i.From)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.end(ctx)) }()
	return i.To.Read(ctx, func(tx *store.Tx) error {
		for n := range i.plan {
			s := &i.plan[n]
			if err := i.compareTable(ctx, t, tx, s, o, num); err != nil {
				return fmt.Errorf("table %s: %w", s.Name, err)
			}
		}
		return nil
	})
}

func (i *Import) compareTable(ctx context.Context, t *there, tx *store.Tx, s *selection, o tenant, num int64) error {
	failed := error(nil)
	next, stop := iter.Pull(func(yield func([]any) bool) {
		failed = t.each(ctx, s, o, func(row []any) error {
			if !yield(row) {
				return errStopped
			}
			return nil
		})
	})
	defer stop()
	count := 0
	err := tx.Each(ctx, store.SQL(s.ours, num), func(r store.Row) error {
		ours, into := make([]any, len(s.columns)), make([]any, len(s.columns))
		for n := range ours {
			into[n] = store.Any(&ours[n])
		}
		if err := r.Scan(into...); err != nil {
			return err
		}
		count++
		theirs, more := next()
		if !more {
			return errors.Join(failed, differs("there are more rows here"))
		}
		same, err := i.keeper.same(s, num, theirs, ours)
		if err == nil && !same {
			err = differs("row %d is another one", count)
		}
		return err
	})
	if err != nil {
		return err
	}
	if _, more := next(); more {
		return differs("there are more rows there")
	}
	return failed
}

func differs(format string, args ...any) error {
	return fmt.Errorf("%w: %s. If that server was in use meanwhile, stop it, erase the organisation here and import it again", ErrDiffers, fmt.Sprintf(format, args...))
}

// errStopped ends a reading that nobody needs any more.
var errStopped = errors.New("the reading was stopped")
