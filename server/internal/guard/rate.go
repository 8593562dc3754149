package guard

import (
	"net/netip"
	"sync"
	"time"
)

// Rate is how often something may happen: so many times at once, and then so many a second.
type Rate struct {
	Burst     float64
	PerSecond float64
}

// Limiter holds each key to a rate. It may be used concurrently. It remembers at most
// twice as many keys as it was made for; of those that are forgotten, longest unused, the
// full burst is allowed again.
type Limiter[K comparable] struct {
	rate Rate
	most int

	mu         sync.Mutex // guards the fields below
	young, old map[K]bucket
}

// bucket is what a key has left, at a time.
type bucket struct {
	tokens float64
	at     time.Time
}

// NewLimiter makes a limiter for about most keys. A rate of zero allows everything.
func NewLimiter[K comparable](rate Rate, most int) *Limiter[K] {
	return &Limiter[K]{rate: rate, most: max(most, 1), young: map[K]bucket{}}
}

// Allow takes one token of a key. When there is none it returns after which time there is.
func (l *Limiter[K]) Allow(key K) (wait time.Duration, ok bool) {
	if l.rate == (Rate{}) {
		return 0, true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	b := l.find(key, now)
	b.tokens = min(l.rate.Burst, b.tokens+max(0, now.Sub(b.at).Seconds())*l.rate.PerSecond)
	b.at = now
	ok = b.tokens >= 1
	if ok {
		b.tokens--
	}
	l.keep(key, b)
	if ok {
		return 0, true
	}
	return l.until(b), false
}

// until is when a bucket has a token again, an hour at most.
func (l *Limiter[K]) until(b bucket) time.Duration {
	const most = time.Hour
	if seconds := (1 - b.tokens) / l.rate.PerSecond; seconds < most.Seconds() {
		return time.Duration(seconds * float64(time.Second))
	}
	return most
}

func (l *Limiter[K]) find(key K, now time.Time) bucket {
	if b, ok := l.young[key]; ok {
		return b
	}
	if b, ok := l.old[key]; ok {
		return b
	}
	return bucket{l.rate.Burst, now}
}

// keep remembers a bucket among the young. When these are many they become the old, and
// the old ones, which nobody asked for since, are forgotten.
func (l *Limiter[K]) keep(key K, b bucket) {
	l.young[key] = b
	if len(l.young) >= l.most {
		l.old, l.young = l.young, map[K]bucket{}
	}
}

// network is what an address is counted as: an IPv6 customer has at least a /64.
func network(a netip.Addr) netip.Prefix {
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{} // local programs are counted together
	}
	return p
}
