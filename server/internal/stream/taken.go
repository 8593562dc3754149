package stream

import (
	"errors"
	"net"
	"os"
	"time"
)

// frameTime is how long a listener may take for one frame.
const frameTime = 30 * time.Second

// maxHeard is how much a listener may say, which nobody looks at, before the stream ends.
const maxHeard = 16 << 10

// taken is a stream that took the connection over.
type taken struct {
	conn   net.Conn
	source Source
	// head is sent before the first frame.
	head      string
	first     []string
	keepAlive time.Duration
	alive     string
	ended     []func(bytes int64)
	// due is when the silence has lasted long enough.
	due     time.Time
	sent    int64
	heard   int
	ignored [16]byte
}

// past is a deadline that ends a read at once.
var past = time.Unix(1, 0)

// run is the stream's goroutine. Its stack is most of what a listener costs, and stays the smallest as long as calls do not go deep. A read that begins after
// the source was asked, with a deadline that was set before, ends when there is more: the source puts the deadline into the past.
func (t *taken) run(g *Group) {
	defer g.leave(t)
	t.source.Notify(func() { _ = t.conn.SetReadDeadline(past) }) // a connection that is closed needs no waking
	over := false
	for going := true; going; {
		_ = t.conn.SetReadDeadline(t.due) // fails like the read
		var frame string
		switch frame, over = t.next(); {
		case over:
			going = false
		case frame == "":
			going = t.wait()
		default:
			going = t.send(frame)
		}
	}
	t.end(over)
}

// end tells everybody that the stream has ended; whole says that the listener got everything.
func (t *taken) end(whole bool) {
	t.source.Close()
	for _, f := range t.ended {
		f(t.sent)
	}
	if whole && t.conn.SetWriteDeadline(time.Now().Add(frameTime)) == nil {
		_, _ = t.conn.Write([]byte(lastChunk)) // whoever has gone does not miss it
	}
	_ = t.conn.Close() // nothing waits to be written
}

// next is what to send next, empty if there is nothing.
func (t *taken) next() (frame string, over bool) {
	if len(t.first) > 0 {
		frame, t.first = t.first[0], t.first[1:]
		return frame, false
	}
	t.first = nil
	if frame, over = t.source.Next(); frame == "" && !over && !t.due.IsZero() && !time.Now().Before(t.due) {
		frame = t.alive
	}
	return frame, over
}

// wait reads, for nothing but to see that the listener goes, until the deadline, and reports false if it did.
func (t *taken) wait() bool {
	for {
		n, err := t.conn.Read(t.ignored[:])
		switch t.heard += n; {
		case t.heard > maxHeard:
			return false
		case err != nil:
			return errors.Is(err, os.ErrDeadlineExceeded)
		}
	}
}

// send sends a frame as one chunk, and its keep-alive is due after the next silence.
func (t *taken) send(frame string) bool {
	if t.conn.SetWriteDeadline(time.Now().Add(frameTime)) != nil {
		return false
	}
	kept, ok := chunks.Get().(*[]byte)
	if !ok {
		kept = new([]byte)
	}
	*kept = appendChunk(append((*kept)[:0], t.head...), frame)
	t.head = ""
	_, err := t.conn.Write(*kept)
	if cap(*kept) <= maxKept {
		chunks.Put(kept)
	}
	if err != nil {
		return false
	}
	t.sent += int64(len(frame))
	if t.keepAlive > 0 {
		t.due = time.Now().Add(t.keepAlive)
	}
	return true
}
