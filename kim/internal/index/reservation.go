package index

import (
	"context"
	"slices"
	"sync/atomic"

	"github.com/seed-73b3884f/parsec-agent/kim"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// Writer makes an entry durable and then puts it into the index.
type Writer func(ctx context.Context, k Key, e kim.Entry) error

type reservation struct {
	index *Index
	key   Key
	entry kim.Entry
	write Writer
	used  atomic.Bool
}

// Reserve takes a key for e, which lacks key id and attributes, or returns kim.ErrExists.
// Its Commit writes with w.
func (x *Index) Reserve(k Key, e kim.Entry, w Writer) (kim.Reservation, error) {
	if !x.Take(k) {
		return nil, kim.ErrExists
	}
	return &reservation{index: x, key: k, entry: e, write: w}, nil
}

func (r *reservation) Commit(ctx context.Context, keyID []byte, attrs psa.Attributes) error {
	return r.commit(ctx, kim.Entry{KeyID: keyID, Attributes: attrs})
}

func (r *reservation) Adopt(ctx context.Context, keyID []byte, attrs psa.Attributes) error {
	return r.commit(ctx, kim.Entry{KeyID: keyID, Attributes: attrs, Adopted: true})
}

// commit writes the entry with the key of made.
func (r *reservation) commit(ctx context.Context, made kim.Entry) error {
	if r.used.Swap(true) {
		return wire.Errorf(wire.StatusBadState, "the reservation of key %q is used up", r.key.Name)
	}
	r.entry.KeyID, r.entry.Attributes, r.entry.Adopted = slices.Clone(made.KeyID), made.Attributes, made.Adopted
	err := r.write(ctx, r.key, r.entry)
	if err != nil {
		r.index.Release(r.key)
	}
	return err
}

func (r *reservation) Release() {
	if !r.used.Swap(true) {
		r.index.Release(r.key)
	}
}
