package trust

import "maps"

// Rules of the topic of shared recovery (4.6).

func (a *adder) shamir(c Certificate) error {
	if waiting := a.awaitsShare(); waiting != nil {
		if _, ok := c.(*ShamirRecoveryShareCertificate); !ok {
			return refuse(ShamirMissingShare)
		}
	}
	var err error
	switch c := c.(type) {
	case *ShamirRecoveryBriefCertificate:
		err = a.brief(c)
	case *ShamirRecoveryShareCertificate:
		err = a.share(c)
	case *ShamirRecoveryDeletionCertificate:
		err = a.deletion(c)
	default:
		err = errTopic
	}
	if err == nil {
		a.passed(TopicShamir, c.SignedAt())
	}
	return err
}

// awaitsShare returns the recovery whose share for this user must be the next certificate.
func (a *adder) awaitsShare() *setupState {
	last, ok := a.last[TopicShamir]
	if !ok {
		return nil
	}
	for _, setups := range a.setups {
		s := setups[len(setups)-1]
		_, recipient := s.brief.PerRecipientShares[a.store.self]
		if recipient && s.share == nil && s.brief.Timestamp == last {
			return s
		}
	}
	return nil
}

// current returns the last recovery of a user, or nil.
func (a *adder) current(user UserID) *setupState {
	if setups := a.setups[user]; len(setups) > 0 {
		return setups[len(setups)-1]
	}
	return nil
}

// authorUser is the user of an author, revoked or not.
func (a *adder) authorUser(author DeviceID) (UserID, error) {
	d, ok := a.devices[author]
	if !ok {
		return UserID{}, refuse(AuthorUnknown)
	}
	return d.UserID, nil
}

func (a *adder) brief(c *ShamirRecoveryBriefCertificate) error {
	if err := a.newer(TopicShamir, c.Timestamp, false); err != nil {
		return err
	}
	author, err := a.authorUser(c.Author)
	if err != nil {
		return err
	}
	_, amRecipient := c.PerRecipientShares[a.store.self]
	setup := a.current(author)
	switch {
	case c.UserID != author:
		return refuse(ShamirNotAboutAuthor)
	case c.PerRecipientShares[author] > 0:
		return refuse(ShamirAuthorIsRecipient)
	case author != a.store.self && !amRecipient:
		return refuse(ShamirUnrelated)
	case setup != nil && setup.deleted == nil:
		return refuse(ShamirAlreadySetUp)
	}
	if _, err := a.liveAuthor(c.Author, c.Timestamp); err != nil {
		return err
	}
	for _, recipient := range sortedIDs(c.PerRecipientShares) {
		if _, err := a.liveUser(recipient, c.Timestamp); err != nil {
			return err
		}
	}
	put(a, a.setups, author, append(a.setups[author], &setupState{brief: c}))
	return nil
}

func (a *adder) share(c *ShamirRecoveryShareCertificate) error {
	if err := a.newer(TopicShamir, c.Timestamp, true); err != nil {
		return err
	}
	author, err := a.authorUser(c.Author)
	if err != nil {
		return err
	}
	setup := a.current(author)
	switch {
	case setup == nil || setup.brief.Timestamp != c.Timestamp || setup.brief.Author != c.Author ||
		setup.brief.PerRecipientShares[c.Recipient] == 0:
		return refuse(ShamirMissingBrief)
	case c.Recipient != a.store.self:
		return refuse(ShamirUnrelated)
	case setup.share != nil:
		return refuse(AlreadyExists)
	case c.UserID != author:
		return refuse(ShamirNotAboutAuthor)
	}
	if _, err := a.liveAuthor(c.Author, c.Timestamp); err != nil {
		return err
	}
	set(a, &setup.share, c)
	return nil
}

func (a *adder) deletion(c *ShamirRecoveryDeletionCertificate) error {
	if err := a.newer(TopicShamir, c.Timestamp, false); err != nil {
		return err
	}
	author, err := a.authorUser(c.Author)
	if err != nil {
		return err
	}
	setup := a.current(author)
	switch {
	case c.SetupToDeleteUserID != author:
		return refuse(ShamirNotAboutAuthor)
	case setup == nil || setup.brief.Timestamp != c.SetupToDeleteTimestamp:
		return refuse(ShamirNotLastSetup)
	case setup.deleted != nil:
		return refuse(ShamirAlreadyDeleted)
	case !sameRecipients(setup.brief.PerRecipientShares, c.ShareRecipients):
		return refuse(ShamirRecipientsMismatch)
	}
	if _, err := a.liveAuthor(c.Author, c.Timestamp); err != nil {
		return err
	}
	set(a, &setup.deleted, c)
	return nil
}

func sameRecipients(shares map[UserID]uint8, recipients map[UserID]struct{}) bool {
	named := make(map[UserID]struct{}, len(shares))
	for user := range shares {
		named[user] = struct{}{}
	}
	return maps.Equal(named, recipients)
}
