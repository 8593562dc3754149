package trust

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

// parseHost reads a host: a name, which is lower-cased, a number that is an address of IPv4, or an address of IPv6 in brackets.
func parseHost(s string) (string, error) {
	if strings.HasPrefix(s, "[") {
		return parseIPv6(s)
	}
	host := percentDecode(s)
	if !isASCII(host) || strings.Contains(strings.ToLower(host), "xn--") {
		ascii, err := inASCII(host)
		if err != nil {
			return "", err
		}
		host = ascii
	}
	host = strings.ToLower(host)
	if host == "" || strings.ContainsFunc(host, forbiddenInHost) {
		return "", fmt.Errorf("%w: host", ErrURL)
	}
	if endsInNumber(host) {
		return parseIPv4(host)
	}
	return host, nil
}

var idnaProfile = sync.OnceValue(func() *idna.Profile {
	return idna.New(idna.MapForLookup(), idna.BidiRule(), idna.Transitional(false), idna.CheckHyphens(false),
		idna.StrictDomainName(false), idna.VerifyDNSLength(false))
})

// inASCII is a name in the form of the DNS. A name whose form is not read as the same name is none.
func inASCII(host string) (string, error) {
	ascii, err := idnaProfile().ToASCII(host)
	if err == nil && utf8.ValidString(host) && !brokenPunycode(host) {
		if again, err := idnaProfile().ToASCII(ascii); err == nil && again == ascii {
			return ascii, nil
		}
	}
	return "", fmt.Errorf("%w: host", ErrURL)
}

// brokenPunycode reports whether a label has the prefix of that form and nothing behind it, or what does not belong there.
func brokenPunycode(host string) bool {
	mapped := strings.ReplaceAll(strings.ToLower(norm.NFKC.String(host)), "。", ".")
	for label := range strings.SplitSeq(mapped, ".") {
		if rest, found := strings.CutPrefix(label, "xn--"); found && (rest == "" || !isASCII(rest)) {
			return true
		}
	}
	return false
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(c rune) bool { return c > 0x7f })
}

func forbiddenInHost(c rune) bool {
	const del = 0x7f
	return c <= ' ' || c == del || strings.ContainsRune("#%/:<>?@[\\]^|", c)
}

// endsInNumber: such a host is an address of IPv4 or nothing.
func endsInNumber(host string) bool {
	host = strings.TrimSuffix(host, ".")
	last := host[strings.LastIndexByte(host, '.')+1:]
	if last == "" {
		return false
	}
	digits := !strings.ContainsFunc(last, func(c rune) bool { return c < '0' || c > '9' })
	_, err := parseIPv4Number(last)
	return digits || err == nil
}

// parseIPv4 reads the forms of old: fewer parts, octal and hexadecimal ones.
func parseIPv4(host string) (string, error) {
	parts := strings.Split(strings.TrimSuffix(host, "."), ".")
	if len(parts) > 4 {
		return "", fmt.Errorf("%w: host", ErrURL)
	}
	address := uint64(0)
	for i, part := range parts {
		number, err := parseIPv4Number(part)
		bits := 8
		if i == len(parts)-1 {
			bits = 8 * (4 - i)
		}
		if err != nil || number >= 1<<bits {
			return "", fmt.Errorf("%w: host", ErrURL)
		}
		address = address<<bits | number
	}
	return netip.AddrFrom4([4]byte{byte(address >> 24), byte(address >> 16), byte(address >> 8), byte(address)}).String(), nil
}

func parseIPv4Number(s string) (uint64, error) {
	base := 10
	switch {
	case strings.HasPrefix(s, "0x"):
		if s, base = s[2:], 16; s == "" {
			return 0, nil
		}
	case len(s) > 1 && s[0] == '0':
		s, base = s[1:], 8
	}
	if strings.HasPrefix(s, "+") {
		return 0, ErrURL
	}
	return strconv.ParseUint(s, base, 64)
}

func parseIPv6(s string) (string, error) {
	address, err := netip.ParseAddr(strings.TrimSuffix(s[1:], "]"))
	if err != nil || !strings.HasSuffix(s, "]") || !address.Is6() || address.Zone() != "" {
		return "", fmt.Errorf("%w: host", ErrURL)
	}
	if b := address.As16(); address.Is4In6() {
		return fmt.Sprintf("[::ffff:%x:%x]", uint16(b[12])<<8|uint16(b[13]), uint16(b[14])<<8|uint16(b[15])), nil
	}
	return "[" + address.String() + "]", nil
}
