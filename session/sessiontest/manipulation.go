package sessiontest

import (
	"math/rand/v2"
	"slices"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/session"
	"github.com/seed-73b3884f/parsec-agent/trust"
	"github.com/seed-73b3884f/parsec-agent/trust/trusttest"
)

// Manipulation is something that a server can do to the certificates that it gives: it has no key of anybody, or that of a member.
type Manipulation struct {
	Name string
	// change returns what a session must say, one of these; nil among them says that it may go unnoticed until everything is compared. Nothing at all says that it does not fit here.
	change func(c *chance) []error
}

// chance is an answer that is to be changed.
type chance struct {
	*rand.Rand
	world *World
	req   *cloud.CertificateGetReq
	lists lists
}

// Apply changes an answer, and returns what a session must say; false if there is nothing to change in this way.
func (m Manipulation) Apply(w *World, seed uint64, req *cloud.CertificateGetReq, rep *cloud.CertificateGetOK) (want []error, ok bool) {
	c := &chance{Rand: rand.New(rand.NewPCG(seed, 2)), world: w, req: req, lists: w.listsOf(req, rep)}
	if want = m.change(c); len(want) == 0 {
		return nil, false
	}
	*rep = *c.lists.answer()
	return want, true
}

// Manipulations returns all of them.
func Manipulations() []Manipulation { return slices.Concat(damaging, moving, withholding, forging) }

// fresh reports that the client has nothing yet.
func (c *chance) fresh() bool { return c.req.CommonAfter == nil }

// any returns a certificate of any list.
func (c *chance) any() (*list, int) {
	n := 0
	for _, l := range c.lists {
		n += len(l.all)
	}
	if n == 0 {
		return nil, 0
	}
	i := c.IntN(n)
	for _, l := range c.lists {
		if i < len(l.all) {
			return l, i
		}
		i -= len(l.all)
	}
	return nil, 0
}

// told is what a session says of a certificate that is not valid: one that it had itself must be there as it was.
func told(l *list, i int) []error {
	if i < l.old {
		return behind(l)
	}
	return []error{session.ErrRefused}
}

// behind is what it says where what it had is not there. If that may come of a changed profile it asks for everything, and finds all well if it is then.
func behind(l *list) []error {
	if l.topic == trust.TopicCommon {
		return []error{session.ErrRollback, nil}
	}
	return []error{session.ErrRollback}
}

func damage(name string, change func(c *chance, signed []byte) []byte) Manipulation {
	return Manipulation{name, func(c *chance) []error {
		l, i := c.any()
		if l == nil {
			return nil
		}
		l.changed(i, func(signed []byte) []byte { return change(c, signed) })
		return told(l, i)
	}}
}

var damaging = []Manipulation{
	damage("a bit of a signature", func(c *chance, b []byte) []byte {
		b[c.IntN(trust.SignatureSize)] ^= 1 << c.IntN(8)
		return b
	}),
	damage("a bit of what is signed", func(c *chance, b []byte) []byte {
		b[trust.SignatureSize+c.IntN(len(b)-trust.SignatureSize)] ^= 1 << c.IntN(8)
		return b
	}),
	damage("shortened", func(c *chance, b []byte) []byte { return b[:c.IntN(len(b))] }),
	damage("lengthened", func(c *chance, b []byte) []byte { return append(b, byte(c.Uint32())) }),
	damage("random bytes", func(c *chance, b []byte) []byte {
		for i := range b {
			b[i] = byte(c.Uint32())
		}
		return b
	}),
}

var moving = []Manipulation{
	{"neighbours swapped", func(c *chance) []error {
		l, i := c.any()
		if l == nil || i+1 >= len(l.all) {
			return nil
		}
		l.all[i], l.all[i+1] = l.all[i+1], l.all[i]
		return told(l, i)
	}},
	{"served twice", func(c *chance) []error {
		l, i := c.any()
		if l == nil {
			return nil
		}
		l.all = slices.Insert(l.all, i, l.all[i])
		if i+1 < l.old {
			return behind(l)
		}
		return []error{session.ErrRefused}
	}},
	{"served again at the end", func(c *chance) []error {
		l, i := c.any()
		if l == nil {
			return nil
		}
		l.all = append(l.all, l.all[i])
		return []error{session.ErrRefused}
	}},
	{"served in another realm", func(c *chance) []error {
		l, i := c.any()
		if l == nil || l.topic != trust.TopicRealm {
			return nil
		}
		other := c.list(trust.TopicRealm, trust.NewRealmID())
		other.all = append(other.all, l.all[i])
		return []error{session.ErrRefused}
	}},
	{"served in another topic", func(c *chance) []error {
		l, i := c.any()
		if l == nil || l.topic == trust.TopicShamir {
			return nil
		}
		other := c.list(trust.TopicShamir, trust.RealmID{})
		other.all = append(other.all, l.all[i])
		return []error{session.ErrRefused}
	}},
	{"of another organisation", func(c *chance) []error {
		l, i := c.any()
		if l == nil {
			return nil
		}
		other := trusttest.New(trusttest.Options{Seed: c.Uint64()}).Found().Certificates
		l.all = slices.Insert(l.all, i, other[c.IntN(len(other))].Signed)
		return told(l, i)
	}},
	{"another root and all below it", func(c *chance) []error {
		other := trusttest.New(trusttest.Options{Seed: c.Uint64()})
		other.Found()
		c.lists = nil
		for _, e := range other.Events() {
			for _, signed := range e.Certificates {
				l := c.list(signed.Topic, signed.Realm)
				l.all = append(l.all, signed.Signed)
			}
		}
		if c.fresh() {
			return []error{session.ErrRefused}
		}
		return []error{session.ErrRollback}
	}},
}

