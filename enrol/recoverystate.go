package enrol

import (
	"slices"

	"github.com/seed-73b3884f/parsec-agent/session"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// RecoveryState is what a shared recovery is at.
type RecoveryState string

// States of a shared recovery.
const (
	RecoveryValid RecoveryState = "valid"
	// RecoveryReduced: some who hold shares are revoked, and the others suffice.
	RecoveryReduced RecoveryState = "reduced"
	// RecoveryUnusable: those who are left do not suffice.
	RecoveryUnusable RecoveryState = "unusable"
	RecoveryDeleted  RecoveryState = "deleted"
)

// SharedRecovery is the last set-up of a user.
type SharedRecovery struct {
	Owner     trust.UserID
	Human     *trust.HumanHandle
	State     RecoveryState
	Threshold uint8
	Created   trust.DateTime
	Deleted   *trust.DateTime
	Holders   []Holder
}

// Holder holds shares of a recovery.
type Holder struct {
	User    trust.UserID
	Human   *trust.HumanHandle
	Shares  uint8
	Revoked bool
}

// Recoveries returns the user's own shared recovery, if it was ever set up, and those of which the user holds shares.
func Recoveries(s *session.Session) (all []SharedRecovery, err error) {
	err = s.View(func(certificates *trust.Store) error {
		users := certificates.Users()
		slices.SortFunc(users, func(a, b trust.UserID) int {
			if (a == s.User()) != (b == s.User()) {
				if a == s.User() {
					return -1
				}
				return 1
			}
			return slices.Compare(a[:], b[:])
		})
		for _, id := range users {
			if r, ok := certificates.Recovery(id); ok {
				all = append(all, recoveryOf(certificates, r))
			}
		}
		return nil
	})
	return all, explain(err)
}

// recoveryOf adds up who is left.
func recoveryOf(certificates *trust.Store, r trust.Recovery) SharedRecovery {
	human := func(id trust.UserID) (*trust.HumanHandle, bool) {
		u, ok := certificates.User(id, endOfTime)
		if !ok {
			return nil, true
		}
		return u.Certificate.HumanHandle, u.Revoked
	}
	of := SharedRecovery{Owner: r.Brief.UserID, Threshold: r.Brief.Threshold, Created: r.Brief.Timestamp, State: RecoveryValid}
	of.Human, _ = human(of.Owner)
	left := 0
	for id, n := range r.Brief.PerRecipientShares {
		h := Holder{User: id, Shares: n}
		if h.Human, h.Revoked = human(id); h.Revoked {
			of.State = RecoveryReduced
		} else {
			left += int(n)
		}
		of.Holders = append(of.Holders, h)
	}
	slices.SortFunc(of.Holders, func(a, b Holder) int { return slices.Compare(a.User[:], b.User[:]) })
	switch {
	case r.Deleted != nil:
		of.State, of.Deleted = RecoveryDeleted, &r.Deleted.Timestamp
	case left < int(of.Threshold):
		of.State = RecoveryUnusable
	}
	return of
}
