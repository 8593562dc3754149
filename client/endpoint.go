package client

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// EndpointVariable is the environment variable that names the service's socket by URL.
const EndpointVariable = "PARSEC_SERVICE_ENDPOINT"

// SystemSocket is the socket of the machine's service.
const SystemSocket = "/run/parsec/parsec.sock"

// maxSocketPath is the longest path that a socket address holds, in bytes.
const maxSocketPath = 107

// Origin says where the choice of an endpoint comes from.
type Origin string

// The origins, in the order in which they are tried.
const (
	OriginExplicit    Origin = "explicit"
	OriginEnvironment Origin = "environment"
	OriginUser        Origin = "user"
	OriginSystem      Origin = "system"
)

// Endpoint is a socket and where the choice of it comes from.
type Endpoint struct {
	Path   string
	Origin Origin
}

// EndpointError is an endpoint that cannot be one.
type EndpointError struct {
	Endpoint string
	Origin   Origin
	Reason   string
	// Scheme is true when the URL itself is at fault, false when its path is.
	Scheme bool
}

func (e *EndpointError) Error() string {
	name := "endpoint"
	if e.Origin == OriginEnvironment {
		name = EndpointVariable
	}
	return fmt.Sprintf("%s %q: %s", name, e.Endpoint, e.Reason)
}

// Endpoints returns the sockets to try, best first: one if explicit or the environment
// names it, else the user's own and the system's. getenv is os.Getenv but in tests.
func Endpoints(explicit string, getenv func(string) string) ([]Endpoint, error) {
	if explicit != "" {
		return one(explicit, OriginExplicit)
	}
	if v := getenv(EndpointVariable); v != "" {
		return one(v, OriginEnvironment)
	}
	var found []Endpoint
	if path := UserSocket(getenv); path != "" && len(path) <= maxSocketPath {
		found = append(found, Endpoint{path, OriginUser})
	}
	return append(found, Endpoint{SystemSocket, OriginSystem}), nil
}

func one(name string, origin Origin) ([]Endpoint, error) {
	path := name
	if origin == OriginEnvironment || !filepath.IsAbs(name) {
		u, err := url.Parse(name)
		switch {
		case err != nil:
			return nil, &EndpointError{name, origin, "not a URL", true}
		case u.Scheme != "unix":
			return nil, &EndpointError{name, origin, "not a URL of the form unix:/path", true}
		case u.Host != "":
			return nil, &EndpointError{name, origin, "a host in the URL: write unix:/path or unix:///path", false}
		}
		path = u.Path
	}
	switch {
	case !filepath.IsAbs(path):
		return nil, &EndpointError{name, origin, "the socket path is not absolute", false}
	case strings.ContainsRune(path, 0):
		return nil, &EndpointError{name, origin, "the socket path holds a zero byte", false}
	case len(path) > maxSocketPath:
		return nil, &EndpointError{name, origin, fmt.Sprintf("the socket path has %d bytes, sockets allow %d", len(path), maxSocketPath), false}
	}
	return []Endpoint{{filepath.Clean(path), origin}}, nil
}

// UserSocket returns the socket of the user's own agent, which need not run: below
// XDG_RUNTIME_DIR, or in the state directory without one. It is empty when the environment
// names no home.
func UserSocket(getenv func(string) string) string {
	if dir := getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "parsec", "parsec.sock")
	}
	if dir := getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "parsec", "parsec.sock")
	}
	if home := getenv("HOME"); filepath.IsAbs(home) {
		return filepath.Join(home, ".local", "state", "parsec", "parsec.sock")
	}
	return ""
}

func environment(name string) string { return os.Getenv(name) }
