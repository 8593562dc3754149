package software

import (
	"container/list"
	"sync"
	"sync/atomic"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers/software/internal/material"
)

// cache keeps loaded keys, the most recently used up to a number. A key that leaves the
// cache while it is in use is wiped by its last user.
type cache struct {
	max int

	mu      sync.Mutex // guards the fields below and those of entries that say so
	entries map[keyID]*entry
	recent  *list.List // of *entry, those that are loaded, the most recently used in front
	closed  bool
}

// entry is a key of the cache. Who took it gives it back with release.
type entry struct {
	id    keyID
	attrs psa.Attributes

	// key and err are set before loaded, which is set before ready is closed.
	key    *material.Key
	err    error
	loaded atomic.Bool
	ready  chan struct{}

	// Guarded by cache.mu:
	held    bool          // whether the entry can be found
	element *list.Element // its place in cache.recent, once it is loaded
	users   int
}

func newCache(limit int) *cache {
	return &cache{max: limit, entries: map[keyID]*entry{}, recent: list.New()}
}

// take returns the entry of the key. When mine is true the caller must fill it. An entry
// of other attributes is replaced: the key's policy changed.
func (c *cache) take(id keyID, attrs psa.Attributes) (e *entry, mine bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, false, wire.Errorf(wire.StatusBadState, "the provider is closed")
	}
	if e = c.entries[id]; e != nil && e.attrs == attrs {
		if e.element != nil {
			c.recent.MoveToFront(e.element)
		}
		e.users++
		return e, false, nil
	}
	if e != nil {
		c.evict(e)
	}
	e = &entry{id: id, attrs: attrs, ready: make(chan struct{}), held: true, users: 1}
	c.entries[id] = e
	return e, true, nil
}

// put adds a key that was just made. If it cannot be kept, it is wiped.
func (c *cache) put(id keyID, attrs psa.Attributes, key *material.Key) {
	e := &entry{id: id, attrs: attrs, key: key, ready: make(chan struct{}), held: true}
	e.loaded.Store(true)
	close(e.ready)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || c.entries[id] != nil {
		key.Wipe()
		return
	}
	c.entries[id] = e
	c.rank(e)
}

// fill sets the result of loading for all who wait. A failure is not kept, and displaces
// no key.
func (c *cache) fill(e *entry, key *material.Key, err error) {
	e.key, e.err = key, err
	e.loaded.Store(true)
	close(e.ready)
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err != nil:
		c.evict(e)
	case e.held:
		c.rank(e)
	}
}

// wait waits until the entry is filled.
func (e *entry) wait() error {
	if !e.loaded.Load() {
		<-e.ready
	}
	return e.err
}

// release ends the use of an entry.
func (c *cache) release(e *entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e.users--
	e.wipeUnused()
}

// drop forgets a key.
func (c *cache) drop(id keyID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.entries[id]; e != nil {
		c.evict(e)
	}
}

// close forgets all keys and refuses new ones.
func (c *cache) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for _, e := range c.entries {
		c.evict(e)
	}
}

// rank makes a loaded entry the most recently used and lets the oldest go.
func (c *cache) rank(e *entry) {
	e.element = c.recent.PushFront(e)
	for c.recent.Len() > c.max {
		c.evict(c.recent.Back().Value.(*entry)) //nolint:errcheck,forcetypeassert // the list holds nothing else
	}
}

// evict takes an entry out of the cache, once.
func (c *cache) evict(e *entry) {
	if !e.held {
		return
	}
	if e.element != nil {
		c.recent.Remove(e.element)
	}
	e.held, e.element = false, nil
	delete(c.entries, e.id)
	e.wipeUnused()
}

// wipeUnused wipes the key of an entry that nobody uses and nobody can find. An entry
// that is being loaded has a user.
func (e *entry) wipeUnused() {
	if e.users == 0 && !e.held && e.key != nil {
		e.key.Wipe()
		e.key = nil
	}
}