var withholding = []Manipulation{
	{"one left out", func(c *chance) []error {
		l, i := c.any()
		if l == nil {
			return nil
		}
		l.all = slices.Delete(l.all, i, i+1)
		if i < l.old {
			return behind(l)
		}
		return []error{nil, session.ErrRefused, session.ErrWithheld}
	}},
	{"the newest left out", func(c *chance) []error {
		l, i := c.any()
		if l == nil {
			return nil
		}
		l.all = l.all[:i]
		if i < l.old {
			return behind(l)
		}
		return []error{nil, session.ErrRefused, session.ErrWithheld}
	}},
	{"a topic left out", func(c *chance) []error {
		l, _ := c.any()
		if l == nil {
			return nil
		}
		l.all = nil
		if l.old > 0 {
			return []error{session.ErrRollback}
		}
		return []error{nil, session.ErrRefused, session.ErrWithheld}
	}},
	{"nothing at all", func(c *chance) []error {
		c.lists = nil
		if c.fresh() {
			return []error{session.ErrWithheld}
		}
		return []error{session.ErrRollback}
	}},
	{"an older answer", func(c *chance) []error {
		events := c.world.Events()
		at := events[c.IntN(len(events))].At
		rep := c.lists.answer()
		c.world.Until(rep, at)
		old := slices.ContainsFunc(c.lists, func(l *list) bool {
			return l.old > 0 && c.world.At(l.all[0]).After(at)
		})
		c.lists = c.world.listsOf(c.req, rep)
		if old {
			return []error{session.ErrRollback}
		}
		return []error{nil, session.ErrWithheld}
	}},
	{"without names", func(c *chance) []error {
		l, i := c.any()
		known := (*trusttest.Certificate)(nil)
		if l != nil {
			known = c.world.known[trust.Digest(l.all[i])]
		}
		if known == nil || known.Redacted == nil || c.world.Self.Profile == trust.Outsider {
			return nil
		}
		l.all[i] = known.Redacted
		if i < l.old {
			return behind(l)
		}
		return []error{nil}
	}},
}

var forging = []Manipulation{
	{"another name", func(c *chance) []error {
		return c.resigned(func(content trust.Certificate) trust.Certificate {
			u, ok := content.(*trust.UserCertificate)
			if !ok {
				return nil
			}
			forged := *u
			handle, err := trust.NewHumanHandle("mallory@example.com", "Mallory")
			if err != nil {
				panic(err)
			}
			forged.HumanHandle = &handle
			return &forged
		})
	}},
	{"another profile", func(c *chance) []error {
		return c.resigned(func(content trust.Certificate) trust.Certificate {
			switch content := content.(type) {
			case *trust.UserCertificate:
				forged := *content
				forged.Profile = trust.Admin
				return &forged
			case *trust.UserUpdateCertificate:
				forged := *content
				forged.NewProfile = trust.Admin
				return &forged
			}
			return nil
		})
	}},
	{"another key", func(c *chance) []error {
		return c.resigned(func(content trust.Certificate) trust.Certificate {
			key, err := trust.GenerateSigningKey().VerifyKey()
			if err != nil {
				panic(err)
			}
			switch content := content.(type) {
			case *trust.DeviceCertificate:
				forged := *content
				forged.VerifyKey = key
				return &forged
			case *trust.UserCertificate:
				forged := *content
				if forged.PublicKey, err = trust.GeneratePrivateKey().Public(); err != nil {
					panic(err)
				}
				return &forged
			}
			return nil
		})
	}},
	{"another role", func(c *chance) []error {
		return c.resigned(func(content trust.Certificate) trust.Certificate {
			r, ok := content.(*trust.RealmRoleCertificate)
			if !ok || r.Role == trust.Owner {
				return nil
			}
			forged := *r
			forged.Role = trust.Owner
			return &forged
		})
	}},
	{"a member breaks a rule", func(c *chance) []error {
		all := trusttest.Forgeries()
		kind := all[c.IntN(len(all))]
		f := c.world.Forge(kind, c.Uint64())
		if f == nil || f.Field != "" || f.Late || f.Self != nil && f.Self != c.world.Self || f.Bad.Topic == trust.TopicShamir {
			return nil
		}
		if f.Bad.Topic == trust.TopicRealm && len(c.world.Stream(c.world.Self).Realms[f.Bad.Realm]) == 0 {
			return nil // who sees nothing else of the realm cannot tell: a second creation is the first one to them
		}
		if c.world.Self.Profile == trust.Outsider && f.Bad.Redacted != nil {
			return nil // what is wrong may be in the names, which are left out
		}
		for _, forged := range f.Event.Certificates {
			l := c.list(forged.Topic, forged.Realm)
			l.all = append(l.all, forged.Signed)
		}
		return []error{session.ErrRefused}
	}},
}

// resigned puts a certificate with another content in the place of one, signed by a key of the server's own: it has no other.
func (c *chance) resigned(forge func(trust.Certificate) trust.Certificate) []error {
	l, i := c.any()
	if l == nil {
		return nil
	}
	known := c.world.known[trust.Digest(l.all[i])]
	forged := trust.Certificate(nil)
	if known != nil {
		forged = forge(known.Content)
	}
	if forged == nil {
		return nil
	}
	signed, err := trust.SignCertificate(forged, trust.GenerateSigningKey())
	if err != nil {
		panic(err)
	}
	l.all[i] = signed
	return told(l, i)
}
