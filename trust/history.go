package trust

import "slices"

// History is everything that the certificates say about a user.
type History struct {
	Certificate *UserCertificate
	// Updates are the changes of the profile, in their order.
	Updates []*UserUpdateCertificate
	// Revoked is nil for who is not.
	Revoked *RevokedUserCertificate
	Devices []*DeviceCertificate
}

// History returns everything that is known of a user. What it returns is not to be changed.
func (s *Store) History(id UserID) (History, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	u, ok := s.state.users[id]
	if !ok {
		return History{}, false
	}
	h := History{Certificate: u.certificate, Updates: slices.Clip(u.updates), Revoked: u.revoked}
	for _, device := range u.devices {
		h.Devices = append(h.Devices, s.state.devices[device])
	}
	return h, true
}

// Author returns who signed with a device, whoever they are now.
func (s *Store) Author(device DeviceID) (UserID, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	d, ok := s.state.devices[device]
	if !ok {
		return UserID{}, false
	}
	return d.UserID, true
}
