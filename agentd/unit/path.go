package unit

import (
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/seed-73b3884f/parsec-agent/agentd/config"
)

// plain is a path that a unit can name without quoting.
var plain = regexp.MustCompile(`^/[A-Za-z0-9_./@+,-]*$`)

// named is a hole for a path, or says that there is none for such a path.
func named(reason, path string, settings ...string) []hole {
	if !plain.MatchString(path) {
		return []hole{{fmt.Sprintf("%s, %+q, is not opened: a unit cannot name this path without quoting", reason, path), nil}}
	}
	return []hole{{reason, settings}}
}

// hidden are directories that the unit covers, with the setting that uncovers what is bound
// into it.
var hidden = map[string][]string{
	"/home": {"ProtectHome=tmpfs"}, "/root": {"ProtectHome=tmpfs"}, "/run/user": {"ProtectHome=tmpfs"},
	"/tmp": nil, "/var/tmp": nil,
}

// uncover returns how a path below a covered directory is shown.
func uncover(path string) ([]string, bool) {
	for dir, settings := range hidden {
		if within(dir, path) {
			return append(append([]string{}, settings...), "BindPaths=-"+path), true
		}
	}
	return nil, false
}

func within(dir, path string) bool { return path == dir || strings.HasPrefix(path, dir+"/") }

// writable opens a directory for writing.
func writable(cfg *config.Config, reason, dir string) []hole {
	dir = filepath.Clean(dir)
	if within(cfg.Layout.StateDir, dir) || within(cfg.Layout.RuntimeDir, dir) {
		return nil
	}
	if settings, covered := uncover(dir); covered {
		return named(reason, dir, settings...)
	}
	return named(reason, dir, "ReadWritePaths=-"+dir)
}

// reachable opens the way to a Unix socket, which needs no write access to its directory.
func reachable(reason, socket string) []hole {
	dir := filepath.Dir(filepath.Clean(socket))
	if settings, covered := uncover(dir); covered {
		return named(reason, dir, settings...)
	}
	return nil
}

// network opens the way to one address.
func network(reason, address string) hole {
	allow := "any" // a name may stand for any address
	if ip, ok := literal(address); ok {
		allow = ip.String()
	} else if strings.HasPrefix(address, "localhost:") {
		allow = "localhost"
	}
	return hole{reason + ": " + fmt.Sprintf("%+q", address), []string{
		"PrivateNetwork=no", "RestrictAddressFamilies=AF_INET AF_INET6", "IPAddressAllow=" + allow,
	}}
}

// listening opens an address for others, who on the loopback come from there too.
func listening(reason, address string) hole {
	if ip, ok := literal(address); ok && ip.IsLoopback() {
		return network(reason, address)
	}
	h := network(reason, address)
	h.settings[len(h.settings)-1] = "IPAddressAllow=any"
	return h
}

// literal returns the address of a host and port, if it is one and no name.
func literal(address string) (netip.Addr, bool) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return netip.Addr{}, false
	}
	ip, err := netip.ParseAddr(host)
	return ip, err == nil && ip.Zone() == "" && !ip.IsUnspecified()
}

// endpoint opens the way to a Workload API, unix:///PATH or tcp://IP:PORT.
func endpoint(address string) []hole {
	const reason = "tokens of callers"
	if path, ok := strings.CutPrefix(address, "unix://"); ok {
		return reachable(reason, path)
	}
	if address, ok := strings.CutPrefix(address, "tcp://"); ok {
		return []hole{network(reason, address)}
	}
	return nil
}

// socket keeps the place of the socket that the configuration names.
func socket(cfg *config.Config) []hole {
	path := cfg.Listener.SocketPath
	if path == filepath.Join(cfg.Layout.RuntimeDir, "parsec.sock") {
		return nil
	}
	return named("listener.socket_path", path, "ListenStream=", "ListenStream="+path)
}
