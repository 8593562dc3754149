package config

import (
	"fmt"
	"math"
	"net/url"
	"strconv"
	"strings"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

func readCore(s *section) Core {
	defer s.close()
	d := defaultCore()
	c := Core{
		IdleSleep:       s.millis("idle_listener_sleep_duration", d.IdleSleep, 0),
		LogTimestamp:    s.flag("log_timestamp", false),
		LogErrorDetails: s.flag("log_error_details", false),
		BodyLimit:       s.size32("body_len_limit", d.BodyLimit),
		BufferSizeLimit: s.size32("buffer_size_limit", d.BufferSizeLimit),
		AllowRoot:       s.flag("allow_root", false),
		AllowDeprecated: s.flag("allow_deprecated", false),
	}
	if _, given := s.take("thread_pool_size"); given {
		n := s.count("thread_pool_size", 1, 0, math.MaxInt64)
		if n == 0 {
			s.r.fail(s.at("thread_pool_size"), "a pool of 0 threads serves nobody", "leave the key out for one thread for each CPU")
		}
		c.Threads = int(min(n, math.MaxInt32))
	}
	if _, given := s.take("log_level"); given {
		c.LogLevel = readLevel(s)
	}
	return c
}

func readLevel(s *section) Level {
	v := s.text("log_level", string(LevelInfo))
	if l, ok := ParseLevel(v); ok {
		return l
	}
	remedy := ""
	if near := nearest(v, levelNames); near != "" {
		remedy = fmt.Sprintf("did you mean %q?", near)
	}
	s.r.fail(s.at("log_level"), fmt.Sprintf("%q is not one of %s", v, strings.Join(levelNames, ", ")), remedy)
	return ""
}

var levelNames = []string{
	string(LevelOff), string(LevelError), string(LevelWarn), string(LevelInfo), string(LevelDebug), string(LevelTrace),
}

// ParseLevel reads the name of a log level, in any case of letters.
func ParseLevel(s string) (Level, bool) {
	for _, name := range levelNames {
		if strings.EqualFold(s, name) {
			return Level(name), true
		}
	}
	return "", false
}

func readListener(s *section, l Layout) Listener {
	defer s.close()
	if s.require("listener_type") {
		s.choice("listener_type", "", "DomainSocket")
	}
	c := Listener{Timeout: defaultTimeout, SocketPath: s.absPath("socket_path", l.socketPath())}
	if s.require("timeout") {
		c.Timeout = s.millis("timeout", defaultTimeout, 0)
	}
	if _, given := s.values["timeout"]; given && c.Timeout == 0 {
		c.Timeout = defaultTimeout
		s.r.warn(s.at("timeout"), fmt.Sprintf("a time limit of 0 would drop every connection; %d is used", defaultTimeout.Milliseconds()), "")
	}
	s.checkSocketPath("socket_path", c.SocketPath)
	return c
}

// maxSocketPath is what fits into a Unix socket address, with the name under which the
// socket is bound before it is renamed, and the terminating NUL.
const maxSocketPath = 107

func (s *section) checkSocketPath(key, path string) {
	if len(path) > maxSocketPath {
		s.fail(key, "%d bytes are too long for the path of a socket, which takes %d", len(path), maxSocketPath)
	}
}

// authTypes are the values of auth_type.
var authTypes = map[string]wire.AuthType{
	"Direct": wire.AuthDirect, "UnixPeerCredentials": wire.AuthUnixPeer, "JwtSvid": wire.AuthJWTSVID,
}

func readAuthenticator(s *section) Authenticator {
	defer s.close()
	var a Authenticator
	if s.require("auth_type") {
		a.Type = authTypes[s.choice("auth_type", "", "Direct", "UnixPeerCredentials", "JwtSvid")]
	}
	for _, t := range s.tables("admins") {
		if name := t.requiredText("name"); t.values["name"] != nil {
			a.addAdmin(name)
			a.checkAdmin(t, name)
		}
		t.close()
	}
	if a.Type == wire.AuthDirect {
		s.r.warn(s.at("auth_type"), "Direct believes whatever name a caller gives itself", "use it for tests only")
	}
	if a.Type != wire.AuthJWTSVID {
		s.ignored("workload_endpoint", `auth_type "JwtSvid"`)
		return a
	}
	a.WorkloadEndpoint = s.requiredText("workload_endpoint")
	if s.values["workload_endpoint"] != nil {
		s.checkEndpoint("workload_endpoint", a.WorkloadEndpoint)
	}
	return a
}

// checkAdmin warns about names that no application can have.
func (a *Authenticator) checkAdmin(t *section, name string) {
	switch a.Type {
	case wire.AuthUnixPeer:
		if n, err := strconv.ParseUint(name, 10, 32); err != nil || strconv.FormatUint(n, 10) != name {
			t.r.warn(t.at("name"), fmt.Sprintf("%q is no decimal uid and never matches", name), "write the uid, or use agent.admin_groups")
		}
	case wire.AuthJWTSVID:
		if !strings.HasPrefix(name, "spiffe://") {
			t.r.warn(t.at("name"), fmt.Sprintf("%q is no SPIFFE ID and never matches", name), "")
		}
	case wire.AuthDirect:
		if name == "" {
			t.r.warn(t.at("name"), "an application name is never empty", "")
		}
	default:
	}
}

// checkEndpoint holds an address of the Workload API against its specification.
func (s *section) checkEndpoint(key, endpoint string) {
	const remedy = "write unix:///PATH or tcp://IP:PORT"
	u, err := url.Parse(endpoint)
	switch {
	case err != nil:
		s.r.fail(s.at(key), fmt.Sprintf("%q is no address", endpoint), remedy)
	case u.Scheme == "unix" && u.Host == "" && u.Opaque == "" && strings.HasPrefix(u.Path, "/"):
	case u.Scheme == "tcp" && u.Hostname() != "" && u.Port() != "" && u.Path == "":
	default:
		s.r.fail(s.at(key), fmt.Sprintf("%q is no address of a Workload API", endpoint), remedy)
	}
}

func readKeyManagers(sections []*section, l Layout) []KeyManager {
	var all []KeyManager
	for _, s := range sections {
		m := readKeyManager(s, l)
		for i, earlier := range all {
			if m.Name == earlier.Name && s.values["name"] != nil {
				s.r.warn(s.at("name"), fmt.Sprintf("another key manager is named %q; the last one is used", m.Name), "")
				all = append(all[:i], all[i+1:]...)
				break
			}
		}
		for _, earlier := range all {
			if m.Path != "" && m.Path == earlier.Path {
				s.r.fail(s.path, fmt.Sprintf("%s is the store of key manager %q already; two managers on one store lose keys", m.Path, earlier.Name),
					"name one key manager in both providers")
			}
		}
		all = append(all, m)
	}
	return all
}

func readKeyManager(s *section, l Layout) KeyManager {
	defer s.close()
	m := KeyManager{Name: s.requiredText("name")}
	if s.require("manager_type") {
		m.Type = ManagerType(s.choice("manager_type", "", string(ManagerSQLite), string(ManagerOnDisk)))
	}
	switch m.Type {
	case ManagerSQLite:
		m.Path = s.absPath("sqlite_db_path", l.sqlitePath())
		s.ignored("store_path", `manager_type "OnDisk"`)
	case ManagerOnDisk:
		m.Path = s.absPath("store_path", l.onDiskPath())
		s.ignored("sqlite_db_path", `manager_type "SQLite"`)
	default:
		s.take("sqlite_db_path")
		s.take("store_path")
	}
	return m
}

// ignored warns about a key that only another type has.
func (s *section) ignored(key, only string) {
	if _, given := s.take(key); given {
		s.r.warn(s.at(key), "has a meaning for "+only+" only, ignored", "")
	}
}
