package rules

import (
	"io"
	"sync"

	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks"
)

// blank stands in a reply for a block that is sent from where it is stored. Its bytes are not looked at.
var blank [blocks.MaxSize]byte

// leastSent is the size from which on blocks are sent so. Smaller ones are not a part of their own in an encoded reply.
const leastSent = 64 << 10

// standIn makes the reply have a block of so many bytes, which content has.
func (c *Call) standIn(content blocks.Content, size int) []byte {
	c.sent = content
	return blank[:size]
}

// Sent is what is to be sent in place of a part of the encoded reply, or nil for the part itself.
func (c *Call) Sent(part []byte) io.WriterTo {
	if c.sent == nil || len(part) == 0 || &part[0] != &blank[0] {
		return nil
	}
	return c.sent
}

// Close ends a call, however it went.
func (c *Call) Close() {
	if c.sent != nil {
		_ = c.sent.Close() // it was only read
	}
}

// rooms is memory of blocks that were received or sent.
var rooms = sync.Pool{New: func() any { return new([]byte) }}

// borrow returns memory that is empty, and a place for it that is given to others by giveBack.
func borrow(place **[]byte) []byte {
	if *place == nil {
		*place, _ = rooms.Get().(*[]byte)
	}
	return (**place)[:0]
}

func giveBack(place **[]byte) {
	if *place != nil {
		rooms.Put(*place)
		*place = nil
	}
}

// BodyRoom returns memory for n bytes of a large body, which Done gives to others.
func (c *Call) BodyRoom(n int) []byte {
	room := borrow(&c.body)
	if cap(room) < n {
		room = make([]byte, 0, n)
		*c.body = room
	}
	return room
}

// keepBody leaves a body to who may still read it when the call is done.
func (c *Call) keepBody() { c.body = nil }

// room returns memory for a block, which Done gives to others.
func (c *Call) room() []byte { return borrow(&c.content) }

// fill notes what the memory has become, for it grows to what is read.
func (c *Call) fill(b []byte) []byte {
	*c.content = b
	return b
}

// Done ends a call whose reply was sent and is used by nobody any more. A call that ends otherwise must not be done: its memory is left to the collector.
func (c *Call) Done() {
	giveBack(&c.body)
	giveBack(&c.content)
}
