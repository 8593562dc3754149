// Package subject reads distinguished names as people write them: "CN=…,O=…", with the
// escapes of RFC 4514, in the order in which they shall stand in the certificate.
package subject

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

var types = map[string]asn1.ObjectIdentifier{
	"CN": {2, 5, 4, 3}, "SN": {2, 5, 4, 4}, "SERIALNUMBER": {2, 5, 4, 5}, "C": {2, 5, 4, 6}, "L": {2, 5, 4, 7}, "ST": {2, 5, 4, 8},
	"STREET": {2, 5, 4, 9}, "O": {2, 5, 4, 10}, "OU": {2, 5, 4, 11}, "TITLE": {2, 5, 4, 12}, "GN": {2, 5, 4, 42},
	"DC": {0, 9, 2342, 19200300, 100, 1, 25}, "UID": {0, 9, 2342, 19200300, 100, 1, 1}, "EMAILADDRESS": {1, 2, 840, 113549, 1, 9, 1},
}

var dotted = regexp.MustCompile(`^[0-2](\.(0|[1-9][0-9]*))+$`)

// Parse returns the DER of a name; the empty string is the empty name.
func Parse(text string) ([]byte, error) {
	name := pkix.RDNSequence{}
	for rest := text; strings.TrimSpace(rest) != ""; {
		part, after, err := cut(rest)
		if err != nil {
			return nil, err
		}
		attr, err := attribute(part)
		if err != nil {
			return nil, err
		}
		name = append(name, pkix.RelativeDistinguishedNameSET{attr})
		rest = after
	}
	return asn1.Marshal(name)
}

// cut splits off the text before the first comma that is not escaped.
func cut(text string) (part, rest string, err error) {
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case ',':
			rest = text[i+1:]
			if strings.TrimSpace(rest) == "" {
				return "", "", errors.New("nothing follows the last comma")
			}
			return text[:i], rest, nil
		}
	}
	return text, "", nil
}

func attribute(part string) (pkix.AttributeTypeAndValue, error) {
	key, value, ok := strings.Cut(part, "=")
	key = strings.ToUpper(strings.TrimSpace(key))
	if !ok {
		return pkix.AttributeTypeAndValue{}, fmt.Errorf("%q is not of the form TYPE=VALUE", strings.TrimSpace(part))
	}
	oid, err := identifier(key)
	if err != nil {
		return pkix.AttributeTypeAndValue{}, err
	}
	plain, err := unescape(strings.TrimLeft(value, " "))
	if err != nil {
		return pkix.AttributeTypeAndValue{}, err
	}
	if plain == "" {
		return pkix.AttributeTypeAndValue{}, fmt.Errorf("%s has no value", key)
	}
	if key == "C" && len(plain) != 2 {
		return pkix.AttributeTypeAndValue{}, fmt.Errorf("the country %q is not a code of two letters", plain)
	}
	encoded, err := encode(key, plain)
	return pkix.AttributeTypeAndValue{Type: oid, Value: encoded}, err
}

// encode chooses the string type that certificates use for the attribute.
func encode(key, plain string) (any, error) {
	if key != "DC" && key != "EMAILADDRESS" {
		return plain, nil // PrintableString where it fits, else UTF8String
	}
	for _, r := range plain {
		if r > 0x7f {
			return nil, fmt.Errorf("%s is of ASCII letters only, not %q", key, plain)
		}
	}
	return asn1.RawValue{Tag: asn1.TagIA5String, Bytes: []byte(plain)}, nil
}

func identifier(key string) (asn1.ObjectIdentifier, error) {
	if oid, ok := types[key]; ok {
		return oid, nil
	}
	if !dotted.MatchString(key) {
		return nil, fmt.Errorf("no attribute is called %q; there are CN, O, OU, C, ST, L, STREET, SERIALNUMBER, DC, UID, EMAILADDRESS and numbers such as 2.5.4.12", key)
	}
	var oid asn1.ObjectIdentifier
	for s := range strings.SplitSeq(key, ".") {
		n, err := strconv.Atoi(s)
		if err != nil {
			return nil, fmt.Errorf("%q is not an object identifier", key)
		}
		oid = append(oid, n)
	}
	if oid[0] < 2 && oid[1] > 39 {
		return nil, fmt.Errorf("%q is not an object identifier", key)
	}
	return oid, nil
}

// unescape resolves "\," and the like, and "\C3" for bytes. Trailing spaces count only
// when they are escaped.
func unescape(s string) (string, error) {
	var out []byte
	keep := 0
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			out = append(out, s[i])
			if s[i] != ' ' {
				keep = len(out)
			}
			continue
		}
		switch {
		case i+1 < len(s) && strings.ContainsRune(` "#+,;<=>\`, rune(s[i+1])):
			i++
			out = append(out, s[i])
		case i+2 < len(s):
			b, err := hex.DecodeString(s[i+1 : i+3])
			if err != nil {
				return "", fmt.Errorf(`%q is no escape: write \, or two hexadecimal digits`, s[i:i+3])
			}
			i += 2
			out = append(out, b...)
		default:
			return "", errors.New("it ends within an escape")
		}
		keep = len(out)
	}
	out = out[:keep]
	if !utf8.Valid(out) {
		return "", errors.New("it is not UTF-8")
	}
	return string(out), nil
}
