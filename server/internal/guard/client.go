package guard

import (
	"context"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Client is who asks, as far as it can be believed.
type Client struct {
	// Addr is the client's address; none for a local program behind a Unix socket.
	Addr netip.Addr
	// Proxy says that the address is that of a trusted peer, which did not say for whom it
	// asks: limits of one address are not for it.
	Proxy bool
	// Secure says that the client spoke TLS, with us or with a trusted proxy.
	Secure bool
}

type clientKey struct{}

// ClientOf returns who made a request that went through Clients.
func ClientOf(ctx context.Context) Client {
	c, _ := ctx.Value(clientKey{}).(Client) // the zero value is nobody
	return c
}

// maxHops bounds how many addresses of a forwarding header are looked at.
const maxHops = 32

// Clients finds out who asks. X-Forwarded-For and X-Forwarded-Proto count when a trusted
// peer sends them, and only as far as trusted proxies wrote them: from the right, the
// first address that is not one of theirs is the client. What else a client writes there
// is not looked at.
func Clients(trusted Trusted, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := Client{Addr: peer(r.RemoteAddr), Secure: r.TLS != nil}
		if trusted.Trusts(c.Addr) {
			c.Addr = forwarded(r.Header.Values("X-Forwarded-For"), c.Addr, trusted)
			c.Proxy = trusted.Trusts(c.Addr)
			if p := r.Header.Values("X-Forwarded-Proto"); len(p) == 1 {
				c.Secure = strings.EqualFold(p[0], "https")
			}
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), clientKey{}, c)))
	})
}

// peer reads the address of a connection; a Unix socket has none.
func peer(remote string) netip.Addr {
	ap, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Addr{}
	}
	return plain(ap.Addr())
}

// forwarded walks from us towards the client. An entry that is no address ends the walk at
// the proxy that wrote it.
func forwarded(lines []string, last netip.Addr, trusted Trusted) netip.Addr {
	hops := 0
	for _, rest := range slices.Backward(lines) {
		for more := true; more; {
			var hop string
			at := strings.LastIndexByte(rest, ',')
			hop, more = rest[at+1:], at >= 0
			rest = rest[:max(at, 0)]
			a, ok := parseHop(hop)
			if hops++; !ok || hops > maxHops {
				return last
			}
			if last = a; !trusted.Trusts(a) {
				return last
			}
		}
	}
	return last
}

// parseHop reads an address, which some proxies write with a port.
func parseHop(s string) (netip.Addr, bool) {
	s = strings.TrimSpace(s)
	if a, err := netip.ParseAddr(s); err == nil {
		return plain(a), true
	}
	if a, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]")); err == nil && a.Is6() {
		return plain(a), true
	}
	ap, err := netip.ParseAddrPort(s)
	return plain(ap.Addr()), err == nil
}
