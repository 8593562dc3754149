package trusttest

import (
	"iter"
	"slices"
	"time"

	"github.com/seed-73b3884f/parsec-agent/trust"
)

// move is something that may happen: it returns nil where it cannot.
type move struct {
	weight int
	do     func(o *Organisation) *Event
}

var moves = []move{
	{30, (*Organisation).someoneArrives},
	{10, (*Organisation).someDevice},
	{5, (*Organisation).someoneChanges},
	{4, (*Organisation).someoneLeaves},
	{6, (*Organisation).someRealm},
	{40, (*Organisation).workInRealm},
	{2, (*Organisation).workOfAuthority},
	{5, (*Organisation).someRecovery},
}

// idle is how many moves in a row may be impossible.
const idle = 10_000

// Life makes the organisation live until it is as large as its Options say. It yields each event when the organisation is as the
// event left it, and it may be left and gone on with.
func (o *Organisation) Life() iter.Seq[*Event] {
	return func(yield func(*Event) bool) {
		if len(o.users) == 0 && !yield(o.Found()) {
			return
		}
		for o.young() {
			if !yield(o.live()) {
				return
			}
		}
	}
}

func (o *Organisation) young() bool {
	return len(o.events) < o.options.Events || len(o.users) < o.options.Users || len(o.realms) < o.options.Realms
}

func (o *Organisation) live() *Event {
	total := 0
	for _, m := range moves {
		total += m.weight
	}
	for range idle {
		n := o.rand.IntN(total)
		for _, m := range moves {
			if n -= m.weight; n < 0 {
				if e := m.do(o); e != nil {
					return e
				}
				break
			}
		}
	}
	panic("trusttest: nothing happens any more")
}

// pick returns one of those that fit, or the zero value.
func pick[T any](o *Organisation, all []T, fits func(T) bool) (one T) {
	n := 0
	for _, v := range all {
		if fits(v) {
			n++
			if o.rand.IntN(n) == 0 {
				one = v
			}
		}
	}
	return one
}

// admin returns a device of an admin who is active.
func (o *Organisation) admin(fits func(*User) bool) *Device {
	u := pick(o, o.users, func(u *User) bool { return u.Live() && u.Profile == trust.Admin && fits(u) })
	if u == nil {
		return nil
	}
	return o.deviceOf(u)
}

func anybody(*User) bool { return true }

func but(u *User) func(*User) bool { return func(o *User) bool { return o != u } }

// dice returns true so many times in a hundred.
func (o *Organisation) dice(percent int) bool { return o.rand.IntN(100) < percent }

func (o *Organisation) someProfile() trust.Profile {
	switch n := o.rand.IntN(10); {
	case n < 2:
		return trust.Outsider
	case n < 5:
		return trust.Admin
	}
	return trust.Standard
}

func (o *Organisation) someoneArrives() *Event {
	if len(o.users) >= o.options.Users {
		return nil
	}
	return o.record(o.enrolment(o.admin(anybody), o.someProfile()))
}

func (o *Organisation) someDevice() *Event {
	u := pick(o, o.users, func(u *User) bool { return u.Live() && len(u.Devices) < o.options.Devices })
	if u == nil {
		return nil
	}
	e, _ := o.furtherDevice(o.deviceOf(u))
	return o.record(e)
}

func (o *Organisation) someoneChanges() *Event {
	profile := o.someProfile()
	u := pick(o, o.users, func(u *User) bool { return u.Live() && u.Profile != profile })
	if u == nil {
		return nil
	}
	author := o.admin(but(u))
	if author == nil {
		return nil
	}
	return o.Update(author, u, profile)
}

// someoneLeaves takes an owner as often as anybody else; two thirds of the people stay.
func (o *Organisation) someoneLeaves() *Event {
	live := slices.DeleteFunc(o.Users(), func(u *User) bool { return u.Revoked })
	if 3*len(live) < 2*len(o.users) {
		return nil
	}
	owners := o.dice(50)
	u := pick(o, live, func(u *User) bool {
		return !owners || slices.ContainsFunc(o.realms, func(r *Realm) bool { return r.Role(u) == trust.Owner })
	})
	if u == nil {
		return nil
	}
	author := o.admin(but(u))
	if author == nil {
		return nil
	}
	return o.Revoke(author, u)
}

func (o *Organisation) workOfAuthority() *Event {
	if !o.sequester {
		return nil
	}
	live := o.liveServices()
	if len(live) > 0 && (len(live) > 3 || o.dice(40)) {
		return o.RevokeService(live[o.rand.IntN(len(live))])
	}
	e, _ := o.service()
	return o.record(e)
}

func (o *Organisation) someRecovery() *Event {
	u := pick(o, o.users, (*User).Live)
	if s := u.recovery(); s != nil {
		return o.DeleteRecovery(o.deviceOf(u))
	}
	recipients := slices.DeleteFunc(o.Users(), func(r *User) bool { return r.Revoked || r == u })
	if len(recipients) == 0 {
		return nil
	}
	o.rand.Shuffle(len(recipients), func(i, j int) { recipients[i], recipients[j] = recipients[j], recipients[i] })
	return o.SetUpRecovery(o.deviceOf(u), recipients[:1+o.rand.IntN(min(5, len(recipients)))]...)
}

// deletionPeriod is what servers ask for at least between planning and doing, and a day.
const deletionPeriod = 31 * 24 * time.Hour
