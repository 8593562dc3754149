package config

import (
	"fmt"
	"math"
	"net"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

func readAgent(s *section, c *Config) Agent {
	defer s.close()
	d := defaultAgent()
	a := Agent{
		AdminGroups: s.texts("admin_groups", d.AdminGroups),
		Audit:       s.audit("audit"),
		Metrics:     s.metrics("metrics"),
		LogFormat: LogFormat(s.choice("log_format", string(d.LogFormat),
			string(LogAuto), string(LogJournal), string(LogText), string(LogJSON))),
		AllowBackup: s.flag("allow_backup", d.AllowBackup),
		Limits:      readLimits(s.table("limits"), d.Limits, c.Core.BodyLimit),
	}
	a.Devices = s.table("devices").devices(c.Layout)
	for _, t := range s.tables("authenticator") {
		a.Authenticators = append(a.Authenticators, readAuthenticator(t))
	}
	s.checkGroups("admin_groups", a.AdminGroups)
	return a
}

// checkGroups refuses what cannot be the name of a group.
func (s *section) checkGroups(key string, groups []string) {
	for _, group := range groups {
		if group == "" || strings.ContainsAny(group, ":\n\x00") {
			s.fail(key, "%q is not the name of a group", group)
		}
	}
}

// devices reads [agent.devices]. The agent of the system sees nobody's home directory.
func (s *section) devices(l Layout) Devices {
	defer s.close()
	d := Devices{Directory: s.absPath("directory", l.StateDir), IdleLimit: s.millis("idle_limit", 0, 0)}
	if _, given := s.take("original_directory"); !given {
		return d
	}
	d.Original = s.text("original_directory", "")
	switch {
	case d.Original == "":
	case !l.User:
		s.r.fail(s.at("original_directory"), "only a person's own agent can use devices in place", "leave it out, and take them over with parsecctl device import")
	case !filepath.IsAbs(d.Original) || strings.ContainsRune(d.Original, 0):
		s.fail("original_directory", "%q is no absolute path", d.Original)
	default:
		d.Original = filepath.Clean(d.Original)
	}
	return d
}

// readLimits reads [agent.limits]. One request of the largest size always fits.
func readLimits(s *section, d Limits, bodyLimit uint32) Limits {
	defer s.close()
	const most = 1 << 20
	frame := int64(bodyLimit) + wire.MaxAuthLen
	l := Limits{
		ConnectionsPerUID: int(s.count("connections_per_uid", int64(d.ConnectionsPerUID), 1, most)),
		Connections:       int(s.count("connections", int64(d.Connections), 1, most)),
		RequestsPerUID:    int(s.count("requests_per_uid", int64(d.RequestsPerUID), 1, most)),
		MemoryPerUID:      s.count("memory_per_uid", max(d.MemoryPerUID, frame), 1, math.MaxInt64),
		IdleTimeout:       s.millis("idle_timeout", d.IdleTimeout, 1),
	}
	if l.MemoryPerUID < frame {
		s.r.fail(s.at("memory_per_uid"),
			fmt.Sprintf("%d bytes do not hold one request of core_settings.body_len_limit and its authentication", l.MemoryPerUID),
			fmt.Sprintf("give at least %d", frame))
	}
	return l
}

func (s *section) audit(key string) Audit {
	v := s.text(key, string(AuditLog))
	switch {
	case v == string(AuditLog), v == string(AuditOff):
		return Audit{Kind: AuditKind(v)}
	case filepath.IsAbs(v) && !strings.ContainsRune(v, 0):
		return Audit{Kind: AuditFile, Path: filepath.Clean(v)}
	default:
		s.r.fail(s.at(key), fmt.Sprintf("%q is neither \"log\" nor \"off\" nor an absolute path", v), "")
		return Audit{Kind: AuditLog}
	}
}

func (s *section) metrics(key string) Metrics {
	v := s.text(key, "")
	network, address, _ := strings.Cut(v, ":")
	switch {
	case v == "":
		return Metrics{}
	case network == "unix" && filepath.IsAbs(address) && !strings.ContainsRune(address, 0):
		s.checkSocketPath(key, filepath.Clean(address))
		return Metrics{Network: network, Address: filepath.Clean(address)}
	case network == "tcp" && s.tcpAddress(key, address):
		return Metrics{Network: network, Address: address}
	default:
		s.r.fail(s.at(key), fmt.Sprintf("%q is no address for metrics", v), "write unix:/PATH, tcp:IP:PORT or an empty string")
		return Metrics{}
	}
}

// tcpAddress accepts IP:PORT and warns when others than this machine can connect.
func (s *section) tcpAddress(key, address string) bool {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	n, err := strconv.ParseUint(port, 10, 16)
	ip := net.ParseIP(host)
	if err != nil || n == 0 || ip == nil {
		return false
	}
	if !ip.IsLoopback() {
		s.r.warn(s.at(key), "other machines can read the metrics, which name operations and their numbers", "use a loopback address or a Unix socket")
	}
	return true
}
