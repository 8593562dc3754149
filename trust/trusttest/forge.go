package trusttest

import (
	"slices"
	"time"

	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Forgery is one way to break one rule.
type Forgery struct {
	Name string
	// Want is why a store refuses it.
	Want trust.Reason
	// Field is what differs between a full certificate and its redacted form, where that is all that is wrong: a store gets one of
	// them and cannot know.
	Field string

	forge func(o *Organisation) *Forged
}

// Forged is a forgery at a place of an organisation.
type Forged struct {
	Forgery
	Event *Event
	// Bad is the certificate that is refused.
	Bad *Certificate
	// Late says that it is refused when another one follows, and only at the end if there is none.
	Late bool
	// Self is who must get it; nil is anybody.
	Self *User
	// ByServer says that no command carries it: a server is the forger.
	ByServer bool

	after int // so many events
}

// Forgeries returns all of them.
func Forgeries() []Forgery {
	return slices.Concat(foundingForgeries, userForgeries, deviceForgeries, pairForgeries, sequesterForgeries, realmForgeries, roleForgeries, shamirForgeries)
}

// unfit stops a forgery where nobody can do it.
type unfit struct{}

func fit(does bool) {
	if !does {
		panic(unfit{})
	}
}

// Forge returns the forgery as the next event of the organisation, which stays as it is; nil if it does not fit here. The seed chooses
// who does it to whom.
func (o *Organisation) Forge(kind Forgery, seed uint64) (f *Forged) {
	random, clock, tick := o.rand, o.clock, o.tick
	defer func() {
		o.rand, o.clock, o.tick = random, clock, tick
		if r := recover(); r != nil {
			if _, ok := r.(unfit); !ok {
				panic(r)
			}
			f = nil
		}
	}()
	o.rand = newRand(seed)
	o.tick = func() time.Duration { return gap / 1000 } // what is forged comes before what follows
	f = kind.forge(o)
	f.Forgery, f.after = kind, len(o.events)
	if f.Bad == nil {
		f.Bad = f.Event.Certificates[0]
	}
	o.sign(f.Event)
	return f
}

// StreamWith returns what a user gets after the first n events, with the forgery at its place.
func (o *Organisation) StreamWith(f *Forged, to *User, n int) Stream {
	return serve(slices.Insert(o.Events()[:n], f.after, f.Event), to, f.Bad)
}

// Place returns where the bad certificate is refused in a list of the stream.
func (s Stream) Place(f *Forged) int {
	i := s.place(f.Bad)
	if f.Late && i+1 < len(s.Shamir) {
		i++
	}
	return i
}

// After returns how many events were before the forgery.
func (f *Forged) After() int { return f.after }

// wrong is the event whose certificate i is bad.
func wrong(e *Event, i int) *Forged { return &Forged{Event: e, Bad: e.Certificates[i]} }

// content returns the certificate i for being changed.
func content[C trust.Certificate](e *Event, i int) C {
	c, ok := e.Certificates[i].Content.(C)
	forbid(!ok, "certificate %d is another", i)
	return c
}

// signedBy lets another device sign, and stand there as the author if it does.
func (c *Certificate) signedBy(d *Device) { c.signer = &d.Signing }

// one returns a user who fits.
func (o *Organisation) one(fits func(*User) bool) *User {
	u := pick(o, o.users, fits)
	fit(u != nil)
	return u
}

// by returns a device of a user who fits.
func (o *Organisation) by(fits func(*User) bool) *Device { return o.deviceOf(o.one(fits)) }

// somebody returns a user who is not revoked, and is not one of some.
func (o *Organisation) somebody(not ...*User) *User {
	return o.one(func(u *User) bool { return u.Live() && !slices.Contains(not, u) })
}

func (o *Organisation) stranger() *Device { return o.newDevice(o.newUser(nil, trust.Admin)) }

func isAdmin(u *User) bool    { return u.Live() && u.Profile == trust.Admin }
func isStandard(u *User) bool { return u.Live() && u.Profile == trust.Standard }
func isOutsider(u *User) bool { return u.Live() && u.Profile == trust.Outsider }

// earlier is a moment before.
func earlier(at trust.DateTime) trust.DateTime { return at.Add(-time.Microsecond) }
