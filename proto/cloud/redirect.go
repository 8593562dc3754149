package cloud

import (
	"errors"
	"net/url"
	"strings"

	"github.com/seed-73b3884f/parsec-agent/trust"
)

// ErrAddress is a text that is no address which browsers could be redirected to.
var ErrAddress = errors.New("this is no address of the native form")

const noTLS = "no_ssl"

// RedirectTarget returns where a server that has the address sends whoever asks for /redirect/ followed by the path. Whether there is TLS says the server, not
// the query.
func RedirectTarget(server trust.ServerAddress, path, query string) string {
	base, parameter, _ := strings.Cut(server.String(), "?")
	pairs := withoutTLS(query)
	if parameter != "" {
		pairs = append(pairs, parameter)
	}
	target := base + "/" + (&url.URL{Path: path}).EscapedPath()
	if len(pairs) > 0 {
		target += "?" + strings.Join(pairs, "&")
	}
	return target
}

// Redirection returns the form of a native address that browsers follow, for e-mails. It is as secret as the token in it.
func Redirection(native string) (string, error) { return webForm(native, "redirect/") }

// OpenPage returns where a server of ours explains a native address to people. It is as secret as the token in it.
func OpenPage(native string) (string, error) { return webForm(native, "open/") }

func webForm(native, below string) (string, error) {
	u, err := url.Parse(native)
	if err != nil {
		return "", ErrAddress
	}
	server, err := trust.ParseServerAddress(u.Scheme + "://" + u.Host + "?" + u.RawQuery)
	if err != nil {
		return "", ErrAddress
	}
	target := server.HTTP() + below + strings.TrimPrefix(u.EscapedPath(), "/")
	if pairs := withoutTLS(u.RawQuery); len(pairs) > 0 {
		target += "?" + strings.Join(pairs, "&")
	}
	return target, nil
}

// withoutTLS returns the pairs of a query but for the one that says whether there is TLS.
func withoutTLS(query string) []string {
	pairs := []string{}
	for pair := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(pair, "=")
		if decoded, err := url.QueryUnescape(name); pair != "" && (err != nil || decoded != noTLS) {
			pairs = append(pairs, pair)
		}
	}
	return pairs
}
