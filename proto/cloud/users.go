package cloud

import "sync"

// users counts who uses something, and calls last when nobody does any longer.
type users struct {
	last func()
	mu   sync.Mutex
	n    int
	over bool
}

// add reports whether there is still something to use.
func (u *users) add() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.over {
		return false
	}
	u.n++
	return true
}

func (u *users) done() {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.n--; u.n == 0 {
		u.over = true
		u.last()
	}
}

func once(f func()) func() {
	o := sync.Once{}
	return func() { o.Do(f) }
}
