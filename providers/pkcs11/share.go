package pkcs11

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sync"
	"time"
)

// links are the links in use. While a configuration is reloaded there are two providers for
// a token; with the same settings they share the link, so that helper, sessions, login and
// the PIN that a person gave outlive a reload, and no PIN is sent for it.
var links = struct {
	mu   sync.Mutex // guards the field below, and the users of links
	open map[linkKey]*link
}{open: map[linkKey]*link{}}

// linkKey is all that a link depends on.
type linkKey struct {
	name, library, serial, slot, uri, pin, stateDir, helper string
	sessions                                                int
	callLimit, lifetime                                     time.Duration
	prompt                                                  bool
}

// enter returns the link for the options, with one more user.
func enter(ctx context.Context, o Options) (*link, error) {
	pin, err := fingerprint(o.PIN)
	if err != nil {
		return nil, err
	}
	key := linkKey{
		name: o.Name, library: o.Library, serial: o.Token.Serial, slot: "any", uri: o.Token.URI.String(), pin: pin, stateDir: o.StateDir,
		helper: o.Helper, sessions: o.Sessions, callLimit: o.CallLimit, lifetime: o.Lifetime, prompt: o.Prompt,
	}
	if o.Token.Slot != nil {
		key.slot = fmt.Sprint(*o.Token.Slot)
	}
	links.mu.Lock()
	defer links.mu.Unlock()
	l, ok := links.open[key]
	if !ok {
		l = newLink(ctx, o)
		l.key = key
		links.open[key] = l
	}
	l.users++
	return l, nil
}

// leave takes one user away; the last closes the link.
func (l *link) leave() {
	links.mu.Lock()
	l.users--
	last := l.users == 0
	if last {
		delete(links.open, l.key)
	}
	links.mu.Unlock()
	if last {
		l.close()
	}
}

// processKey makes fingerprints of PINs useless outside of this process.
var processKey = sync.OnceValue(func() []byte {
	key := make([]byte, sha256.Size)
	_, _ = rand.Read(key) // never fails
	return key
})

// fingerprint tells PINs, or the places where they are, apart.
func fingerprint(p PIN) (string, error) {
	switch p := p.(type) {
	case nil:
		return "", nil
	case pinFile:
		return "file " + p.path + " credential " + p.credential, nil
	}
	h := hmac.New(sha256.New, processKey())
	err := p.Use(func(secret []byte) error {
		h.Write(secret)
		return nil
	})
	return "pin " + hex.EncodeToString(h.Sum(nil)), err
}
