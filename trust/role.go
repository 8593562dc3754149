package trust

import (
	"errors"
	"slices"

	"github.com/seed-73b3884f/parsec-agent/trust/mpack"
)

// Profile is what a user may do in an organisation. Higher is more.
type Profile uint8

// Profiles, and what each may do (3.13).
const (
	// Outsider sees no names, and may neither create realms nor manage them.
	Outsider Profile = iota + 1
	// Standard may create realms.
	Standard
	// Admin may enrol, revoke and change profiles too.
	Admin
)

// Role is what a user may do in a realm. Higher is more. The zero Role is none.
type Role uint8

// Roles.
const (
	NoRole Role = iota
	Reader
	Contributor
	Manager
	Owner
)

// Purpose is what a device was made for. The zero Purpose is what old certificates do not state.
type Purpose uint8

// Purposes.
const (
	StandardDevice Purpose = iota + 1
	ShamirRecovery
	PassphraseRecovery
	Registration
)

// names are the texts of a type's values, from 1 on.
type names []string

var (
	profileNames = names{"OUTSIDER", "STANDARD", "ADMIN"}
	roleNames    = names{"READER", "CONTRIBUTOR", "MANAGER", "OWNER"}
	purposeNames = names{"STANDARD", "SHAMIR_RECOVERY", "PASSPHRASE_RECOVERY", "REGISTRATION"}
)

// maxName bounds the text of an enumeration.
const maxName = 64

// ErrName is what a name on the wire gives that is none of those of its type.
var ErrName = errors.New("the value is none of those that are known")

func (n names) text(v uint8) string {
	if v == 0 || int(v) > len(n) {
		return "(none)"
	}
	return n[v-1]
}

func (n names) parse(s string) uint8 { return uint8(slices.Index(n, s) + 1) } //nolint:gosec // a handful of names

func (n names) decode(r *mpack.Reader) uint8 {
	if !r.IsText() {
		r.Fail(ErrName)
	}
	v := n.parse(r.String(maxName))
	if v == 0 {
		r.Fail(ErrName)
	}
	return v
}

func (n names) encode(w *mpack.Writer, v uint8) {
	if v == 0 || int(v) > len(n) {
		w.Fail(ErrName)
		return
	}
	w.String(n[v-1])
}

// String returns the name on the wire.
func (p Profile) String() string { return profileNames.text(uint8(p)) }

// String returns the name on the wire.
func (r Role) String() string { return roleNames.text(uint8(r)) }

// String returns the name on the wire.
func (p Purpose) String() string { return purposeNames.text(uint8(p)) }

// ParseProfile reads the name on the wire.
func ParseProfile(s string) (Profile, error) {
	if v := profileNames.parse(s); v != 0 {
		return Profile(v), nil
	}
	return 0, ErrName
}

// ParseRole reads the name on the wire.
func ParseRole(s string) (Role, error) {
	if v := roleNames.parse(s); v != 0 {
		return Role(v), nil
	}
	return 0, ErrName
}

// CanRead reports whether the role lets a user read.
func (r Role) CanRead() bool { return r >= Reader }

// CanWrite reports whether the role lets a user write.
func (r Role) CanWrite() bool { return r >= Contributor }

// CanGrant reports whether the role lets a user give another role, or take it away: reading and writing are given by
// managers and owners, managing by owners alone.
func (r Role) CanGrant(other Role) bool { return r == Owner || r == Manager && other < Manager }

// CanHave reports whether a user with this profile may get the role.
func (p Profile) CanHave(r Role) bool { return p > Outsider || r < Manager }

func decodeProfile(r *mpack.Reader, v *Profile) { *v = Profile(profileNames.decode(r)) }
func encodeProfile(w *mpack.Writer, v *Profile) { profileNames.encode(w, uint8(*v)) }
func decodeRole(r *mpack.Reader, v *Role)       { *v = Role(roleNames.decode(r)) }
func encodeRole(w *mpack.Writer, v *Role)       { roleNames.encode(w, uint8(*v)) }
func decodePurpose(r *mpack.Reader, v *Purpose) { *v = Purpose(purposeNames.decode(r)) }
func encodePurpose(w *mpack.Writer, v *Purpose) { purposeNames.encode(w, uint8(*v)) }
