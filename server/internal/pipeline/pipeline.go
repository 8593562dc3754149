// Package pipeline does work on many things at once, and keeps their order.
package pipeline

import (
	"context"
	"sync"
)

// parallel is how many blocks are at work at once.
const parallel = 8

// Run does work on many things at once, some at a time, and hears of the results in the order of the things. The first error ends it.
func Run[T, R any](ctx context.Context, each func(yield func(T) error) error, work func(context.Context, T) (R, error), hear func(R) error) error {
	type result struct {
		r   R
		err error
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	results := make(chan chan result, parallel)
	group := sync.WaitGroup{}
	defer group.Wait()
	group.Go(func() {
		defer close(results)
		err := each(func(t T) error {
			one := make(chan result, 1)
			select {
			case results <- one:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
			group.Go(func() {
				r, err := work(ctx, t)
				one <- result{r, err}
			})
			return nil
		})
		if err != nil {
			cancel(err)
		}
	})
	for one := range results {
		got := <-one
		err := got.err
		if err == nil {
			err = hear(got.r)
		}
		if err != nil {
			cancel(err)
			break
		}
	}
	group.Wait()
	return context.Cause(ctx)
}
