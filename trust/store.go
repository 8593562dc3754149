package trust

import (
	"slices"
	"sync"
)

// Store holds the certificates of an organisation that one user has got and that are valid (4). Everything it answers is as of a
// moment: who may do what is a question of when.
type Store struct {
	root VerifyKey
	self UserID
	keep Keeper

	mu    sync.RWMutex // guards all below
	state state
	// restored is where the rows end that the certificates came from, nil once there are others.
	restored *KeptPoint
}

// Keeper stores accepted certificates where they outlive the process.
type Keeper interface {
	// Keep stores all entries, or none: the batch is accepted if it returns nil.
	Keep(entries []Entry) error
	// Clear removes everything. If it returns an error the store stays what it is.
	Clear() error
}

// Entry is an accepted certificate.
type Entry struct {
	Topic Topic
	// Realm counts in TopicRealm.
	Realm RealmID
	// Signed are the bytes as received.
	Signed      []byte
	Certificate Certificate
}

// state is what follows from the certificates.
type state struct {
	users   map[UserID]*userState
	devices map[DeviceID]*DeviceCertificate
	realms  map[RealmID]*realmState
	// last is the newest certificate of the topics that there is one of.
	last map[Topic]DateTime

	authority    *SequesterAuthorityCertificate
	authorityKey SequesterVerifyKey
	services     map[SequesterServiceID]*serviceState

	// setups are the recoveries of a user, in order.
	setups map[UserID][]*setupState
}

type userState struct {
	certificate *UserCertificate
	updates     []*UserUpdateCertificate
	revoked     *RevokedUserCertificate
	devices     []DeviceID
}

type realmState struct {
	last      DateTime
	roles     []*RealmRoleCertificate
	rotations []*RealmKeyRotationCertificate
	names     []*RealmNameCertificate
	archiving []*RealmArchivingCertificate
}

type serviceState struct {
	certificate *SequesterServiceCertificate
	revoked     *SequesterRevokedServiceCertificate
}

type setupState struct {
	brief   *ShamirRecoveryBriefCertificate
	share   *ShamirRecoveryShareCertificate
	deleted *ShamirRecoveryDeletionCertificate
}

// NewStore returns an empty store of what a user gets in the organisation with the root key. The keeper may be nil.
func NewStore(root VerifyKey, self UserID, keep Keeper) *Store {
	return &Store{root: root, self: self, keep: keep, state: newState()}
}

func newState() state {
	return state{
		users: map[UserID]*userState{}, devices: map[DeviceID]*DeviceCertificate{}, realms: map[RealmID]*realmState{},
		last: map[Topic]DateTime{}, services: map[SequesterServiceID]*serviceState{}, setups: map[UserID][]*setupState{},
	}
}

// Clear forgets all certificates, and has the keeper remove them: everything is to be fetched again.
func (s *Store) Clear() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.clear()
}

func (s *state) empty() bool { return len(s.users) == 0 && s.authority == nil && len(s.realms) == 0 }

// profile returns the profile at a moment.
func (u *userState) profile(at DateTime) Profile {
	p := u.certificate.Profile
	for _, c := range u.updates {
		if !c.Timestamp.After(at) {
			p = c.NewProfile
		}
	}
	return p
}

func (u *userState) revokedAt(at DateTime) bool {
	return u.revoked != nil && !u.revoked.Timestamp.After(at)
}

// role returns the last role that a user got up to a moment.
func (r *realmState) role(user UserID, at DateTime) Role {
	for _, c := range slices.Backward(r.roles) {
		if c.UserID == user && !c.Timestamp.After(at) {
			return c.Role
		}
	}
	return NoRole
}

// members returns everybody who has a role at a moment, revoked or not.
func (r *realmState) members(at DateTime) map[UserID]Role {
	members := map[UserID]Role{}
	for _, c := range r.roles {
		if c.Timestamp.After(at) {
			break
		}
		members[c.UserID] = c.Role
		if c.Role == NoRole {
			delete(members, c.UserID)
		}
	}
	return members
}
