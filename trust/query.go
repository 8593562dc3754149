package trust

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// ErrForbidden says that an author could not do then what an object shows.
var ErrForbidden = errors.New("the author was not allowed to do this then")

// Last says up to when the certificates of each topic are there: the server is asked for what came after. A topic without any is absent.
func (s *Store) Last() (topics map[Topic]DateTime, realms map[RealmID]DateTime) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	realms = make(map[RealmID]DateTime, len(s.state.realms))
	for id, r := range s.state.realms {
		realms[id] = r.last
	}
	return maps.Clone(s.state.last), realms
}

// DeviceKey returns the key that a device signs with, if the device exists and its user is not revoked at that time.
func (s *Store) DeviceKey(device DeviceID, at DateTime) (VerifyKey, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	_, key, err := s.deviceKey(device, at)
	return key, err
}

func (s *Store) deviceKey(device DeviceID, at DateTime) (UserID, VerifyKey, error) {
	d, ok := s.state.devices[device]
	switch {
	case !ok:
		return UserID{}, VerifyKey{}, fmt.Errorf("device %v: %w", device, refuse(AuthorUnknown))
	case d.Timestamp.After(at):
		return UserID{}, VerifyKey{}, fmt.Errorf("device %v: %w", device, refuse(AuthorNewer))
	case s.state.users[d.UserID].revokedAt(at):
		return UserID{}, VerifyKey{}, fmt.Errorf("device %v: %w", device, refuse(AuthorRevoked))
	}
	return d.UserID, d.VerifyKey, nil
}

// BundleAuthor is the Lookup of a BundleInput: the device exists at the time of the bundle (5.1).
func (s *Store) BundleAuthor(claim Claim) (VerifyKey, error) {
	if claim.Author == nil {
		return VerifyKey{}, refuse(AuthorUnknown)
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	d, ok := s.state.devices[*claim.Author]
	if !ok {
		return VerifyKey{}, refuse(AuthorUnknown)
	}
	if d.Timestamp.After(claim.Timestamp) {
		return VerifyKey{}, refuse(AuthorNewer)
	}
	return d.VerifyKey, nil
}

// Writer returns the author of a manifest, if the device could write in the realm at that time (5.4).
func (s *Store) Writer(realm RealmID, device DeviceID, at DateTime) (Author, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	user, key, err := s.deviceKey(device, at)
	if err != nil {
		return Author{}, err
	}
	if role := s.role(realm, user, at); !role.CanWrite() {
		return Author{}, fmt.Errorf("user %v in realm %v: %w: role %v", user, realm, ErrForbidden, role)
	}
	return Author{Device: &device, Key: key}, nil
}

func (s *Store) role(realm RealmID, user UserID, at DateTime) Role {
	r, ok := s.state.realms[realm]
	if !ok {
		return NoRole
	}
	return r.role(user, at)
}

// Role returns what a user may do in a realm at that time. A revoked user keeps the role, and can do nothing with it.
func (s *Store) Role(realm RealmID, user UserID, at DateTime) Role {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.role(realm, user, at)
}

// Members returns everybody who has a role in a realm at that time, revoked or not.
func (s *Store) Members(realm RealmID, at DateTime) map[UserID]Role {
	s.mu.RLock()
	defer s.mu.RUnlock()
	r, ok := s.state.realms[realm]
	if !ok {
		return nil
	}
	return r.members(at)
}

// User is what is known of a user at a moment.
type User struct {
	Certificate *UserCertificate
	Profile     Profile
	Revoked     bool
	Devices     []*DeviceCertificate
}

// User returns what is known of a user at that time.
func (s *Store) User(id UserID, at DateTime) (User, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	u, ok := s.state.users[id]
	if !ok || u.certificate.Timestamp.After(at) {
		return User{}, false
	}
	known := User{Certificate: u.certificate, Profile: u.profile(at), Revoked: u.revokedAt(at)}
	for _, device := range u.devices {
		if d := s.state.devices[device]; !d.Timestamp.After(at) {
			known.Devices = append(known.Devices, d)
		}
	}
	return known, true
}

// Users returns all users, in the order of their ids.
func (s *Store) Users() []UserID {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return sortedIDs(s.state.users)
}

// Realms returns all realms that there are certificates of, in the order of their ids.
func (s *Store) Realms() []RealmID {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return sortedIDs(s.state.realms)
}

// Rotations returns the key rotations of a realm: the one with index i is element i-1, and the number is the current index.
func (s *Store) Rotations(realm RealmID) []*RealmKeyRotationCertificate {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if r, ok := s.state.realms[realm]; ok {
		return slices.Clone(r.rotations)
	}
	return nil
}

// Name returns the last name of a realm, nil without one.
func (s *Store) Name(realm RealmID) *RealmNameCertificate {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if r, ok := s.state.realms[realm]; ok && len(r.names) > 0 {
		return r.names[len(r.names)-1]
	}
	return nil
}

// Archiving returns the last state of a realm, Available if none was ever stated.
func (s *Store) Archiving(realm RealmID) ArchivingConfiguration {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if r, ok := s.state.realms[realm]; ok && len(r.archiving) > 0 {
		return r.archiving[len(r.archiving)-1].Configuration
	}
	return ArchivingConfiguration{State: Available}
}

// Services returns the sequester services that are not revoked; sequestered says whether there can be any.
func (s *Store) Services() (services []*SequesterServiceCertificate, sequestered bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, id := range sortedIDs(s.state.services) {
		if service := s.state.services[id]; service.revoked == nil {
			services = append(services, service.certificate)
		}
	}
	return services, s.state.authority != nil
}

// Recovery is the shared recovery of a user, as far as this user may know of it.
type Recovery struct {
	Brief *ShamirRecoveryBriefCertificate
	// Share is there for a recipient.
	Share *ShamirRecoveryShareCertificate
	// Deleted is nil while the recovery can be used.
	Deleted *ShamirRecoveryDeletionCertificate
}

// Recovery returns the last shared recovery of a user.
func (s *Store) Recovery(user UserID) (Recovery, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	setups := s.state.setups[user]
	if len(setups) == 0 {
		return Recovery{}, false
	}
	last := setups[len(setups)-1]
	return Recovery{Brief: last.brief, Share: last.share, Deleted: last.deleted}, true
}

// Profile returns the last profile that is known of a user, 0 if the user is not known.
func (s *Store) Profile(user UserID) Profile {
	s.mu.RLock()
	defer s.mu.RUnlock()
	u, ok := s.state.users[user]
	if !ok {
		return 0
	}
	return u.profile(DateTime{maxMicros})
}

// Knows reports whether there is a certificate of the device.
func (s *Store) Knows(device DeviceID) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	_, ok := s.state.devices[device]
	return ok
}
