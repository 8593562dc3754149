package config

import "time"

// Agent is [agent] and the tables below it: settings that only this agent knows and the
// original ignores.
type Agent struct {
	// AdminGroups are names or decimal ids of Unix groups whose members are administrators.
	AdminGroups []string
	Audit       Audit
	Metrics     Metrics
	LogFormat   LogFormat
	// AllowBackup permits administrators to take backups with private keys.
	AllowBackup bool
	Limits      Limits
	Devices     Devices
	// Authenticators are those beside [authenticator].
	Authenticators []Authenticator
}

// Limits are [agent.limits]. A request above a limit is refused, never queued.
type Limits struct {
	// ConnectionsPerUID and Connections bound open connections.
	ConnectionsPerUID, Connections int
	// RequestsPerUID bounds requests in flight.
	RequestsPerUID int
	// MemoryPerUID bounds the bytes of request bodies in flight.
	MemoryPerUID int64
	// IdleTimeout closes a persistent connection without a request.
	IdleTimeout time.Duration
}

// Devices are [agent.devices].
type Devices struct {
	// Directory is absolute; below it each uid has its own.
	Directory string
	// IdleLimit locks a device that nobody used for so long, 0 for never.
	IdleLimit time.Duration
	// Original is the absolute configuration directory of the original client, whose devices are used in place. Empty for
	// none; in user mode only.
	Original string
}

// AuditKind is where audit records go.
type AuditKind string

// The kinds of audit sinks.
const (
	AuditLog  AuditKind = "log"
	AuditFile AuditKind = "file"
	AuditOff  AuditKind = "off"
)

// Audit is the sink of audit records.
type Audit struct {
	Kind AuditKind
	// Path is the absolute path for AuditFile.
	Path string
}

// Metrics is the address that serves metrics. Network is empty (off), "unix" or "tcp".
type Metrics struct {
	Network, Address string
}

// LogFormat is the form of log lines.
type LogFormat string

// The log formats. LogAuto is the journal's form under systemd, else text.
const (
	LogAuto    LogFormat = "auto"
	LogJournal LogFormat = "journal"
	LogText    LogFormat = "text"
	LogJSON    LogFormat = "json"
)

// Level is a log level of the original.
type Level string

// The log levels.
const (
	LevelOff   Level = "off"
	LevelError Level = "error"
	LevelWarn  Level = "warn"
	LevelInfo  Level = "info"
	LevelDebug Level = "debug"
	LevelTrace Level = "trace"
)
