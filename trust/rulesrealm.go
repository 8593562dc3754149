package trust

// Rules of a realm's topic (4.4).

func (a *adder) realm(id RealmID, certificate Certificate) error {
	c, ok := certificate.(RealmCertificate)
	if !ok {
		return errTopic
	}
	if c.Realm() != id {
		return refuse(RealmOther)
	}
	r, ok := a.realms[id]
	if !ok {
		r = &realmState{}
	}
	if len(r.roles) > 0 && !c.SignedAt().After(r.last) {
		return refuse(InvalidTimestamp)
	}
	if err := a.inRealm(r, c); err != nil {
		return err
	}
	if !ok {
		put(a, a.realms, id, r)
	}
	set(a, &r.last, c.SignedAt())
	return nil
}

func (a *adder) inRealm(r *realmState, certificate RealmCertificate) error {
	if c, ok := certificate.(*RealmRoleCertificate); ok {
		if err := a.roleChange(r, c); err != nil {
			return err
		}
		push(a, &r.roles, c)
		return nil
	}
	if err := a.ownerOf(r, *certificate.SignedBy(), certificate.SignedAt()); err != nil {
		return err
	}
	switch c := certificate.(type) {
	case *RealmKeyRotationCertificate:
		if c.KeyIndex != uint64(len(r.rotations))+1 {
			return refuse(RealmKeyIndex)
		}
		push(a, &r.rotations, c)
	case *RealmNameCertificate:
		if c.KeyIndex == 0 || c.KeyIndex > uint64(len(r.rotations)) {
			return refuse(RealmKeyIndex)
		}
		push(a, &r.names, c)
	case *RealmArchivingCertificate:
		push(a, &r.archiving, c)
	default:
		return errTopic
	}
	return nil
}

// ownerOf checks who names, archives, or changes the key of a realm.
func (a *adder) ownerOf(r *realmState, author DeviceID, at DateTime) error {
	if len(r.roles) == 0 {
		return refuse(RealmFirstNotRole)
	}
	d, ok := a.devices[author]
	if !ok {
		return refuse(AuthorUnknown)
	}
	switch r.role(d.UserID, at) {
	case NoRole:
		return refuse(RealmAuthorNoRole)
	case Owner:
	default:
		return refuse(RealmAuthorNotOwner)
	}
	_, err := a.liveAuthor(author, at)
	return err
}

// roleChange checks who gives a role to whom. That the author is not revoked is checked last: the reference leaves it to the server.
func (a *adder) roleChange(r *realmState, c *RealmRoleCertificate) error {
	d, ok := a.devices[c.Author]
	if !ok {
		return refuse(AuthorUnknown)
	}
	rule := a.otherRole
	switch {
	case len(r.roles) == 0:
		rule = firstRole
	case d.UserID == c.UserID:
		rule = a.selfPromotion
	}
	if err := rule(r, c, d.UserID); err != nil {
		return err
	}
	if err := a.mayHave(c); err != nil {
		return err
	}
	_, err := a.liveAuthor(c.Author, c.Timestamp)
	return err
}

func firstRole(_ *realmState, c *RealmRoleCertificate, author UserID) error {
	switch {
	case c.UserID != author:
		return refuse(RealmFirstNotSelfSigned)
	case c.Role != Owner:
		return refuse(RealmFirstNotOwner)
	}
	return nil
}

func (a *adder) selfPromotion(r *realmState, c *RealmRoleCertificate, author UserID) error {
	role := r.role(author, c.Timestamp)
	switch {
	case c.Role != Owner:
		return refuse(RealmPromotionNotOwner)
	case role == NoRole:
		return refuse(RealmAuthorNoRole)
	case role == Owner:
		return refuse(AlreadyExists)
	}
	for id, other := range r.members(c.Timestamp) {
		u := a.users[id] // who has a role is known
		if other > role && !u.revokedAt(c.Timestamp) && u.profile(c.Timestamp) != Outsider {
			return refuse(RealmHigherRole)
		}
	}
	return nil
}

func (a *adder) otherRole(r *realmState, c *RealmRoleCertificate, author UserID) error {
	role, old := r.role(author, c.Timestamp), r.role(c.UserID, c.Timestamp)
	switch {
	case role == NoRole:
		return refuse(RealmAuthorNoRole)
	case old == c.Role:
		return refuse(AlreadyExists)
	case (old >= Manager || c.Role >= Manager) && role != Owner:
		return refuse(RealmAuthorNotOwner)
	case role < Manager:
		return refuse(RealmAuthorNotManager)
	}
	return nil
}

// mayHave checks the user who gets the role, or loses it.
func (a *adder) mayHave(c *RealmRoleCertificate) error {
	u, err := a.user(c.UserID, c.Timestamp)
	switch {
	case err != nil || c.Role == NoRole:
		return err
	case u.revokedAt(c.Timestamp):
		return refuse(UserRevoked)
	case !u.profile(c.Timestamp).CanHave(c.Role):
		return refuse(RealmOutsider)
	}
	return nil
}
