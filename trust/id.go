package trust

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/seed-73b3884f/parsec-agent/trust/mpack"
)

// ErrID is what a text that is no id gives.
var ErrID = errors.New("an id is 32 hexadecimal digits")

// Kind says what an id names. There are no kinds outside of this package.
type Kind interface{ kind() string }

// ID names one object. IDs of different kinds are different types (3.12).
type ID[K Kind] [16]byte

// Kinds of objects that have ids.
type (
	userKind       struct{}
	deviceKind     struct{}
	realmKind      struct{}
	vlobKind       struct{}
	blockKind      struct{}
	chunkKind      struct{}
	serviceKind    struct{}
	enrollmentKind struct{}
	attemptKind    struct{}
	authMethodKind struct{}
	vaultItemKind  struct{}
	totpKind       struct{}
)

func (userKind) kind() string       { return "user" }
func (deviceKind) kind() string     { return "device" }
func (realmKind) kind() string      { return "realm" }
func (vlobKind) kind() string       { return "vlob" }
func (blockKind) kind() string      { return "block" }
func (chunkKind) kind() string      { return "chunk" }
func (serviceKind) kind() string    { return "sequester service" }
func (enrollmentKind) kind() string { return "enrolment" }
func (attemptKind) kind() string    { return "greeting attempt" }
func (authMethodKind) kind() string { return "authentication method" }
func (vaultItemKind) kind() string  { return "vault item" }
func (totpKind) kind() string       { return "TOTP key" }

type (
	// UserID names a user.
	UserID = ID[userKind]
	// DeviceID names a device of a user.
	DeviceID = ID[deviceKind]
	// RealmID names a realm: what a workspace, or what a user keeps for themself, is made of.
	RealmID = ID[realmKind]
	// VlobID names a file or folder, all versions of it.
	VlobID = ID[vlobKind]
	// BlockID names a block of a file.
	BlockID = ID[blockKind]
	// ChunkID names a piece of a file on this machine; it becomes a BlockID.
	ChunkID = ID[chunkKind]
	// SequesterServiceID names a sequester service.
	SequesterServiceID = ID[serviceKind]
	// AsyncEnrollmentID names an asynchronous enrolment.
	AsyncEnrollmentID = ID[enrollmentKind]
	// GreetingAttemptID names one attempt of greeter and claimer.
	GreetingAttemptID = ID[attemptKind]
	// AccountAuthMethodID names an authentication method of an account. It is derived.
	AccountAuthMethodID = ID[authMethodKind]
	// AccountVaultItemOpaqueKeyID names a key in the vault of an account.
	AccountVaultItemOpaqueKeyID = ID[vaultItemKind]
	// TOTPOpaqueKeyID names a key that a server gives against a one-time code.
	TOTPOpaqueKeyID = ID[totpKind]
)

// Generate replaces the id by a random one (UUID version 4).
func (id *ID[K]) Generate() {
	_, _ = rand.Read(id[:]) // never fails
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
}

// NewUserID returns a random id.
func NewUserID() UserID { return newID[userKind]() }

// NewDeviceID returns a random id.
func NewDeviceID() DeviceID { return newID[deviceKind]() }

// NewRealmID returns a random id.
func NewRealmID() RealmID { return newID[realmKind]() }

// NewVlobID returns a random id.
func NewVlobID() VlobID { return newID[vlobKind]() }

// NewBlockID returns a random id.
func NewBlockID() BlockID { return newID[blockKind]() }

// NewSequesterServiceID returns a random id.
func NewSequesterServiceID() SequesterServiceID { return newID[serviceKind]() }

func newID[K Kind]() ID[K] {
	id := ID[K]{}
	id.Generate()
	return id
}

// RootOf returns the id of the folder manifest that is the root of a realm.
func RootOf(realm RealmID) VlobID { return VlobID(realm) }

// String returns 32 digits.
func (id ID[K]) String() string { return hex.EncodeToString(id[:]) }

// MarshalText returns 32 digits.
func (id ID[K]) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, id[:]), nil }

// UnmarshalText reads 32 digits, with hyphens where a UUID has them or without.
func (id *ID[K]) UnmarshalText(text []byte) error {
	digits := string(text)
	if len(digits) == 36 && digits[8] == '-' && digits[13] == '-' && digits[18] == '-' && digits[23] == '-' {
		digits = strings.ReplaceAll(digits, "-", "")
	}
	b, err := hex.DecodeString(digits)
	if err != nil || len(b) != len(id) {
		return fmt.Errorf("%s: %w", (*new(K)).kind(), ErrID)
	}
	*id = ID[K](b)
	return nil
}

// Types of MessagePack extensions.
const (
	extDateTime = 1
	extUUID     = 2
)

func decodeID[K Kind](r *mpack.Reader, id *ID[K]) { r.Ext(extUUID, id[:]) }

func encodeID[K Kind](w *mpack.Writer, id *ID[K]) { w.Ext(extUUID, id[:]) }
