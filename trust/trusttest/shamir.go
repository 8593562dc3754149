package trusttest

import (
	"slices"

	"github.com/seed-73b3884f/parsec-agent/trust"
)

// SetUpRecovery makes a shared recovery of the author's user, one share for each recipient.
func (o *Organisation) SetUpRecovery(author *Device, recipients ...*User) *Event {
	forbid(author.User.Revoked || author.User.recovery() != nil, "%v sets up no recovery", author.User.ID)
	forbid(slices.ContainsFunc(recipients, func(u *User) bool { return u.Revoked || u == author.User }), "a recipient is revoked, or the author")
	return o.record(o.recovery(author, recipients))
}

func (o *Organisation) recovery(author *Device, recipients []*User) *Event {
	brief := &trust.ShamirRecoveryBriefCertificate{
		Author: author.ID, Timestamp: o.next(), UserID: author.User.ID, Threshold: 1, PerRecipientShares: map[trust.UserID]uint8{},
	}
	e := &Event{
		Command: ShamirRecoverySetup, Author: author, At: o.clock, CipheredData: o.bytes(32), // no server looks into it
		RevealToken:  must(trust.NewAccessToken(o.bytes(16))),
		Certificates: []*Certificate{o.certificate(trust.TopicShamir, author, brief)},
	}
	for _, u := range recipients {
		brief.PerRecipientShares[u.ID] = 1
		e.Certificates = append(e.Certificates, o.certificate(trust.TopicShamir, author, o.shareFor(brief, u)))
	}
	e.after = func() { author.User.setups = append(author.User.setups, &setup{brief: brief, recipients: recipients}) }
	return e
}

func (o *Organisation) shareFor(brief *trust.ShamirRecoveryBriefCertificate, u *User) *trust.ShamirRecoveryShareCertificate {
	return &trust.ShamirRecoveryShareCertificate{
		Author: brief.Author, Timestamp: brief.Timestamp, UserID: brief.UserID, Recipient: u.ID, CipheredShare: must(u.Public.Seal(o.bytes(32))),
	}
}

// DeleteRecovery ends the shared recovery of the author's user.
func (o *Organisation) DeleteRecovery(author *Device) *Event {
	s := author.User.recovery()
	forbid(author.User.Revoked || s == nil, "%v deletes no recovery", author.User.ID)
	return o.record(o.deletion(author, s))
}

func (o *Organisation) deletion(author *Device, s *setup) *Event {
	content := &trust.ShamirRecoveryDeletionCertificate{
		Author: author.ID, Timestamp: o.next(), SetupToDeleteTimestamp: s.brief.Timestamp, SetupToDeleteUserID: s.brief.UserID,
		ShareRecipients: map[trust.UserID]struct{}{},
	}
	for _, u := range s.recipients {
		content.ShareRecipients[u.ID] = struct{}{}
	}
	return &Event{
		Command: ShamirRecoveryDelete, Author: author, At: o.clock,
		Certificates: []*Certificate{o.certificate(trust.TopicShamir, author, content)},
		after:        func() { s.deleted = true },
	}
}
