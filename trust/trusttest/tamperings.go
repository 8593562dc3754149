package trusttest

import (
	"slices"

	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Tamperings returns all of them.
func Tamperings() []Tampering { return slices.Concat(withheld, moved, broken) }

func reasons(r ...trust.Reason) []trust.Reason { return r }

var withheld = []Tampering{
	{"user withheld", reasons(trust.UserUnknown), func(s *tampered) Place {
		i := s.some(s.Common, func(_ int, c *Certificate) bool { return is[*trust.UserCertificate](c) })
		s.Common = without(s.Common, i)
		return Place{Topic: trust.TopicCommon, Index: i}
	}},
	{"device withheld", reasons(trust.AuthorUnknown), func(s *tampered) Place {
		next := func(i int, c *Certificate) int {
			d, ok := c.Content.(*trust.DeviceCertificate)
			if !ok {
				return -1
			}
			return slices.IndexFunc(s.Common[i:], func(c *Certificate) bool { return c.by(d.DeviceID) })
		}
		i := s.some(s.Common, func(i int, c *Certificate) bool { return next(i, c) > 0 })
		at := i + next(i, s.Common[i]) - 1
		s.Common = without(s.Common, i)
		return Place{Topic: trust.TopicCommon, Index: at}
	}},
	{"authority withheld", reasons(trust.NotSequestered), func(s *tampered) Place {
		fit(len(s.Sequester) > 1)
		s.Sequester = s.Sequester[1:]
		return Place{Topic: trust.TopicSequester}
	}},
	{"service withheld", reasons(trust.ServiceUnknown), func(s *tampered) Place {
		end := func(c *Certificate) int {
			service, ok := c.Content.(*trust.SequesterServiceCertificate)
			return slices.IndexFunc(s.Sequester, func(c *Certificate) bool {
				r, revoked := c.Content.(*trust.SequesterRevokedServiceCertificate)
				return ok && revoked && r.ServiceID == service.ServiceID
			})
		}
		i := s.some(s.Sequester, func(_ int, c *Certificate) bool { return end(c) > 0 })
		at := end(s.Sequester[i]) - 1
		s.Sequester = without(s.Sequester, i)
		return Place{Topic: trust.TopicSequester, Index: at}
	}},
	{"creation of a realm withheld", reasons(trust.RealmFirstNotRole), func(s *tampered) Place {
		id := s.realm(func(list []*Certificate) bool { return len(list) > 1 })
		s.Realms[id] = s.Realms[id][1:]
		return Place{Topic: trust.TopicRealm, Realm: id}
	}},
	{"rotation withheld", reasons(trust.RealmKeyIndex), func(s *tampered) Place {
		next := func(list []*Certificate) (i, at int) {
			i = slices.IndexFunc(list, is[*trust.RealmKeyRotationCertificate])
			if i < 0 {
				return -1, -1
			}
			at = slices.IndexFunc(list[i+1:], func(c *Certificate) bool {
				return is[*trust.RealmKeyRotationCertificate](c) || is[*trust.RealmNameCertificate](c)
			})
			return i, i + at
		}
		id := s.realm(func(list []*Certificate) bool {
			i, at := next(list)
			return i >= 0 && at >= i
		})
		i, at := next(s.Realms[id])
		s.Realms[id] = without(s.Realms[id], i)
		return Place{Topic: trust.TopicRealm, Realm: id, Index: at}
	}},
	{"brief withheld", reasons(trust.ShamirMissingBrief), func(s *tampered) Place {
		i := s.some(s.Shamir, func(i int, _ *Certificate) bool {
			return i+1 < len(s.Shamir) && is[*trust.ShamirRecoveryShareCertificate](s.Shamir[i+1])
		})
		s.Shamir = without(s.Shamir, i)
		return Place{Topic: trust.TopicShamir, Index: i}
	}},
	{"share withheld", reasons(trust.ShamirMissingShare), func(s *tampered) Place {
		i := s.some(s.Shamir, func(_ int, c *Certificate) bool { return is[*trust.ShamirRecoveryShareCertificate](c) })
		s.Shamir = without(s.Shamir, i)
		return Place{Topic: trust.TopicShamir, Index: min(i, len(s.Shamir)-1)}
	}},
}

var moved = []Tampering{
	{"neighbours swapped", reasons(trust.InvalidTimestamp), func(s *tampered) Place {
		// A device whose user has nothing to do with the revocation or update before it.
		i := s.some(s.Common, func(i int, c *Certificate) bool {
			d, ok := c.Content.(*trust.DeviceCertificate)
			return ok && i > 0 && d.Author != nil && s.userOf(*d.Author) == d.UserID && s.isAbout(s.Common[i-1], d.UserID)
		})
		s.Common[i-1], s.Common[i] = s.Common[i], s.Common[i-1]
		return Place{Topic: trust.TopicCommon, Index: i}
	}},
	{"served again at once", reasons(trust.InvalidTimestamp), func(s *tampered) Place {
		i := s.some(s.Common, func(_ int, c *Certificate) bool {
			return is[*trust.UserUpdateCertificate](c) || is[*trust.RevokedUserCertificate](c)
		})
		s.Common = inserted(s.Common, i, s.Common[i])
		return Place{Topic: trust.TopicCommon, Index: i + 1}
	}},
	{"served again at the end", reasons(trust.InvalidTimestamp), func(s *tampered) Place {
		id := s.realm(func([]*Certificate) bool { return true })
		list := s.Realms[id]
		s.Realms[id] = inserted(list, len(list), list[s.rand.IntN(len(list))])
		return Place{Topic: trust.TopicRealm, Realm: id, Index: len(list)}
	}},
	{"served in another realm", reasons(trust.RealmOther), func(s *tampered) Place {
		from := s.realm(func([]*Certificate) bool { return true })
		id := s.realm(func(list []*Certificate) bool { return list[0] != s.Realms[from][0] })
		i := s.rand.IntN(len(s.Realms[id]) + 1)
		s.Realms[id] = inserted(s.Realms[id], i, s.Realms[from][s.rand.IntN(len(s.Realms[from]))])
		return Place{Topic: trust.TopicRealm, Realm: id, Index: i}
	}},
	{"served in another topic", reasons(trust.Corrupted), func(s *tampered) Place {
		id := s.realm(func([]*Certificate) bool { return true })
		s.Common = inserted(s.Common, len(s.Common), s.Realms[id][0])
		return Place{Topic: trust.TopicCommon, Index: len(s.Common) - 1}
	}},
	{"of another organisation", reasons(trust.Corrupted), func(s *tampered) Place {
		other := New(Options{Seed: s.rand.Uint64()}).Found().Certificates[0]
		i := s.rand.IntN(len(s.Common) + 1)
		s.Common = inserted(s.Common, i, other)
		return Place{Topic: trust.TopicCommon, Index: i}
	}},
}

// userOf is the user of a device.
func (s *tampered) userOf(id trust.DeviceID) (user trust.UserID) {
	for _, c := range s.Common {
		if d, ok := c.Content.(*trust.DeviceCertificate); ok && d.DeviceID == id {
			return d.UserID
		}
	}
	return user
}

// isAbout reports whether it revokes or changes others than the user.
func (s *tampered) isAbout(c *Certificate, not trust.UserID) bool {
	switch c := c.Content.(type) {
	case *trust.RevokedUserCertificate:
		return c.UserID != not
	case *trust.UserUpdateCertificate:
		return c.UserID != not
	}
	return false
}

// anywhere changes bytes of any certificate of the topic common or of a realm.
func anywhere(name string, want []trust.Reason, damage func(s *tampered, signed []byte) []byte) Tampering {
	return Tampering{name, want, func(s *tampered) Place {
		change := func(list []*Certificate) ([]*Certificate, int) {
			i := s.rand.IntN(len(list))
			seed := s.rand.Uint64() // both forms are changed alike where they have the same length
			list = slices.Clone(list)
			list[i] = list[i].damagedAt(func(signed []byte) []byte {
				s.rand = newRand(seed)
				return damage(s, signed)
			})
			return list, i
		}
		if len(s.Realms) == 0 || s.rand.IntN(2) == 0 {
			list, i := change(s.Common)
			s.Common = list
			return Place{Topic: trust.TopicCommon, Index: i}
		}
		id := s.realm(func([]*Certificate) bool { return true })
		list, i := change(s.Realms[id])
		s.Realms[id] = list
		return Place{Topic: trust.TopicRealm, Realm: id, Index: i}
	}}
}

var broken = []Tampering{
	anywhere("bit of a signature", reasons(trust.Corrupted), func(s *tampered, signed []byte) []byte {
		signed[s.rand.IntN(trust.SignatureSize)] ^= 1 << s.rand.IntN(8)
		return signed
	}),
	anywhere("bit of the content", reasons(trust.Corrupted, trust.AuthorUnknown, trust.AuthorNewer), func(s *tampered, signed []byte) []byte {
		signed[trust.SignatureSize+s.rand.IntN(len(signed)-trust.SignatureSize)] ^= 1 << s.rand.IntN(8)
		return signed
	}),
	anywhere("shortened", reasons(trust.Corrupted), func(s *tampered, signed []byte) []byte { return signed[:s.rand.IntN(len(signed))] }),
	anywhere("lengthened", reasons(trust.Corrupted), func(s *tampered, signed []byte) []byte { return append(signed, byte(s.rand.Uint32())) }),
}
