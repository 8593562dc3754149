package guard

import (
	"fmt"
	"net/netip"
	"strings"
)

// Trusted are the peers whose word about a client's address is taken.
type Trusted struct {
	all      bool
	local    bool // this machine: loopback addresses and Unix sockets
	prefixes []netip.Prefix
}

// maxTrusted bounds the list.
const maxTrusted = 256

// ParseTrusted reads what the original's --proxy-trusted-addresses takes: addresses and
// networks between commas, localhost, or * for everybody. Empty means nobody.
func ParseTrusted(text string) (Trusted, error) {
	t := Trusted{}
	for part := range strings.SplitSeq(text, ",") {
		switch part = strings.TrimSpace(part); part {
		case "":
			continue
		case "*":
			t.all = true
			continue
		case "localhost":
			t.local = true
			continue
		}
		p, err := parsePrefix(part)
		if err != nil {
			return Trusted{}, fmt.Errorf("trusted proxies: %.60q is no address, network, localhost or *", part)
		}
		if t.prefixes = append(t.prefixes, p); len(t.prefixes) > maxTrusted {
			return Trusted{}, fmt.Errorf("trusted proxies: more than %d addresses", maxTrusted)
		}
	}
	return t, nil
}

func parsePrefix(text string) (netip.Prefix, error) {
	if strings.Contains(text, "/") {
		p, err := netip.ParsePrefix(text)
		if err == nil && p.Addr().Is4In6() {
			return netip.Prefix{}, fmt.Errorf("write it as IPv4")
		}
		return p.Masked(), err
	}
	a, err := netip.ParseAddr(text)
	if err != nil || a.Zone() != "" {
		return netip.Prefix{}, fmt.Errorf("no address")
	}
	a = a.Unmap()
	return netip.PrefixFrom(a, a.BitLen()), nil
}

// Trusts reports whether a peer is one of them. A peer of a Unix socket has no address.
func (t Trusted) Trusts(peer netip.Addr) bool {
	if t.all || t.local && (!peer.IsValid() || peer.IsLoopback()) {
		return true
	}
	for _, p := range t.prefixes {
		if p.Contains(peer) {
			return true
		}
	}
	return false
}

// plain removes what does not tell hosts apart: IPv4 in IPv6, and zones.
func plain(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }
