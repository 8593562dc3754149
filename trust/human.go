package trust

import (
	"fmt"

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

// NewEmailAddress checks an address. It stays as it is written, white space and all.
func NewEmailAddress(s string) (EmailAddress, error) {
	if len(s) > maxRawText || !isASCII(s) {
		return EmailAddress{}, fmt.Errorf("e-mail address: %w", ErrText)
	}
	switch domain, ok := emailDomain(s); {
	case !ok:
		return EmailAddress{}, fmt.Errorf("e-mail address: %w", ErrText)
	case domain == redactedDomain:
		return EmailAddress{}, fmt.Errorf("e-mail address: %w: %s is reserved", ErrText, redactedDomain)
	}
	return EmailAddress{text{s}}, nil
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
