package config

import (
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// Config is a whole configuration. The fields carry the names of the file's tables.
type Config struct {
	// Path is the file it came from, empty for the embedded defaults.
	Path string
	// Layout is where this agent keeps its things; it gave the default paths.
	Layout Layout

	Core          Core
	Listener      Listener
	Authenticator Authenticator
	Agent         Agent
	// KeyManagers have unique names and stores, in the order of the file.
	KeyManagers []KeyManager
	// Providers have unique names, in the order of the file; there is at least one, and
	// each names an existing key manager.
	Providers []Provider
}

// String names where the configuration came from.
func (c *Config) String() string {
	if c.Path == "" {
		return "embedded defaults, for there is no " + c.Layout.ConfigFile
	}
	return c.Path
}

// Core is [core_settings].
type Core struct {
	// Threads is how many requests may compute at the same time; 0 means one for each CPU.
	Threads int
	// IdleSleep is accepted for the original's sake. This agent does not poll.
	IdleSleep time.Duration
	// LogLevel is empty when not set: RUST_LOG then decides, else LevelInfo.
	LogLevel Level
	// LogTimestamp puts the time in front of lines that do not go to the journal.
	LogTimestamp bool
	// LogErrorDetails allows key and application names and causes in the log.
	LogErrorDetails bool
	// BodyLimit is the largest request body in bytes, equality allowed.
	BodyLimit uint32
	// BufferSizeLimit is the largest answer of PsaGenerateRandom in bytes.
	BufferSizeLimit uint32
	// AllowRoot lets the agent run with real uid 0.
	AllowRoot bool
	// AllowDeprecated permits to make keys of deprecated types and algorithms.
	AllowDeprecated bool
}

// Listener is [listener].
type Listener struct {
	// Timeout is the time for a whole frame, from its first byte.
	Timeout time.Duration
	// SocketPath is absolute and short enough for a Unix socket address.
	SocketPath string
}

// Authenticator is [authenticator] or one [[agent.authenticator]].
type Authenticator struct {
	// Type is AuthDirect, AuthUnixPeer or AuthJWTSVID.
	Type wire.AuthType
	// Admins are the application names of administrators, compared exactly.
	Admins []string
	// WorkloadEndpoint is the address of the SPIFFE Workload API, such as
	// unix:///run/spire/sockets/agent.sock; set for AuthJWTSVID only.
	WorkloadEndpoint string
}

// Authenticators returns [authenticator] and the further ones; no type occurs twice.
func (c *Config) Authenticators() []Authenticator {
	return append([]Authenticator{c.Authenticator}, c.Agent.Authenticators...)
}

// ManagerType is how a key manager stores its mappings.
type ManagerType string

// The types of key managers.
const (
	ManagerSQLite ManagerType = "SQLite"
	ManagerOnDisk ManagerType = "OnDisk"
)

// KeyManager is one [[key_manager]].
type KeyManager struct {
	Name string
	Type ManagerType
	// Path is the absolute path of the database file (SQLite) or base directory (OnDisk).
	Path string
}

// KeyManager returns the key manager of that name.
func (c *Config) KeyManager(name string) (KeyManager, bool) {
	for _, m := range c.KeyManagers {
		if m.Name == name {
			return m, true
		}
	}
	return KeyManager{}, false
}
