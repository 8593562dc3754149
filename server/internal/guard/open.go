package guard

import (
	"net/netip"
	"sync"
)

// Open bounds what is at work at once, in all and for each network. It may be used
// concurrently.
type Open struct {
	most, each int

	mu  sync.Mutex // guards the fields below
	all int
	of  map[netip.Prefix]int // only those that have some
}

// NewOpen makes a bound; zero is none.
func NewOpen(most, each int) *Open {
	return &Open{most: most, each: each, of: map[netip.Prefix]int{}}
}

// Enter counts one more, and reports false if that is too many. Otherwise leave must be called.
func (o *Open) Enter(a netip.Addr) (leave func(), ok bool) { return o.enter(a, o.each) }

// EnterProxy is Enter for a trusted proxy, behind which are many.
func (o *Open) EnterProxy(a netip.Addr) (leave func(), ok bool) { return o.enter(a, 0) }

func (o *Open) enter(a netip.Addr, each int) (leave func(), ok bool) {
	n := network(a)
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.most > 0 && o.all >= o.most || each > 0 && o.of[n] >= each {
		return nil, false
	}
	o.all++
	o.of[n]++
	left := false // guarded by mu
	return func() { o.leave(n, &left) }, true
}

// leave counts one less, once.
func (o *Open) leave(n netip.Prefix, left *bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if *left {
		return
	}
	*left = true
	o.all--
	if o.of[n]--; o.of[n] == 0 {
		delete(o.of, n)
	}
}

// Count returns how many are at work, for metrics.
func (o *Open) Count() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.all
}
