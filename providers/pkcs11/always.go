package pkcs11

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/ck"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/frame"
)

// Keys that want the PIN for each use (CKA_ALWAYS_AUTHENTICATE), such as the signature key of
// PIV cards. Only a PIN that the login of the same connection was made with is given: no PIN
// is tried on the card twice.

// accepted remembers the PIN of a login without keeping it; pad, that it was typed on the
// token's PIN pad.
type accepted struct {
	key, mac []byte
	pad      bool
}

// any reports whether there was a login.
func (a accepted) any() bool { return a.mac != nil || a.pad }

func accept(secret []byte) accepted {
	a := accepted{key: make([]byte, sha256.Size)}
	_, _ = rand.Read(a.key) // never fails
	a.mac = a.sum(secret)
	return a
}

func (a accepted) sum(secret []byte) []byte {
	h := hmac.New(sha256.New, a.key)
	h.Write(secret)
	return h.Sum(nil)
}

func (a accepted) is(secret []byte) bool { return a.mac != nil && hmac.Equal(a.mac, a.sum(secret)) }

// wantsPIN reports whether the private object of a key wants the PIN for each use. The
// token is asked once.
func (p *Provider) wantsPIN(ctx context.Context, id providers.KeyID, object []frame.Attribute) (bool, error) {
	p.mu.Lock()
	wants, known := p.always[string(id)]
	p.mu.Unlock()
	if known {
		return wants, nil
	}
	out, err := p.link.do(ctx, &frame.Request{
		Op: frame.OpFind, Count: 1, Object: object,
		Template: []frame.Attribute{frame.Ask(ck.AttrAlwaysAuth, frame.KindBool)},
	}, freely)
	if err != nil || len(out.Objects) == 0 {
		return false, err
	}
	o := out.Objects[0]
	wants = len(o) == 1 && o[0].Kind == frame.KindBool && o[0].Bool
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.always) >= maxPublics {
		clear(p.always)
	}
	p.always[string(id)] = wants
	return wants, nil
}

// doWithPIN is do for an object that wants the PIN. It works with a copy of the PIN, for a
// new connection may have to log in meanwhile.
func (l *link) doWithPIN(ctx context.Context, r *frame.Request, rep repeat) (*frame.Response, error) {
	pin := l.pin()
	if pin == nil {
		return nil, wire.Errorf(wire.StatusBadState, "the key wants the user PIN for each use, and none is configured (user_pin)")
	}
	with := *r
	defer func() { clear(with.PIN) }()
	err := pin.Use(func(secret []byte) error {
		with.PIN = bytes.Clone(secret)
		return nil
	})
	if err == nil && len(with.PIN) == 0 {
		err = wire.Errorf(wire.StatusBadState, "the key wants the user PIN for each use, and it is empty")
	}
	if err != nil {
		return nil, err
	}
	return l.do(ctx, &with, rep)
}

// errOtherPIN is a PIN that is not the one of the login.
var errOtherPIN = errors.New("the user PIN is not the one that the token was logged in with")

// refusedUse notes a PIN that the token refused for the use of a key though it took it for
// the login: somebody changed it meanwhile. The next login does not send it again.
func (l *link) refusedUse(c *connection, r *frame.Request, err error) error {
	failed, ok := errors.AsType[*callError](err)
	if !ok || len(r.PIN) == 0 || failed.function != "C_Login" || !failed.result.PINRefused() {
		return nil
	}
	c.lose()
	refused := l.refusedLogin(c, err)
	begin := l.record.begin(c.slot, r.PIN)
	if begin != nil {
		return errors.Join(refused, fmt.Errorf("it cannot be remembered: %w", begin))
	}
	return errors.Join(refused, l.record.end(c.slot.Token, r.PIN, failed.result))
}
