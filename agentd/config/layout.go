package config

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
)

// Layout is where an agent keeps its things: the paths that the file does not set.
type Layout struct {
	// User is true for one person's own agent. That person, UID, is an administrator: the
	// agent sees to it.
	User bool
	UID  int
	// ConfigFile is the file that is read when none is named; it may be absent.
	ConfigFile string
	// StateDir holds keys and mappings, RuntimeDir the socket. In user mode the agent
	// creates both with mode 0700, in system mode neither.
	StateDir, RuntimeDir string
}

// SystemLayout is the layout of the machine's agent.
func SystemLayout() Layout {
	return Layout{ConfigFile: "/etc/parsec/config.toml", StateDir: "/var/lib/parsec", RuntimeDir: "/run/parsec"}
}

// UserLayout is the layout of one person's agent by the XDG base directories of the
// environment. Without XDG_RUNTIME_DIR the socket is in the state directory. Relative
// values of XDG variables are ignored, as their specification demands.
func UserLayout(getenv func(string) string, uid int) (Layout, error) {
	home := getenv("HOME")
	dir := func(variable, fallback string) (string, error) {
		if v := getenv(variable); filepath.IsAbs(v) {
			return filepath.Join(v, "parsec"), nil
		}
		if !filepath.IsAbs(home) {
			return "", fmt.Errorf("cannot find a directory for the agent: neither %s nor HOME is an absolute path", variable)
		}
		return filepath.Join(home, fallback, "parsec"), nil
	}
	configDir, err := dir("XDG_CONFIG_HOME", ".config")
	if err != nil {
		return Layout{}, err
	}
	state, err := dir("XDG_STATE_HOME", ".local/state")
	if err != nil {
		return Layout{}, err
	}
	l := Layout{User: true, UID: uid, ConfigFile: filepath.Join(configDir, "config.toml"), StateDir: state, RuntimeDir: state}
	if v := getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(v) {
		l.RuntimeDir = filepath.Join(v, "parsec")
	}
	return l, nil
}

// CurrentUserLayout is UserLayout of this process.
func CurrentUserLayout() (Layout, error) { return UserLayout(os.Getenv, os.Getuid()) }

// Paths below the layout's directories; the original's for a system.
func (l Layout) socketPath() string { return filepath.Join(l.RuntimeDir, "parsec.sock") }

func (l Layout) sqlitePath() string {
	return filepath.Join(l.StateDir, "kim-mappings/sqlite/sqlite-key-info-manager.sqlite3")
}
func (l Layout) onDiskPath() string { return filepath.Join(l.StateDir, "mappings") }

// Values that stand for absent keys.
const (
	defaultTimeout   = 200 * time.Millisecond
	defaultIdleSleep = 10 * time.Millisecond
	defaultBuffer    = 1 << 20
	defaultCacheKeys = 256
	// rootKeyCredential is the name of a systemd credential, not a secret.
	rootKeyCredential = "parsec-root-key" //nolint:gosec // a name
)

// Default returns the configuration of an agent without a file: software provider,
// SQLite key manager, Unix peer credentials.
func Default(l Layout) *Config {
	c := &Config{
		Layout:        l,
		Core:          defaultCore(),
		Listener:      Listener{Timeout: defaultTimeout, SocketPath: l.socketPath()},
		Authenticator: Authenticator{Type: wire.AuthUnixPeer},
		Agent:         defaultAgent(),
		KeyManagers:   []KeyManager{{Name: "sqlite-manager", Type: ManagerSQLite, Path: l.sqlitePath()}},
	}
	c.Agent.Devices.Directory = l.StateDir
	c.Providers = []Provider{{
		Type: wire.ProviderMbedCrypto, Name: defaultProviderName(wire.ProviderMbedCrypto),
		KeyManager: c.KeyManagers[0].Name, Software: defaultSoftware(),
	}}
	c.Providers[0].Software.KeyStorePath = c.KeyManagers[0].keyStorePath()
	return c
}

func defaultCore() Core {
	return Core{IdleSleep: defaultIdleSleep, BodyLimit: wire.DefaultBodyLimit, BufferSizeLimit: defaultBuffer}
}

func defaultAgent() Agent {
	return Agent{
		AdminGroups: []string{"parsec-admin"},
		Audit:       Audit{Kind: AuditLog},
		LogFormat:   LogAuto,
		AllowBackup: true,
		Limits: Limits{
			ConnectionsPerUID: 256, Connections: 16384, RequestsPerUID: 64,
			MemoryPerUID: 64 << 20, IdleTimeout: 5 * time.Minute,
		},
	}
}

func defaultSoftware() *Software {
	return &Software{
		KeyStorage: providers.ProtectionEncrypted, RootKey: RootKeyAuto, RootKeyCredential: rootKeyCredential, CacheKeys: defaultCacheKeys,
	}
}
