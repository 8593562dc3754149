package trust

import (
	"strconv"
	"strings"

	"github.com/seed-73b3884f/parsec-agent/trust/mpack"
)

// Schemes of addresses.
const (
	schemeNative = "parsec3"
	schemeHTTP   = "http"
	schemeHTTPS  = "https"
)

const (
	portHTTP  = 80
	portHTTPS = 443
	// oldHost is the former name of newHost.
	oldHost, newHost = "saas-v3.parsec.cloud", "app.parsec.cloud"
	redirectPath     = "redirect"
)

// ServerAddress says where a server is.
type ServerAddress struct {
	host  string
	port  uint16
	noTLS bool
}

// OrganizationAddress is where an organisation is, and whom it trusts.
type OrganizationAddress struct {
	Server        ServerAddress
	Organization  OrganizationID
	RootVerifyKey VerifyKey
}

// form says which forms of an address are read.
type form uint8

const (
	nativeForm form = 1 << iota
	redirectionForm
	anyForm = nativeForm | redirectionForm
)

// ParseServerAddress reads the address of a server, native or as a redirection.
func ParseServerAddress(s string) (ServerAddress, error) { return parseServer(s, anyForm) }

func parseServer(s string, f form) (ServerAddress, error) {
	server, path, _, err := parseAddress(s, f)
	if err != nil {
		return ServerAddress{}, err
	}
	if path != "" {
		return ServerAddress{}, ErrURL
	}
	return server, nil
}

// ParseOrganizationAddress reads the address of an organisation, native or as a redirection.
func ParseOrganizationAddress(s string) (OrganizationAddress, error) {
	return parseOrganization(s, anyForm)
}

func parseOrganization(s string, f form) (OrganizationAddress, error) {
	server, organization, u, err := parseInOrganization(s, f)
	if err != nil {
		return OrganizationAddress{}, err
	}
	a := OrganizationAddress{Server: server, Organization: organization}
	if err := u.payload(func(r *mpack.Reader) { decodeVerifyKey(r, &a.RootVerifyKey) }); err != nil {
		return OrganizationAddress{}, err
	}
	return a, nil
}

// parseAddress reads what all addresses have. The path lacks what a redirection has before it.
func parseAddress(s string, f form) (server ServerAddress, path string, u *rawURL, err error) {
	if u, err = parseURL(s); err != nil {
		return server, "", nil, err
	}
	segments := u.path
	switch {
	case u.scheme == schemeNative && f&nativeForm != 0:
		server.noTLS, err = u.noTLS()
	case (u.scheme == schemeHTTP || u.scheme == schemeHTTPS) && f&redirectionForm != 0:
		server.noTLS = u.scheme == schemeHTTP
		if segments[0] != redirectPath {
			return server, "", nil, ErrRedirection
		}
		// One slash more than there should be is forgiven.
		if segments = segments[1:]; len(segments) > 0 && segments[0] == "" {
			segments = segments[1:]
		}
		if len(segments) > 1 && segments[0] == "" {
			return server, "", nil, ErrRedirection
		}
	default:
		err = ErrScheme
	}
	if err != nil {
		return server, "", nil, err
	}
	return server.withHost(u), strings.Join(segments, "/"), u, nil
}

// withHost takes host and port; whether there is TLS is known.
func (a ServerAddress) withHost(u *rawURL) ServerAddress {
	a.host, a.port = u.host, a.defaultPort()
	if a.host == oldHost {
		a.host = newHost
	}
	if u.port != "" {
		port, _ := strconv.ParseUint(u.port, 10, 16) // was checked
		a.port = uint16(port)
	}
	return a
}

func (u *rawURL) noTLS() (bool, error) {
	value, found, err := u.optional("no_ssl")
	switch {
	case err != nil || !found:
		return false, err
	case strings.EqualFold(value, "true"):
		return true, nil
	case strings.EqualFold(value, "false"):
		return false, nil
	}
	return false, ErrParameter
}

// parseInOrganization reads an address whose path names an organisation.
func parseInOrganization(s string, f form) (ServerAddress, OrganizationID, *rawURL, error) {
	server, path, u, err := parseAddress(s, f)
	if err != nil {
		return ServerAddress{}, OrganizationID{}, nil, err
	}
	organization, err := NewOrganizationID(percentDecode(path))
	if err != nil {
		return ServerAddress{}, OrganizationID{}, nil, ErrOrganization
	}
	return server, organization, u, nil
}

// Host returns the name or number of the server.
func (a ServerAddress) Host() string { return a.host }

// Port returns the TCP port.
func (a ServerAddress) Port() uint16 { return a.port }

// TLS reports whether the server is spoken to over TLS.
func (a ServerAddress) TLS() bool { return !a.noTLS }

func (a ServerAddress) defaultPort() uint16 {
	if a.noTLS {
		return portHTTP
	}
	return portHTTPS
}

func (a ServerAddress) netloc() string {
	if a.port == a.defaultPort() {
		return a.host
	}
	return a.host + ":" + strconv.Itoa(int(a.port))
}

// String returns the address in the native form.
func (a ServerAddress) String() string { return a.native("") }

// HTTP returns the base of the server's URLs, with a slash at the end.
func (a ServerAddress) HTTP() string {
	scheme := schemeHTTPS
	if a.noTLS {
		scheme = schemeHTTP
	}
	return scheme + "://" + a.netloc() + "/"
}

// native writes an address: no_ssl stands before the other parameters.
func (a ServerAddress) native(path string, parameters ...string) string {
	if a.noTLS {
		parameters = append([]string{"no_ssl=true"}, parameters...)
	}
	s := schemeNative + "://" + a.netloc()
	if path != "" {
		s += "/" + percentEncode(path)
	}
	if len(parameters) > 0 {
		s += "?" + strings.Join(parameters, "&")
	}
	return s
}

// String returns the address in the native form.
func (a OrganizationAddress) String() string {
	p, err := payload(func(w *mpack.Writer) { encodeVerifyKey(w, &a.RootVerifyKey) })
	if err != nil {
		return redacted // a key of fixed size cannot fail
	}
	return a.Server.native(a.Organization.s, p)
}

// ParseServerURL reads the address of a server as serialised data has it: an http or https URL without path and query.
func ParseServerURL(s string) (ServerAddress, error) {
	u, err := parseURL(s)
	switch {
	case err != nil:
		return ServerAddress{}, err
	case u.scheme != schemeHTTP && u.scheme != schemeHTTPS:
		return ServerAddress{}, ErrScheme
	case strings.Join(u.path, "/") != "" || len(u.query) > 0:
		return ServerAddress{}, ErrURL
	}
	return ServerAddress{noTLS: u.scheme == schemeHTTP}.withHost(u), nil
}
