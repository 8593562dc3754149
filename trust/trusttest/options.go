package trusttest

import (
	"cmp"
	"time"

	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Options say how large an organisation becomes. What is zero has a default.
type Options struct {
	Seed uint64
	// Users and Realms are how many there are in the end, Devices how many a user has at most.
	Users, Realms, Devices int
	// Events is how much happens in all, if that is more than what the users and realms need.
	Events int
	// Start is when the organisation is founded, Step the longest time between two events. Most times are much shorter.
	Start trust.DateTime
	Step  time.Duration
	// Sequestered gives the organisation an authority from the start.
	Sequestered bool
}

// gap is the shortest time between two events: forgeries fit in.
const gap = time.Millisecond

func (o Options) withDefaults() Options {
	o.Users = cmp.Or(o.Users, 12)
	o.Realms = cmp.Or(o.Realms, 4)
	o.Devices = cmp.Or(o.Devices, 3)
	o.Events = max(o.Events, 3*o.Users+12*o.Realms)
	o.Step = max(cmp.Or(o.Step, 24*time.Hour), gap)
	if o.Start == (trust.DateTime{}) {
		o.Start = must(trust.DateTimeFromMicros(1_700_000_000_000_000))
	}
	return o
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
