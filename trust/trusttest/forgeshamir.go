package trusttest

import (
	"slices"

	"github.com/seed-73b3884f/parsec-agent/trust"
)

// recovering makes a valid recovery with two recipients wrong, which the first of them sees.
func recovering(name string, want trust.Reason, change func(o *Organisation, f *Forged, brief *trust.ShamirRecoveryBriefCertificate)) Forgery {
	return Forgery{Name: name, Want: want, forge: func(o *Organisation) *Forged {
		author := o.by(func(u *User) bool { return u.Live() && u.recovery() == nil })
		first := o.somebody(author.User)
		e := o.recovery(author, []*User{first, o.somebody(author.User, first)})
		f := wrong(e, 0)
		f.Self = first
		change(o, f, content[*trust.ShamirRecoveryBriefCertificate](e, 0))
		return f
	}}
}

// sharing makes the share of the first recipient wrong.
func sharing(name string, want trust.Reason, change func(o *Organisation, f *Forged, share *trust.ShamirRecoveryShareCertificate)) Forgery {
	return recovering(name, want, func(o *Organisation, f *Forged, _ *trust.ShamirRecoveryBriefCertificate) {
		f.Bad = f.Event.Certificates[1]
		change(o, f, content[*trust.ShamirRecoveryShareCertificate](f.Event, 1))
	})
}

// deleting makes the deletion of a recovery wrong, which its owner sees.
func deleting(name string, want trust.Reason, owner func(*User) bool, change func(o *Organisation, e *Event, c *trust.ShamirRecoveryDeletionCertificate)) Forgery {
	return Forgery{Name: name, Want: want, forge: func(o *Organisation) *Forged {
		author := o.by(func(u *User) bool { return len(u.setups) > 0 && owner(u) })
		e := o.deletion(author, author.User.setups[len(author.User.setups)-1])
		change(o, e, content[*trust.ShamirRecoveryDeletionCertificate](e, 0))
		f := wrong(e, 0)
		f.Self = author.User
		return f
	}}
}

func canRecover(u *User) bool { return u.Live() && u.recovery() != nil }

