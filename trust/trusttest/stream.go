package trusttest

import (
	"slices"

	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Stream is what a server has for a user, topic by topic.
type Stream struct {
	Sequester, Common, Shamir []*Certificate
	Realms                    map[trust.RealmID][]*Certificate
	// Redacted says that the user is an outsider.
	Redacted bool
}

// Stream returns what the user gets now.
func (o *Organisation) Stream(to *User) Stream { return serve(o.events, to, nil) }

// StreamAt returns what the user got after the first n events.
func (o *Organisation) StreamAt(to *User, n int) Stream { return serve(o.events[:n], to, nil) }

// serve goes through the events as a server does. What is forged, the user gets in any case.
func serve(events []*Event, to *User, forged *Certificate) Stream {
	s := Stream{Realms: map[trust.RealmID][]*Certificate{}}
	realms := map[trust.RealmID]*view{}
	for _, e := range events {
		for _, c := range e.Certificates {
			switch c.Topic {
			case trust.TopicSequester:
				s.Sequester = append(s.Sequester, c)
			case trust.TopicCommon:
				s.Common = append(s.Common, c)
				s.Redacted = redactedAfter(c.Content, to.ID, s.Redacted)
			case trust.TopicRealm:
				v, ok := realms[c.Realm]
				if !ok {
					v = &view{}
					realms[c.Realm] = v
				}
				v.add(c, to, forged)
			case trust.TopicShamir:
				if c == forged || concerns(c.Content, to.ID) {
					s.Shamir = append(s.Shamir, c)
				}
			}
		}
	}
	for id, v := range realms {
		if v.shown > 0 {
			s.Realms[id] = v.all[:v.shown]
		}
	}
	return s
}

// redactedAfter follows the profile of the user.
func redactedAfter(c trust.Certificate, to trust.UserID, before bool) bool {
	switch c := c.(type) {
	case *trust.UserCertificate:
		if c.UserID == to {
			return c.Profile == trust.Outsider
		}
	case *trust.UserUpdateCertificate:
		if c.UserID == to {
			return c.NewProfile == trust.Outsider
		}
	}
	return before
}

// view is what a user sees of a realm: all of it for members, and for who was one all up to the end of it.
type view struct {
	all    []*Certificate
	member bool
	shown  int
}

func (v *view) add(c *Certificate, to *User, forged *Certificate) {
	v.all = append(v.all, c)
	seen := v.member || c == forged
	if role, ok := c.Content.(*trust.RealmRoleCertificate); ok && role.UserID == to.ID && c != forged {
		seen = true
		v.member = role.Role != trust.NoRole
	}
	if seen {
		v.shown = len(v.all)
	}
}

// concerns reports whether a certificate of a shared recovery is for the user.
func concerns(c trust.Certificate, to trust.UserID) bool {
	switch c := c.(type) {
	case *trust.ShamirRecoveryBriefCertificate:
		return c.UserID == to || c.PerRecipientShares[to] > 0
	case *trust.ShamirRecoveryShareCertificate:
		return c.Recipient == to
	case *trust.ShamirRecoveryDeletionCertificate:
		_, recipient := c.ShareRecipients[to]
		return c.SetupToDeleteUserID == to || recipient
	}
	return false
}

// Batch returns the stream for a store that has nothing.
func (s Stream) Batch() trust.Batch { return s.Since(nil, nil) }

// Since returns what comes after what a store has, as trust.Store.Last says it.
func (s Stream) Since(topics map[trust.Topic]trust.DateTime, realms map[trust.RealmID]trust.DateTime) trust.Batch {
	b := trust.Batch{
		Sequester: s.list(s.Sequester, topics[trust.TopicSequester]), Common: s.list(s.Common, topics[trust.TopicCommon]),
		Shamir: s.list(s.Shamir, topics[trust.TopicShamir]), Realms: map[trust.RealmID][][]byte{},
	}
	for id, all := range s.Realms {
		if list := s.list(all, realms[id]); len(list) > 0 {
			b.Realms[id] = list
		}
	}
	return b
}

// list returns the bytes of what is later; the zero time is before everything.
func (s Stream) list(all []*Certificate, after trust.DateTime) (list [][]byte) {
	for _, c := range all {
		if after != (trust.DateTime{}) && !c.at.After(after) {
			continue
		}
		if s.Redacted && c.Redacted != nil {
			list = append(list, c.Redacted)
		} else {
			list = append(list, c.Signed)
		}
	}
	return list
}

// place returns where a certificate stands in its list.
func (s Stream) place(c *Certificate) int {
	switch c.Topic {
	case trust.TopicSequester:
		return slices.Index(s.Sequester, c)
	case trust.TopicCommon:
		return slices.Index(s.Common, c)
	case trust.TopicShamir:
		return slices.Index(s.Shamir, c)
	case trust.TopicRealm:
	}
	return slices.Index(s.Realms[c.Realm], c)
}
