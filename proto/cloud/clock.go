package cloud

import (
	"net/http"
	"sync"
	"time"
)

// ClockOffset says how far a server's clock is ahead of ours; a negative offset means that it is behind.
type ClockOffset struct {
	Offset time.Duration
	// Uncertainty is how far off Offset may be to either side.
	Uncertainty time.Duration
	// At is when it was measured, by our clock.
	At time.Time
}

// clock keeps the last measurement.
type clock struct {
	mu   sync.Mutex
	last ClockOffset
	any  bool
}

// measure compares the Date of an answer, which has whole seconds, with the middle of sending and receiving.
func (c *clock) measure(date string, sent, received time.Time) {
	server, err := http.ParseTime(date)
	if err != nil {
		return
	}
	const half = time.Second / 2
	trip := received.Sub(sent)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = ClockOffset{Offset: server.Add(half).Sub(sent.Add(trip / 2)), Uncertainty: half + trip/2, At: received}
	c.any = true
}

func (c *clock) read() (ClockOffset, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.last, c.any
}

// ClockOffset returns what the last answer told about the server's clock, and false if there was none with a date.
func (c *Client) ClockOffset() (ClockOffset, bool) { return c.clock.read() }

// Offset returns how far the server's clock was ahead of what the client stated.
func (t *TimestampOutOfBallpark) Offset() time.Duration {
	return t.ServerTimestamp.Time().Sub(t.ClientTimestamp.Time())
}
