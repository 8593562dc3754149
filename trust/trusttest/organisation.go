package trusttest

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Organisation is a model of an organisation, as it is now, and all that happened.
type Organisation struct {
	options Options
	rand    *rand.Rand
	clock   trust.DateTime
	// tick is how far the clock goes on.
	tick func() time.Duration

	root      trust.SigningKey
	authority trust.SequesterSigningKey
	sequester bool

	users    []*User
	realms   []*Realm
	services []*Service
	known    map[trust.UserID]*User
	events   []*Event
	// last is the time of the last certificate of a topic.
	last map[trust.Topic]trust.DateTime
}

// User is somebody of the organisation.
type User struct {
	ID      trust.UserID
	Handle  trust.HumanHandle
	Private trust.PrivateKey
	Public  trust.PublicKey
	Devices []*Device
	Profile trust.Profile
	Revoked bool
	Since   trust.DateTime

	enroller *Device
	// setups are shared recoveries; the last one may be deleted.
	setups []*setup
	// profiles are all that the user ever had.
	profiles []trust.Profile
}

// Device is a device of a user.
type Device struct {
	ID      trust.DeviceID
	User    *User
	Label   trust.DeviceLabel
	Signing trust.SigningKey
	Since   trust.DateTime
}

// Realm is a realm, with the keys that its members have.
type Realm struct {
	ID   trust.RealmID
	Keys []trust.KeyDerivation
	// Named says that it has a name.
	Named bool

	roles   map[*User]trust.Role
	members []*User // in the order in which they came, for the same life each time
	former  []*User
	last    trust.DateTime
	// bundleKey opens the last keys bundle.
	bundleKey access
}

// Service is a sequester service.
type Service struct {
	ID      trust.SequesterServiceID
	Private trust.SequesterPrivateKey
	Revoked bool

	key trust.SequesterEncryptionKey
}

type setup struct {
	brief      *trust.ShamirRecoveryBriefCertificate
	recipients []*User
	deleted    bool
}

// New returns an organisation that is not founded yet.
func New(options Options) *Organisation {
	o := &Organisation{
		options: options.withDefaults(), rand: rand.New(rand.NewPCG(options.Seed, 0)),
		sequester: options.Sequestered, known: map[trust.UserID]*User{}, last: map[trust.Topic]trust.DateTime{},
	}
	o.clock, o.tick = o.options.Start, o.pause
	o.root = must(trust.NewSigningKey(o.bytes(trust.KeySize)))
	return o
}

// Root returns the key that everything is verified with in the end.
func (o *Organisation) Root() trust.VerifyKey { return must(o.root.VerifyKey()) }

// Users returns all users in the order in which they came.
func (o *Organisation) Users() []*User { return slices.Clone(o.users) }

// Realms returns all realms in the order in which they were created.
func (o *Organisation) Realms() []*Realm { return slices.Clone(o.realms) }

// Events returns what happened up to now.
func (o *Organisation) Events() []*Event { return slices.Clone(o.events) }

// Now returns the time of the last event.
func (o *Organisation) Now() trust.DateTime { return o.clock }

// Store returns an empty store for what a user gets.
func (o *Organisation) Store(self *User) *trust.Store { return trust.NewStore(o.Root(), self.ID, nil) }

// pause is mostly short, and seldom as long as it may be.
func (o *Organisation) pause() time.Duration {
	return gap + time.Duration(o.rand.Float64()*o.rand.Float64()*o.rand.Float64()*float64(o.options.Step-gap))
}

// next moves the clock.
func (o *Organisation) next() trust.DateTime {
	o.clock = o.clock.Add(o.tick())
	return o.clock
}

// record makes the event a part of what happened.
func (o *Organisation) record(e *Event) *Event {
	o.sign(e).after()
	o.events = append(o.events, e)
	for _, c := range e.Certificates {
		o.last[c.Topic] = c.at
		if i := slices.IndexFunc(o.realms, func(r *Realm) bool { return c.Topic == trust.TopicRealm && r.ID == c.Realm }); i >= 0 {
			o.realms[i].last = c.at
		}
	}
	return e
}

func (o *Organisation) bytes(n int) []byte {
	b := make([]byte, 0, n+8)
	for len(b) < n {
		b = binary.LittleEndian.AppendUint64(b, o.rand.Uint64())
	}
	return b[:n]
}

// id is a UUID of version 4.
func (o *Organisation) id() (id [16]byte) {
	copy(id[:], o.bytes(len(id)))
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return id
}

// Live reports whether the user is not revoked.
func (u *User) Live() bool { return !u.Revoked }

// Switched reports whether the user was an outsider and something else at different times: then all certificates were served anew.
func (u *User) Switched() bool {
	return slices.Contains(u.profiles, trust.Outsider) && slices.ContainsFunc(u.profiles, func(p trust.Profile) bool { return p != trust.Outsider })
}

// deviceOf returns a device of the user.
func (o *Organisation) deviceOf(u *User) *Device { return u.Devices[o.rand.IntN(len(u.Devices))] }

// recovery is the shared recovery that the user has now, or nil.
func (u *User) recovery() *setup {
	if n := len(u.setups); n > 0 && !u.setups[n-1].deleted {
		return u.setups[n-1]
	}
	return nil
}

// Role returns what a user may do in the realm now.
func (r *Realm) Role(u *User) trust.Role { return r.roles[u] }

// Members returns everybody who has a role now, revoked or not.
func (r *Realm) Members() []*User { return slices.Clone(r.members) }

func (r *Realm) give(u *User, role trust.Role) {
	r.members = slices.DeleteFunc(r.members, func(m *User) bool { return m == u })
	r.former = slices.DeleteFunc(r.former, func(m *User) bool { return m == u })
	if role == trust.NoRole {
		delete(r.roles, u)
		r.former = append(r.former, u)
		return
	}
	r.roles[u] = role
	r.members = append(r.members, u)
}

// forbid stops a test that asks for what the rules forbid.
func forbid(wrong bool, format string, args ...any) {
	if wrong {
		panic(fmt.Sprintf("trusttest: "+format, args...))
	}
}
