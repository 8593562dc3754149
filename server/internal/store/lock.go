package store

import (
	"cmp"
	"encoding/binary"
	"hash/fnv"
	"slices"

	"github.com/seed-73b3884f/parsec-agent/trust"
)

// kind ranks locks. They are taken from the lowest to the highest, in each kind by key.
type kind uint8

const (
	kindServer kind = iota + 1
	kindOrganization
	kindCommon
	kindSequester
	kindShamir
	kindEnrollment
	kindInvitation
	kindRealm
	kindUser
	kindBlocks
	kindBackups
)

// Lock is what a transaction excludes others from: those that hold the same one, or, when it is shared,
// those that hold it alone. The kinds rise in the order of the functions that make locks.
type Lock struct {
	key    uint64
	shared bool
}

// Shared returns the lock for those who only rely on what it guards.
func (l Lock) Shared() Lock {
	l.shared = true
	return l
}

// Server guards the list of organisations.
func Server() Lock { return makeLock(kindServer, 0, [16]byte{}) }

// Organization guards the settings of an organisation.
func Organization(org int64) Lock { return makeLock(kindOrganization, org, [16]byte{}) }

// Common guards the topic of users and devices.
func Common(org int64) Lock { return makeLock(kindCommon, org, [16]byte{}) }

// Sequester guards the topic of the sequester.
func Sequester(org int64) Lock { return makeLock(kindSequester, org, [16]byte{}) }

// Shamir guards the topic of shared recoveries.
func Shamir(org int64) Lock { return makeLock(kindShamir, org, [16]byte{}) }

// Enrollment guards the asynchronous enrolments of an organisation.
func Enrollment(org int64) Lock { return makeLock(kindEnrollment, org, [16]byte{}) }

// Invitation guards the invitations of an organisation, with their greeting attempts.
func Invitation(org int64) Lock { return makeLock(kindInvitation, org, [16]byte{}) }

// Realm guards the topic of a realm, and its vlobs.
func Realm(org int64, realm trust.RealmID) Lock { return makeLock(kindRealm, org, realm) }

// User guards what a user alone has: one-time codes, accepted terms.
func User(org int64, user trust.UserID) Lock { return makeLock(kindUser, org, user) }

// Blocks guards which ids of an organisation's blocks are taken: those who take one share it.
func Blocks(org int64) Lock { return makeLock(kindBlocks, org, [16]byte{}) }

// makeLock puts the kind above 56 bits that are derived from the rest. Two locks of one kind that meet there
// only exclude more than they had to.
func makeLock(k kind, org int64, id [16]byte) Lock {
	h := fnv.New64a()
	_ = binary.Write(h, binary.BigEndian, org)
	_, _ = h.Write(id[:])
	return Lock{key: uint64(k)<<56 | h.Sum64()>>8}
}

// ordered sorts the locks and keeps the stronger of two with one key.
func ordered(locks []Lock) []Lock {
	sorted := slices.SortedFunc(slices.Values(locks), func(a, b Lock) int {
		if c := cmp.Compare(a.key, b.key); c != 0 {
			return c
		}
		if a.shared == b.shared {
			return 0
		}
		if b.shared {
			return -1
		}
		return 1
	})
	return slices.CompactFunc(sorted, func(a, b Lock) bool { return a.key == b.key })
}
