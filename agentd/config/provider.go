package config

import (
	"fmt"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
)

// Provider is one [[provider]]. Exactly one of the pointers is set, the one of its type.
type Provider struct {
	// Type is the kind: ProviderMbedCrypto (the software provider), ProviderPKCS11 or
	// ProviderTPM.
	Type wire.ProviderID
	// Name is unique; the default is the original's for the kind.
	Name string
	// KeyManager is the name of an existing key manager.
	KeyManager string

	// Required says whether the agent starts without the device of the provider: not at all
	// (true), whatever is wrong with it (false), or by default (nil) where what is wrong may
	// pass or waits for a person, and not where the configuration is wrong.
	Required *bool

	Software *Software
	PKCS11   *PKCS11
	TPM      *TPM
}

// Software are the settings of provider_type "MbedCrypto", all of them ours.
type Software struct {
	// KeyStorePath is the absolute directory of the key files. By default it is the
	// directory of a SQLite key manager's file, or `<store_path>-keys` beside an on-disk
	// key manager, for ids of keys are unique in a key manager only.
	KeyStorePath string
	// KeyStoreGiven is true if the file sets it. Without it the agent may find keys of the
	// original elsewhere.
	KeyStoreGiven bool
	// KeyStorage is how new keys are stored.
	KeyStorage providers.Protection
	// RootKeyCredential is the name of the systemd credential with the root key.
	RootKeyCredential string
	// RootKey is where the root key is kept: RootKeyAuto, RootKeyFile, RootKeyCredential or
	// RootKeyTPM.
	RootKey string
	// RootKeyTPM is the name of a TPM provider of the configuration, RootKeyPCRs are conditions for what is
	// sealed; for RootKeyTPM only.
	RootKeyTPM  string
	RootKeyPCRs []uint
	// CacheKeys is how many loaded keys stay in memory, 0 for none.
	CacheKeys int
}

// The values of root_key.
const (
	RootKeyAuto       = "auto" // the credential if there is one, else the file
	RootKeyFile       = "file"
	RootKeyCredential = "credential"
	RootKeyTPM        = "tpm"
)

// PKCS11 are the settings of provider_type "Pkcs11".
type PKCS11 struct {
	// LibraryPath is the vendor's library.
	LibraryPath string
	// Slot is nil when not set.
	Slot *uint64
	// Serial is the token's serial number, empty when not set.
	Serial string
	// TokenURI is a PKCS#11 URI (RFC 7512) of the token, empty when not set.
	TokenURI string
	// UserPIN is nil when not set: only public objects are then usable.
	UserPIN *Secret
	// UserPINFile is the file with the PIN, UserPINCredential the name of the systemd
	// credential with it. At most one of the three and UserPINPrompt is set.
	UserPINFile, UserPINCredential string
	// UserPINPrompt says that a person gives the PIN while the agent runs.
	UserPINPrompt bool
	// UserPINLifetime is how long such a PIN is kept, 0 for as long as the agent runs.
	UserPINLifetime time.Duration
	// UnlockUsers are application names of [authenticator], UnlockGroups names or decimal ids of Unix groups,
	// who may give it beside administrators.
	UnlockUsers, UnlockGroups []string
	// RecordPath is the directory in which refused PINs are remembered.
	RecordPath string
	// SoftwarePublicOperations computes with public keys in the agent.
	SoftwarePublicOperations bool
	// AllowExport permits keys with the export flag.
	AllowExport bool
}

// TPM are the settings of provider_type "Tpm".
type TPM struct {
	TCTI TCTI
	// OwnerAuth authorises the owner hierarchy; it may be empty.
	OwnerAuth *Secret
	// EndorsementAuth authorises the endorsement hierarchy, nil when not set.
	EndorsementAuth *Secret
	// SkipIfNone leaves the provider out when there is no TPM.
	SkipIfNone bool
}

// TCTI is the way to a TPM.
type TCTI struct {
	// Kind is device, mssim, swtpm or tabrmd.
	Kind string
	// Path is the device file, for device, or the Unix socket, for swtpm; Host and Port
	// are empty then.
	Path string
	// Host and Port are for mssim and swtpm.
	Host string
	Port uint16
	// BusName and BusType (session or system) are for tabrmd.
	BusName, BusType string
}

// String returns the setting that gives this TCTI.
func (t TCTI) String() string {
	switch t.Kind {
	case "device":
		return "device:" + t.Path
	case "mssim", "swtpm":
		if t.Path != "" {
			return t.Kind + ":path=" + t.Path
		}
		return fmt.Sprintf("%s:host=%s,port=%d", t.Kind, t.Host, t.Port)
	default:
		return fmt.Sprintf("%s:bus_name=%s,bus_type=%s", t.Kind, t.BusName, t.BusType)
	}
}
