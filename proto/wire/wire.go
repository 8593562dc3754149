// Package wire is the framing of the key-service protocol: the 36-byte header, the
// status codes, the authentication field and the numbers that both ends agree on.
// It knows nothing of the bodies, which are the matter of packages psa and agent.
//
// The exact rules are in docs/spec/parsec-service.md, sections 1 and 2.
//
// A frame is header ‖ body ‖ authentication field (requests only); all integers are
// little-endian. A reader allocates at most what the header announces and only after
// the announced length was compared with its limit.
//
// Values of this package are plain data: concurrent use needs the usual care, the
// functions keep no state.
package wire

import "fmt"

const (
	// Magic opens every frame: the bytes 10 A7 C0 5E.
	Magic uint32 = 0x5EC0A710
	// HeaderSize is the length of a whole header in bytes.
	HeaderSize = 36
	// announcedSize is what the header-size field holds: the bytes that follow it.
	announcedSize = 30
	// VersionMajor is the major number of the only protocol version there is.
	VersionMajor = 1
	// VersionMinor is the minor number of the only protocol version there is.
	VersionMinor = 0
	// DefaultBodyLimit is the largest request body accepted by default, in bytes.
	DefaultBodyLimit = 1 << 20
	// MaxAuthLen is the largest authentication field, by its 16-bit length.
	MaxAuthLen = 1<<16 - 1
)

// Flags of a frame. A request without FlagPersistent, or with any bit beside it, is
// served exactly as the original service would.
const (
	// FlagPersistent asks for, and in a reply grants, a persistent connection.
	FlagPersistent uint16 = 1 << 0
	// FlagMore says in a reply that more frames of this answer follow.
	FlagMore uint16 = 1 << 1
)

// ProviderID is the number of a kind of provider.
type ProviderID uint8

// The kinds of provider that the protocol knows.
const (
	ProviderCore           ProviderID = 0
	ProviderMbedCrypto     ProviderID = 1
	ProviderPKCS11         ProviderID = 2
	ProviderTPM            ProviderID = 3
	ProviderTrustedService ProviderID = 4
	ProviderCryptoAuthLib  ProviderID = 5
	maxProvider                       = ProviderCryptoAuthLib
)

// Known reports whether the protocol assigns the number.
func (p ProviderID) Known() bool { return p <= maxProvider }

// String returns the name that parsec-tool prints.
func (p ProviderID) String() string {
	switch p {
	case ProviderCore:
		return "Core"
	case ProviderMbedCrypto:
		return "MbedCrypto"
	case ProviderPKCS11:
		return "Pkcs11"
	case ProviderTPM:
		return "Tpm"
	case ProviderTrustedService:
		return "TrustedService"
	case ProviderCryptoAuthLib:
		return "CryptoAuthLib"
	default:
		return fmt.Sprintf("provider %d", uint8(p))
	}
}

// AuthType is the number of a kind of authenticator.
type AuthType uint8

// The kinds of authenticator that the protocol knows. AuthInternal never occurs on the
// wire: it owns the service's own entries in a key info manager.
const (
	AuthNone     AuthType = 0
	AuthDirect   AuthType = 1
	AuthJWT      AuthType = 2
	AuthUnixPeer AuthType = 3
	AuthJWTSVID  AuthType = 4
	AuthInternal AuthType = 255
	maxAuth               = AuthJWTSVID
)

// Known reports whether the protocol assigns the number.
func (a AuthType) Known() bool { return a <= maxAuth }

// String returns the name that parsec-tool prints.
func (a AuthType) String() string {
	switch a {
	case AuthNone:
		return "NoAuth"
	case AuthDirect:
		return "Direct"
	case AuthJWT:
		return "Jwt"
	case AuthUnixPeer:
		return "UnixPeerCredentials"
	case AuthJWTSVID:
		return "JwtSvid"
	case AuthInternal:
		return "Internal"
	default:
		return fmt.Sprintf("authenticator %d", uint8(a))
	}
}
