package pkcs11

import (
	"strings"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/frame"
)

func TestURI(t *testing.T) {
	slot := frame.Slot{ID: 7, Description: "reader 1", Token: frame.Token{Label: "my token", Manufacturer: "m", Model: "o", Serial: "0a;b"}}
	for text, matches := range map[string]bool{
		"pkcs11:":                 true,
		"pkcs11:token=my%20token": true,
		"pkcs11:token=my":         false,
		"pkcs11:serial=0a%3Bb;model=o;manufacturer=m;slot-id=7;slot-description=reader%201": true,
		"pkcs11:serial=0a%3bb;model=p": false,
	} {
		u, err := ParseURI(text)
		if err != nil || u.matches(slot) != matches {
			t.Errorf("%s: %v, %v, want %v", text, u.matches(slot), err, matches)
		}
	}
	for text, reason := range map[string]string{
		"token=a": "begins with", "pkcs11:token": "no attribute", "pkcs11:token=%zz": "wrong %", "pkcs11:token=a;token=b": "twice",
		"pkcs11:?pin-value=1234": "must not carry a PIN (pin-value)", "pkcs11:token=a?pin-source=/1234": "(pin-source)", "pkcs11:?x-1234=1234": "are not used", "pkcs11:object=a": "no attribute", "pkcs11:token=a;": "no attribute",
		"pkcs11:token=" + strings.Repeat("a", maxURI): "too long",
	} {
		if _, err := ParseURI(text); err == nil || !strings.Contains(err.Error(), reason) || strings.Contains(err.Error(), "1234") {
			t.Errorf("%.40s: %v", text, err)
		}
	}
}

// FuzzURI: what parses prints a URI that parses to the same.
func FuzzURI(f *testing.F) {
	f.Add("pkcs11:token=my%20token;serial=0a%3Bb")
	f.Add("pkcs11:")
	f.Fuzz(func(t *testing.T, text string) {
		u, err := ParseURI(text)
		if err != nil {
			return
		}
		again, err := ParseURI(u.String())
		if len(u.String()) <= maxURI && (err != nil || again.String() != u.String()) {
			t.Errorf("%q became %q, then %q, %v", text, u, again, err)
		}
	})
}
