package trust

import (
	"fmt"
	"strings"

	"github.com/seed-73b3884f/parsec-agent/trust/mpack"
)

// redactedDomain is the domain of people whose address is withheld. Nobody else may have one there.
const redactedDomain = "redacted.invalid"

// EmailAddress is an address of RFC 5322 in ASCII.
type EmailAddress struct{ text }

// HumanHandle says who a user is: equality is that of the address, the label is for people to read.
type HumanHandle struct {
	Email EmailAddress
	Label HumanLabel
}

// NewEmailAddress checks an address: a dot-atom or quoted string, @, a dot-atom or address literal.
func NewEmailAddress(s string) (EmailAddress, error) {
	at := strings.LastIndexByte(s, '@')
	if len(s) > maxRawText || at < 0 || !localPartOK(s[:at]) || !domainOK(s[at+1:]) {
		return EmailAddress{}, fmt.Errorf("e-mail address: %w", ErrText)
	}
	if s[at+1:] == redactedDomain {
		return EmailAddress{}, fmt.Errorf("e-mail address: %w: %s is reserved", ErrText, redactedDomain)
	}
	return EmailAddress{text{s}}, nil
}

func localPartOK(s string) bool {
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		return quotedOK(s[1 : len(s)-1])
	}
	for atom := range strings.SplitSeq(s, ".") {
		if !atomOK(atom) {
			return false
		}
	}
	return true
}

// atomOK looks at one atom of either part. The reference takes no hyphen at its ends.
func atomOK(s string) bool {
	for i := range len(s) {
		if !isAtomText(s[i]) {
			return false
		}
	}
	return s != "" && s[0] != '-' && s[len(s)-1] != '-'
}

func isAtomText(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("!#$%&'*+-/=?^_`{|}~", c) >= 0
}

// quotedOK looks at what stands between quotes: printable characters, quotes and backslashes behind a backslash.
func quotedOK(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch c {
		case '"':
			return false
		case '\\':
			if i++; i == len(s) {
				return false
			}
			c = s[i]
		}
		if c != '\t' && (c < ' ' || c > '~') {
			return false
		}
	}
	return true
}

func domainOK(s string) bool {
	if len(s) >= 2 && s[0] == '[' && s[len(s)-1] == ']' {
		return literalOK(s[1 : len(s)-1])
	}
	for label := range strings.SplitSeq(s, ".") {
		if !atomOK(label) {
			return false
		}
	}
	return true
}

// literalOK looks at what stands in brackets: printable characters but brackets and backslash.
func literalOK(s string) bool {
	return !strings.ContainsFunc(s, func(c rune) bool {
		return c != '\t' && (c < ' ' || c > '~') || strings.ContainsRune(`[]\`, c)
	})
}

// NewHumanHandle checks both parts.
func NewHumanHandle(email, label string) (HumanHandle, error) {
	e, err := NewEmailAddress(email)
	if err != nil {
		return HumanHandle{}, err
	}
	l, err := NewHumanLabel(label)
	return HumanHandle{Email: e, Label: l}, err
}

// RedactedHandle is what is shown of a user whose handle is withheld.
func RedactedHandle(user UserID) HumanHandle {
	id := user.String()
	return HumanHandle{Email: EmailAddress{text{id + "@" + redactedDomain}}, Label: HumanLabel{text{id}}}
}

// RedactedLabel is what is shown of a device whose label is withheld.
func RedactedLabel(device DeviceID) DeviceLabel { return DeviceLabel{text{device.String()}} }

// Equal compares the addresses.
func (h HumanHandle) Equal(o HumanHandle) bool { return h.Email == o.Email }

// String returns label <address>.
func (h HumanHandle) String() string { return h.Label.s + " <" + h.Email.s + ">" }

// handleParts is how many elements the array of a handle has.
const handleParts = 2

func decodeHumanHandle(r *mpack.Reader, v *HumanHandle) {
	if n := r.Array(handleParts); r.Err() == nil && n != handleParts {
		r.Fail(mpack.ErrRange)
		return
	}
	decodeText(r, &v.Email, NewEmailAddress)
	decodeText(r, &v.Label, NewHumanLabel)
}

func encodeHumanHandle(w *mpack.Writer, v *HumanHandle) {
	w.Array(handleParts)
	encodeText(w, v.Email.text)
	encodeText(w, v.Label.text)
}
