package rules

import "sync"

// rooms is memory for blocks that were sent.
var rooms = sync.Pool{New: func() any { return new([]byte) }}

// room returns memory for a block, which Done gives to others.
func (c *Call) room() []byte {
	if c.borrowed == nil {
		c.borrowed, _ = rooms.Get().(*[]byte)
	}
	return (*c.borrowed)[:0]
}

// fill notes what the memory has become, for it grows to what is read.
func (c *Call) fill(b []byte) []byte {
	*c.borrowed = b
	return b
}

// Done ends a call whose reply was sent and is used by nobody any more. A call that ends otherwise must not be done: its memory is left to the collector.
func (c *Call) Done() {
	if c.borrowed != nil {
		rooms.Put(c.borrowed)
		c.borrowed = nil
	}
}
