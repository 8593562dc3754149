package ctl_test

import (
	"net/http"
	"strings"
)

// says wants words in what is told about a connection.
func (f *flows) says(c connection, words ...string) {
	f.Helper()
	for _, w := range words {
		if !strings.Contains(c.Reason+"\n"+c.Remedy+"\n"+c.Terms, w) {
			f.Errorf("%+v does not say %q", c, w)
		}
	}
}

// revokes takes everything from Bob, on all his machines.
func (f *flows) revokes() {
	devices := len(f.second.devices())
	f.alice.must("user", "revoke", "--yes", "bob@example.com")
	f.says(f.bob.stands("Acme", "revoked"), "the user is revoked", "invited anew")
	f.bob.refused(4, "revoked|invited anew", "device", "invite")
	if _, back := f.second.devices()["returned"]; back {
		f.says(f.second.stands("Acme/returned", "revoked"), "the user is revoked")
		f.says(f.second.stands("Acme/back", "revoked"), "the user is revoked")
	} else if devices != 1 {
		f.Errorf("the second machine has %d devices", devices)
	}
	var seen people
	f.alice.reads(&seen, "user", "list", "bob@example.com", "--revoked")
	if n, _, revoked := seen.of("bob@example.com"); n == 0 || !revoked {
		f.Errorf("Alice sees %+v", seen)
	}
}

// acceptsTerms has new terms of service come up, and Alice accept them for both of her devices.
func (f *flows) acceptsTerms() {
	const terms = "https://example.com/terms"
	f.site.administer(f.T, http.MethodPatch, "", map[string]any{"tos": map[string]string{"en_US": terms}})
	f.says(f.alice.stands("Acme", "must_accept_terms"), "terms of service", "parsecctl org accept-terms", terms)
	f.says(f.second.stands("Acme/phone", "must_accept_terms"), "parsecctl org accept-terms", terms)
	f.alice.refused(4, "parsecctl org accept-terms", "user", "invite", "dave@example.com")
	f.alice.refused(1, terms+"|--yes", "org", "accept-terms") // nobody has read them
	f.alice.must("org", "accept-terms", "--yes")
	f.alice.stands("Acme", "online")
	f.second.stands("Acme/phone", "online")
	if code, _, said := f.alice.try("org", "accept-terms"); code != 0 || !strings.Contains(said, "no terms") {
		f.Errorf("accepted twice: %d %s", code, said)
	}
}

func (f *flows) isFrozen() {
	f.site.administer(f.T, http.MethodPost, "/users/freeze", map[string]any{"user_email": "alice@example.com", "frozen": true})
	f.says(f.alice.stands("Acme", "frozen"), "the user is frozen", "ask whoever runs the server")
	f.alice.refused(4, "frozen|ask whoever runs the server", "user", "invite", "dave@example.com")
	f.site.administer(f.T, http.MethodPost, "/users/freeze", map[string]any{"user_email": "alice@example.com", "frozen": false})
	f.alice.stands("Acme", "online")
}

// expires: what is expired is seen at once; that it is not any more, at the latest when the device is unlocked again.
func (f *flows) expires() {
	f.site.administer(f.T, http.MethodPatch, "", map[string]any{"is_expired": true})
	f.says(f.alice.stands("Acme", "expired"), "the organisation has expired", "prolong")
	f.alice.refused(4, "expired|prolong", "user", "invite", "dave@example.com")
	f.site.administer(f.T, http.MethodPatch, "", map[string]any{"is_expired": false})
	f.alice.must("device", "lock")
	f.alice.unlock("Acme")
	f.alice.stands("Acme", "online")
}
