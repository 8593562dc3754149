package trust

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Failures of reading an address (3.11).
var (
	ErrURL          = errors.New("this is no address")
	ErrScheme       = errors.New("the scheme of the address is another")
	ErrRedirection  = errors.New("the address is no redirection to an address")
	ErrOrganization = errors.New("the path of the address names no organisation")
	ErrParameter    = errors.New("a parameter of the address is missing, or not what it must be")
)

// maxURL bounds addresses.
const maxURL = 64 << 10

// rawURL is an address taken apart as the WHATWG's URL standard does it for http, which the reference follows for
// its own scheme too.
type rawURL struct {
	scheme string
	host   string
	port   string
	// path has its dot segments removed, and is not decoded.
	path []string
	// query has decoded pairs.
	query [][2]string
}

func parseURL(s string) (*rawURL, error) {
	if len(s) > maxURL {
		return nil, ErrURL
	}
	s = strings.TrimFunc(s, func(c rune) bool { return c <= ' ' })
	s = strings.NewReplacer("\t", "", "\n", "", "\r", "").Replace(s)
	scheme, rest, found := strings.Cut(s, ":")
	if !found {
		return nil, ErrURL
	}
	u := &rawURL{scheme: strings.ToLower(scheme)}
	rest, _, _ = strings.Cut(rest, "#")
	rest, query, _ := strings.Cut(rest, "?")
	if u.scheme != schemeNative { // as browsers do for the web
		rest = strings.ReplaceAll(rest, `\`, "/")
	}
	// More slashes are ignored by some readers, and by some only behind dot segments: they would see another server.
	rest, found = strings.CutPrefix(rest, "//")
	if !found || strings.HasPrefix(rest, "/") || strings.Contains(rest, `\`) {
		return nil, ErrURL
	}
	authority, path, _ := strings.Cut(rest, "/")
	if err := u.authority(authority); err != nil {
		return nil, err
	}
	u.path = cleanPath(path)
	u.parseQuery(query)
	return u, nil
}

// authority reads host and port; who is named before the @ is ignored.
func (u *rawURL) authority(s string) (err error) {
	s = s[strings.LastIndexByte(s, '@')+1:]
	end := strings.IndexByte(s, ':')
	if strings.HasPrefix(s, "[") {
		end = strings.IndexByte(s, ']') + 1
	}
	if end < 0 {
		end = len(s)
	}
	if u.host, err = parseHost(s[:end]); err != nil {
		return err
	}
	port := s[end:]
	if port == "" || port == ":" {
		return nil
	}
	number, err := strconv.ParseUint(port[1:], 10, 16)
	if port[0] != ':' || err != nil {
		return fmt.Errorf("%w: port", ErrURL)
	}
	u.port = strconv.FormatUint(number, 10)
	return nil
}

// cleanPath removes dot segments.
func cleanPath(path string) []string {
	segments := []string{}
	all := strings.Split(path, "/")
	for i, segment := range all {
		switch strings.ReplaceAll(strings.ToLower(segment), "%2e", ".") {
		case "..":
			segments = segments[:max(0, len(segments)-1)]
		case ".":
		default:
			segments = append(segments, segment)
			continue
		}
		if i == len(all)-1 {
			segments = append(segments, "")
		}
	}
	return segments
}

func (u *rawURL) parseQuery(query string) {
	for pair := range strings.SplitSeq(query, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(strings.ReplaceAll(pair, "+", " "), "=")
		u.query = append(u.query, [2]string{percentDecode(name), percentDecode(value)})
	}
}

// percentDecode leaves alone what is no escape.
func percentDecode(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if b, err := hex.DecodeString(s[i+1 : i+3]); err == nil {
				out = append(out, b[0])
				i += 2
				continue
			}
		}
		out = append(out, s[i])
	}
	return string(out)
}

// percentEncode escapes what is not ASCII; nothing else that needs it can be in an organisation's name.
func percentEncode(s string) string {
	out := strings.Builder{}
	for i := range len(s) {
		if s[i] < 0x80 {
			out.WriteByte(s[i])
		} else {
			fmt.Fprintf(&out, "%%%02X", s[i])
		}
	}
	return out.String()
}

// parameter returns the value of a parameter that must occur once.
func (u *rawURL) parameter(name string) (string, error) {
	value, found, err := u.optional(name)
	if err == nil && !found {
		err = fmt.Errorf("%w: there is no %s", ErrParameter, name)
	}
	return value, err
}

// optional returns the value of a parameter that may occur once.
func (u *rawURL) optional(name string) (value string, found bool, err error) {
	for _, pair := range u.query {
		if pair[0] != name {
			continue
		}
		if found {
			return "", true, fmt.Errorf("%w: %s occurs twice", ErrParameter, name)
		}
		value, found = pair[1], true
	}
	return value, found, nil
}
