package rules

import (
	"slices"
	"sync"

	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// maxRemembered bounds the bytes of certificates that are remembered: half for those that were asked for lately, half for those before.
const maxRemembered = 8 << 20

// besides is what a certificate takes besides its bytes.
const besides = 64

// topicOf names a list of certificates of an organisation: that of a realm, or the common one, as outsiders get it or as others do.
type topicOf struct {
	org      int64
	realm    trust.RealmID
	redacted bool
}

// history is a list of certificates in their order, from the first on, with their moments. It is never changed.
type history struct {
	signed [][]byte
	on     []trust.DateTime
	size   int
}

// with returns the list with more at its end.
func (h *history) with(more []tables.Signed) *history {
	longer := &history{
		append(make([][]byte, 0, len(h.signed)+len(more)), h.signed...), append(make([]trust.DateTime, 0, len(h.on)+len(more)), h.on...), h.size,
	}
	for _, s := range more {
		longer.signed, longer.on = append(longer.signed, s.Signed), append(longer.on, s.On)
		longer.size += len(s.Signed) + besides
	}
	return longer
}

// last is the moment of the newest certificate.
func (h *history) last() trust.DateTime { return h.on[len(h.on)-1] }

// between returns the certificates after a moment, up to another one with it. They are the history's: nobody changes them.
func (h *history) between(after *trust.DateTime, until trust.DateTime) [][]byte {
	first, end := 0, h.upTo(until)
	if after != nil {
		first = min(h.upTo(*after), end)
	}
	return h.signed[first:end:end]
}

// upTo returns how many certificates there are up to a moment.
func (h *history) upTo(t trust.DateTime) int {
	n, _ := slices.BinarySearchFunc(h.on, t, func(on, t trust.DateTime) int {
		if on.After(t) {
			return 1
		}
		return -1
	})
	return n
}

// Remembered are certificates that were read, so that the database is only asked for what is new: certificates are added at the end of
// their list, with a moment that rises, and never change nor go, and numbers of organisations are not given twice. Whoever asks has the moment of the
// newest one from the transaction, and so gets what belongs to its state. It may be used concurrently; the zero value is ready.
type Remembered struct {
	mu         sync.Mutex // guards the fields below
	young, old map[topicOf]*history
	size       int // of the young
	// forgotten counts what was forgotten: what was read before is not remembered after.
	forgotten uint64
}

// Forget is an events.Watcher: it forgets an organisation, or all when org is 0. What happens to one user changes no certificate.
func (r *Remembered) Forget(org int64, user *trust.UserID) {
	if user != nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forgotten++
	r.young, r.old, r.size = nil, nil, 0
}

// get returns what is remembered of a topic, or nil, and with it what keep wants.
func (r *Remembered) get(t topicOf) (*history, uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	h := r.young[t]
	if h == nil && r.old[t] != nil {
		h = r.old[t]
		r.add(t, h)
	}
	return h, r.forgotten
}

// keep remembers a list, unless it takes too much or something was forgotten since.
func (r *Remembered) keep(t topicOf, h *history, forgotten uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.forgotten == forgotten {
		r.add(t, h)
	}
}

// add needs mu.
func (r *Remembered) add(t topicOf, h *history) {
	if h.size > maxRemembered/2 {
		return
	}
	if before := r.young[t]; before != nil {
		r.size -= before.size
	}
	if r.size+h.size > maxRemembered/2 {
		r.old, r.young, r.size = r.young, nil, 0
	}
	if r.young == nil {
		r.young = map[topicOf]*history{}
	}
	r.young[t] = h
	r.size += h.size
}

// certificates returns those of a topic after a moment up to until, from what is remembered and from load for what is newer. last is the moment of the newest one as of
// the transaction. Lists that nobody asked for from the beginning are not remembered.
func (r *Remembered) certificates(t topicOf, after *trust.DateTime, until, last trust.DateTime, load func(after *trust.DateTime) ([]tables.Signed, error)) ([][]byte, error) {
	if until.After(last) {
		until = last
	}
	h, forgotten := r.get(t)
	switch {
	case h == nil && after != nil:
		found, err := load(after)
		return (&history{}).with(found).between(nil, until), err
	case h == nil:
		h = &history{}
	case !last.After(h.last()):
		return h.between(after, until), nil
	}
	var from *trust.DateTime
	if len(h.on) > 0 {
		moment := h.last()
		from = &moment
	}
	more, err := load(from)
	if err != nil || len(h.on)+len(more) == 0 {
		return [][]byte{}, err
	}
	h = h.with(more)
	r.keep(t, h, forgotten)
	return h.between(after, until), nil
}
