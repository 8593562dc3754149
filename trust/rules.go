package trust

// Rules of the topics common and sequester (4.3, 4.5). Checks stand in the order of the tables there.

// liveAuthor finds the user of an author, who must not be revoked then.
func (a *adder) liveAuthor(device DeviceID, at DateTime) (*userState, error) {
	d, ok := a.devices[device]
	if !ok {
		return nil, refuse(AuthorUnknown)
	}
	u := a.users[d.UserID] // a device is stored after its user
	if u.revokedAt(at) {
		return u, refuse(AuthorRevoked)
	}
	return u, nil
}

// admin finds the user of an author, who must be an admin then.
func (a *adder) admin(device DeviceID, at DateTime) error {
	u, err := a.liveAuthor(device, at)
	if err == nil && u.profile(at) != Admin {
		err = refuse(AuthorNotAdmin)
	}
	return err
}

// user finds a user who is known at that time.
func (a *adder) user(id UserID, at DateTime) (*userState, error) {
	u, ok := a.users[id]
	switch {
	case !ok:
		return nil, refuse(UserUnknown)
	case u.certificate.Timestamp.After(at):
		return nil, refuse(UserNewer)
	}
	return u, nil
}

// liveUser finds a user who is known and not revoked at that time.
func (a *adder) liveUser(id UserID, at DateTime) (*userState, error) {
	u, err := a.user(id, at)
	if err == nil && u.revokedAt(at) {
		err = refuse(UserRevoked)
	}
	return u, err
}

func (a *adder) common(c Certificate) error {
	switch c := c.(type) {
	case *UserCertificate:
		return a.addUser(c)
	case *DeviceCertificate:
		return a.addDevice(c)
	case *UserUpdateCertificate:
		u, err := a.onOther(c.Author, c.UserID, c.Timestamp)
		if err != nil {
			return err
		}
		if u.profile(c.Timestamp) == c.NewProfile {
			return refuse(AlreadyExists)
		}
		push(a, &u.updates, c)
	case *RevokedUserCertificate:
		u, err := a.onOther(c.Author, c.UserID, c.Timestamp)
		if err != nil {
			return err
		}
		set(a, &u.revoked, c)
	default:
		return errTopic
	}
	a.passed(TopicCommon, c.SignedAt())
	return nil
}

// onOther checks what an admin does to another user.
func (a *adder) onOther(author DeviceID, user UserID, at DateTime) (*userState, error) {
	if err := a.newer(TopicCommon, at, false); err != nil {
		return nil, err
	}
	if d, ok := a.devices[author]; ok && d.UserID == user {
		return nil, refuse(AuthorSelfSigned)
	}
	if err := a.admin(author, at); err != nil {
		return nil, err
	}
	return a.liveUser(user, at)
}

func (a *adder) addUser(c *UserCertificate) error {
	if err := a.newer(TopicCommon, c.Timestamp, false); err != nil {
		return err
	}
	if c.Author == nil {
		if len(a.users) > 0 {
			return refuse(RootOutsideBootstrap)
		}
		if a.authority != nil && a.authority.Timestamp != c.Timestamp {
			return refuse(RootTimestampMismatch)
		}
	} else if err := a.admin(*c.Author, c.Timestamp); err != nil {
		return err
	}
	if _, ok := a.users[c.UserID]; ok {
		return refuse(AlreadyExists)
	}
	put(a, a.users, c.UserID, &userState{certificate: c})
	a.passed(TopicCommon, c.Timestamp)
	return nil
}

func (a *adder) addDevice(c *DeviceCertificate) error {
	own := false
	if c.Author != nil {
		d, ok := a.devices[*c.Author]
		own = ok && d.UserID == c.UserID
	}
	rule := a.firstDevice
	if own {
		rule = a.furtherDevice
	}
	if err := rule(c); err != nil {
		return err
	}
	u, err := a.liveUser(c.UserID, c.Timestamp)
	if err != nil {
		return err
	}
	if _, ok := a.devices[c.DeviceID]; ok {
		return refuse(AlreadyExists)
	}
	put(a, a.devices, c.DeviceID, c)
	push(a, &u.devices, c.DeviceID)
	a.passed(TopicCommon, c.Timestamp)
	return nil
}

// firstDevice is signed by whoever signed the user. There is one: otherwise an admin could keep a device of somebody else.
func (a *adder) firstDevice(c *DeviceCertificate) error {
	if err := a.newer(TopicCommon, c.Timestamp, true); err != nil {
		return err
	}
	if c.Author != nil {
		if err := a.admin(*c.Author, c.Timestamp); err != nil {
			return err
		}
	}
	u, err := a.user(c.UserID, c.Timestamp)
	switch {
	case err != nil:
		return err
	case !sameDevice(u.certificate.Author, c.Author):
		return refuse(FirstDeviceAuthorMismatch)
	case u.certificate.Timestamp != c.Timestamp:
		return refuse(FirstDeviceTimestampMismatch)
	case len(u.devices) > 0:
		return refuse(AlreadyExists)
	}
	return nil
}

// furtherDevice is signed by a device of the same user.
func (a *adder) furtherDevice(c *DeviceCertificate) error {
	if err := a.newer(TopicCommon, c.Timestamp, false); err != nil {
		return err
	}
	_, err := a.liveAuthor(*c.Author, c.Timestamp)
	return err
}

func (a *adder) sequester(c Certificate) error {
	switch c := c.(type) {
	case *SequesterAuthorityCertificate:
		if !a.empty() {
			return refuse(AuthorityNotFirst)
		}
		key, err := ParseSequesterVerifyKey(c.VerifyKeyDER)
		if err != nil {
			return err
		}
		set(a, &a.authority, c)
		set(a, &a.authorityKey, key)
	case *SequesterServiceCertificate:
		if err := a.newer(TopicSequester, c.Timestamp, false); err != nil {
			return err
		}
		if _, ok := a.services[c.ServiceID]; ok {
			return refuse(AlreadyExists)
		}
		put(a, a.services, c.ServiceID, &serviceState{certificate: c})
	case *SequesterRevokedServiceCertificate:
		if err := a.newer(TopicSequester, c.Timestamp, false); err != nil {
			return err
		}
		service, ok := a.services[c.ServiceID]
		if !ok {
			return refuse(ServiceUnknown)
		}
		if service.revoked != nil {
			return refuse(ServiceAlreadyRevoked)
		}
		set(a, &service.revoked, c)
	default:
		return errTopic
	}
	a.passed(TopicSequester, c.SignedAt())
	return nil
}