var shamirForgeries = []Forgery{
	recovering("author is a recipient", trust.ShamirAuthorIsRecipient, func(o *Organisation, f *Forged, brief *trust.ShamirRecoveryBriefCertificate) {
		brief.PerRecipientShares[brief.UserID] = 1
		own := o.shareFor(brief, f.Event.Author.User)
		f.Event.Certificates = append(f.Event.Certificates, o.certificate(trust.TopicShamir, f.Event.Author, own))
	}),
	recovering("recovery of somebody else", trust.ShamirNotAboutAuthor, func(o *Organisation, f *Forged, brief *trust.ShamirRecoveryBriefCertificate) {
		brief.UserID = o.somebody(f.Event.Author.User, f.Self).ID
	}),
	recovering("recovery by another signer", trust.Corrupted, func(_ *Organisation, f *Forged, _ *trust.ShamirRecoveryBriefCertificate) {
		f.Bad.signedBy(f.Self.Devices[0])
	}),
	recovering("recipient is nobody", trust.UserUnknown, func(o *Organisation, f *Forged, brief *trust.ShamirRecoveryBriefCertificate) {
		stranger := o.stranger().User
		brief.PerRecipientShares[stranger.ID] = 1
		f.Event.Certificates = append(f.Event.Certificates, o.certificate(trust.TopicShamir, f.Event.Author, o.shareFor(brief, stranger)))
	}),
	recovering("recipient is revoked", trust.UserRevoked, func(o *Organisation, f *Forged, brief *trust.ShamirRecoveryBriefCertificate) {
		u := o.one(func(u *User) bool { return u.Revoked })
		brief.PerRecipientShares[u.ID] = 1
		f.Event.Certificates = append(f.Event.Certificates, o.certificate(trust.TopicShamir, f.Event.Author, o.shareFor(brief, u)))
	}),
	recovering("share is missing", trust.ShamirMissingShare, func(_ *Organisation, f *Forged, _ *trust.ShamirRecoveryBriefCertificate) {
		f.Event.Certificates, f.Late = slices.Delete(f.Event.Certificates, 1, 2), true
	}),
	recovering("recovery shown to a stranger", trust.ShamirUnrelated, func(o *Organisation, f *Forged, _ *trust.ShamirRecoveryBriefCertificate) {
		strangers := []*User{f.Event.Author.User}
		for _, c := range f.Event.Certificates[1:] {
			share, _ := c.Content.(*trust.ShamirRecoveryShareCertificate)
			strangers = append(strangers, o.known[share.Recipient])
		}
		f.Self, f.ByServer = o.somebody(strangers...), true
	}),
	recovering("share of another recipient", trust.ShamirUnrelated, func(_ *Organisation, f *Forged, _ *trust.ShamirRecoveryBriefCertificate) {
		shares := f.Event.Certificates[1:]
		shares[0], shares[1] = shares[1], shares[0]
		f.Bad, f.ByServer = shares[0], true
	}),
	{Name: "recovery by a revoked user", Want: trust.AuthorRevoked, forge: func(o *Organisation) *Forged {
		author := o.by(func(u *User) bool { return u.Revoked && u.recovery() == nil })
		f := wrong(o.recovery(author, []*User{o.somebody()}), 0)
		f.Self = author.User
		return f
	}},
	{Name: "recovery set up twice", Want: trust.ShamirAlreadySetUp, forge: func(o *Organisation) *Forged {
		author := o.by(canRecover)
		f := wrong(o.recovery(author, []*User{o.somebody(author.User)}), 0)
		f.Self = author.User
		return f
	}},
	{Name: "recovery, clock stands", Want: trust.InvalidTimestamp, forge: func(o *Organisation) *Forged {
		author := o.by(func(u *User) bool { return u.Live() && len(u.setups) > 0 && u.recovery() == nil })
		s := author.User.setups[len(author.User.setups)-1]
		fit(!author.Since.After(s.brief.Timestamp) && !slices.ContainsFunc(s.recipients, func(u *User) bool { return u.Revoked }))
		e := o.recovery(author, s.recipients)
		for i, c := range e.Certificates {
			if i == 0 {
				content[*trust.ShamirRecoveryBriefCertificate](e, 0).Timestamp = s.brief.Timestamp
			} else if share, ok := c.Content.(*trust.ShamirRecoveryShareCertificate); ok {
				share.Timestamp = s.brief.Timestamp
			}
		}
		f := wrong(e, 0)
		f.Self = author.User
		return f
	}},
	sharing("share at another time", trust.ShamirMissingBrief, func(o *Organisation, _ *Forged, share *trust.ShamirRecoveryShareCertificate) {
		share.Timestamp = o.next()
	}),
	sharing("share by another device", trust.ShamirMissingBrief, func(_ *Organisation, f *Forged, share *trust.ShamirRecoveryShareCertificate) {
		other := slices.IndexFunc(f.Event.Author.User.Devices, func(d *Device) bool { return d != f.Event.Author })
		fit(other >= 0)
		d := f.Event.Author.User.Devices[other]
		share.Author = d.ID
		f.Bad.signedBy(d)
	}),
	sharing("share for who is not in the brief", trust.ShamirMissingBrief, func(o *Organisation, _ *Forged, share *trust.ShamirRecoveryShareCertificate) {
		share.Recipient = o.stranger().User.ID
	}),
	sharing("share of somebody else's recovery", trust.ShamirNotAboutAuthor, func(_ *Organisation, f *Forged, share *trust.ShamirRecoveryShareCertificate) {
		share.UserID = f.Self.ID
	}),
	sharing("share, bytes swapped", trust.Corrupted, func(_ *Organisation, f *Forged, _ *trust.ShamirRecoveryShareCertificate) {
		f.Bad.damage = func(signed []byte) []byte {
			signed[trust.SignatureSize-1] ^= 1
			return signed
		}
	}),
	recovering("share twice", trust.AlreadyExists, func(o *Organisation, f *Forged, brief *trust.ShamirRecoveryBriefCertificate) {
		f.Bad = o.certificate(trust.TopicShamir, f.Event.Author, o.shareFor(brief, f.Self))
		f.Event.Certificates = append(f.Event.Certificates, f.Bad)
	}),
	{Name: "share without a brief", Want: trust.ShamirMissingBrief, forge: func(o *Organisation) *Forged {
		author := o.by((*User).Live)
		e := o.recovery(author, []*User{o.somebody(author.User)})
		e.Certificates = e.Certificates[1:]
		return &Forged{Event: e, Self: o.known[content[*trust.ShamirRecoveryShareCertificate](e, 0).Recipient], ByServer: true}
	}},
	deleting("recovery deleted by a recipient", trust.ShamirNotAboutAuthor, canRecover, func(o *Organisation, e *Event, c *trust.ShamirRecoveryDeletionCertificate) {
		e.Author = o.by(func(u *User) bool {
			_, recipient := c.ShareRecipients[u.ID]
			return u.Live() && recipient
		})
		c.Author = e.Author.ID
		e.Certificates[0].signedBy(e.Author)
	}),
	deleting("another recovery deleted", trust.ShamirNotLastSetup, canRecover, func(_ *Organisation, _ *Event, c *trust.ShamirRecoveryDeletionCertificate) {
		c.SetupToDeleteTimestamp = earlier(c.SetupToDeleteTimestamp)
	}),
	deleting("deletion with a recipient more", trust.ShamirRecipientsMismatch, canRecover, func(o *Organisation, _ *Event, c *trust.ShamirRecoveryDeletionCertificate) {
		c.ShareRecipients[o.id()] = struct{}{}
	}),
	deleting("deletion with a recipient less", trust.ShamirRecipientsMismatch, func(u *User) bool {
		return canRecover(u) && len(u.recovery().recipients) > 1
	}, func(_ *Organisation, e *Event, c *trust.ShamirRecoveryDeletionCertificate) {
		delete(c.ShareRecipients, e.Author.User.recovery().recipients[0].ID)
	}),
	deleting("recovery deleted twice", trust.ShamirAlreadyDeleted, func(u *User) bool { return u.Live() && u.recovery() == nil },
		func(*Organisation, *Event, *trust.ShamirRecoveryDeletionCertificate) {}),
	deleting("deletion by a revoked user", trust.AuthorRevoked, func(u *User) bool { return u.Revoked && u.recovery() != nil },
		func(*Organisation, *Event, *trust.ShamirRecoveryDeletionCertificate) {}),
	deleting("deletion, clock stands", trust.InvalidTimestamp, canRecover, func(_ *Organisation, e *Event, c *trust.ShamirRecoveryDeletionCertificate) {
		fit(!e.Author.Since.After(c.SetupToDeleteTimestamp))
		c.Timestamp = c.SetupToDeleteTimestamp
	}),
}
