// Package index is the memory of a key info manager: all entries by key, the keys of each
// owner in order, and the names that reservations hold. Both stores answer every read from
// it. It knows nothing of files.
//
// It may be used concurrently. Readers take a shared lock and nothing else; no call does
// I/O.
package index

import (
	"cmp"
	"maps"
	"slices"
	"sync"

	"github.com/seed-73b3884f/parsec-agent/kim"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// Key is what a store compares. Parts that it does not compare are zero.
type Key struct {
	Owner    kim.Owner
	Name     psa.KeyName
	Provider wire.ProviderID
}

func (k Key) compare(o Key) int {
	return cmp.Or(compareOwners(k.Owner, o.Owner), cmp.Compare(k.Name, o.Name), cmp.Compare(k.Provider, o.Provider))
}

func compareOwners(a, b kim.Owner) int {
	return cmp.Or(cmp.Compare(a.Auth, b.Auth), cmp.Compare(a.App, b.App))
}

// Index is the memory of one store.
type Index struct {
	// mu guards the fields below. Entries are never changed in place, only replaced.
	mu      sync.RWMutex
	entries map[Key]kim.Entry
	owners  map[kim.Owner][]Key // sorted
	taken   map[Key]struct{}
}

// New returns an Index of entries, which it takes over.
func New(entries map[Key]kim.Entry) *Index {
	x := &Index{taken: map[Key]struct{}{}}
	x.Replace(entries)
	return x
}

// Replace exchanges all entries; reservations stay.
func (x *Index) Replace(entries map[Key]kim.Entry) {
	if entries == nil {
		entries = map[Key]kim.Entry{}
	}
	owners := map[kim.Owner][]Key{}
	for k := range entries {
		owners[k.Owner] = append(owners[k.Owner], k)
	}
	for _, keys := range owners {
		slices.SortFunc(keys, Key.compare)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.entries, x.owners = entries, owners
}

// Get returns a copy of the entry.
func (x *Index) Get(k Key) (kim.Entry, bool) {
	x.mu.RLock()
	e, ok := x.entries[k]
	x.mu.RUnlock()
	e.KeyID = slices.Clone(e.KeyID)
	return e, ok
}

// List returns copies of an owner's entries in the order of their names.
func (x *Index) List(owner kim.Owner) []kim.Entry {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.copies(make([]kim.Entry, 0, len(x.owners[owner])), x.owners[owner])
}

// All returns copies of all entries in the order of owners and names.
func (x *Index) All() []kim.Entry {
	x.mu.RLock()
	defer x.mu.RUnlock()
	all := make([]kim.Entry, 0, len(x.entries))
	for _, owner := range slices.SortedFunc(maps.Keys(x.owners), compareOwners) {
		all = x.copies(all, x.owners[owner])
	}
	return all
}

// copies appends copies of entries, with all their key ids in one piece of memory.
func (x *Index) copies(to []kim.Entry, keys []Key) []kim.Entry {
	size := 0
	for _, k := range keys {
		size += len(x.entries[k].KeyID)
	}
	ids := make([]byte, 0, size)
	for _, k := range keys {
		e := x.entries[k]
		start := len(ids)
		ids = append(ids, e.KeyID...)
		e.KeyID = ids[start:len(ids):len(ids)]
		to = append(to, e)
	}
	return to
}

// Len returns the number of entries.
func (x *Index) Len() int {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return len(x.entries)
}

// Take reserves a key, unless there is an entry or a reservation already.
func (x *Index) Take(k Key) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	_, exists := x.entries[k]
	_, taken := x.taken[k]
	if exists || taken {
		return false
	}
	x.taken[k] = struct{}{}
	return true
}

// Release ends a reservation.
func (x *Index) Release(k Key) {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.taken, k)
}

// Put sets an entry, which it takes over, and ends the reservation of its key.
func (x *Index) Put(k Key, e kim.Entry) {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.taken, k)
	if _, exists := x.entries[k]; !exists {
		keys := x.owners[k.Owner]
		at, _ := slices.BinarySearchFunc(keys, k, Key.compare)
		x.owners[k.Owner] = slices.Insert(keys, at, k)
	}
	x.entries[k] = e
}

// Remove forgets an entry.
func (x *Index) Remove(k Key) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if _, exists := x.entries[k]; !exists {
		return
	}
	delete(x.entries, k)
	keys := x.owners[k.Owner]
	if len(keys) == 1 {
		delete(x.owners, k.Owner)
		return
	}
	at, _ := slices.BinarySearchFunc(keys, k, Key.compare)
	x.owners[k.Owner] = slices.Delete(keys, at, at+1)
}
