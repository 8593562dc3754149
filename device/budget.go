package device

import (
	"context"
	"runtime/debug"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Budget bounds the memory that stretching of passwords takes, over the stores of all persons of a process.
type Budget = budget

type budget struct {
	kib  int64
	free *semaphore.Weighted
	// took is how long passwords were stretched, in nanoseconds.
	took atomic.Int64
}

// budgetKiB is what all passwords that are stretched at a time take at most, unless a single one takes more.
const budgetKiB = 512 << 10

// NewBudget returns the budget of a process.
func NewBudget() *Budget { return &budget{kib: budgetKiB, free: semaphore.NewWeighted(budgetKiB)} }

// Took returns how long passwords were stretched in all, for who measures what a protection costs.
func (b *budget) Took() time.Duration { return time.Duration(b.took.Load()) }

// derive stretches a password when there is memory for it.
func (b *budget) derive(ctx context.Context, a *trust.PasswordAlgorithm, password []byte) (trust.SecretKey, error) {
	if err := a.Check(); err != nil {
		return trust.SecretKey{}, damaged(err)
	}
	share := min(int64(a.MemoryKiB), b.kib)
	if err := b.free.Acquire(ctx, share); err != nil {
		return trust.SecretKey{}, err
	}
	defer b.free.Release(share)
	begin := time.Now()
	key, err := a.SecretKey(password)
	b.took.Add(int64(time.Since(begin)))
	if a.MemoryKiB >= worthKiB {
		debug.FreeOSMemory()
	}
	return key, err
}

// worthKiB is how much memory is worth giving back to the system once it was used. The runtime by itself would collect it with what comes next, and then wake up for minutes to give back a little at a time.
const worthKiB = 16 << 10

// deriveBytes is derive for what is mixed with other secrets. The caller wipes it.
func (b *budget) deriveBytes(ctx context.Context, a *trust.PasswordAlgorithm, password []byte) ([]byte, error) {
	key, err := b.derive(ctx, a, password)
	if err != nil {
		return nil, err
	}
	defer key.Wipe()
	return key.Export()
}
