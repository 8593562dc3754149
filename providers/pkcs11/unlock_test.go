package pkcs11_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/tokentest"
	"github.com/seed-73b3884f/parsec-agent/providers/providertest"
)

// prompted makes a provider whose PIN a person gives, over a shim.
func prompted(t *testing.T, change func(*pkcs11.Options)) (*pkcs11.Provider, *tokentest.Shim, pkcs11.Options) {
	t.Helper()
	shim := tokentest.NewShim(t)
	o := options(t)
	o.Library, o.PIN, o.Prompt, o.Name = shim.Library, nil, true, "token"
	if change != nil {
		change(&o)
	}
	return unconnected(t, o), shim, o
}

// unconnected makes a provider that need not be connected, and is closed when the test ends.
func unconnected(t *testing.T, o pkcs11.Options) *pkcs11.Provider {
	t.Helper()
	p, err := pkcs11.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

func unlock(t *testing.T, p *pkcs11.Provider, pin string) error {
	t.Helper()
	_, err := p.Unlock(t.Context(), providers.UnlockOptions{PIN: []byte(pin)})
	return err
}

// condition waits until the provider is as wanted.
func condition(t *testing.T, p *pkcs11.Provider, want providers.Condition) {
	t.Helper()
	eventually(t, func() bool { return p.State().Condition == want })
}

// TestUnlock: locked until a person gives the PIN; it is then used again by itself for the
// same token, until it is locked.
func TestUnlock(t *testing.T) {
	token := tokentest.New(t).Token("unlock")
	p, shim, _ := prompted(t, nil)
	_, err := p.GenerateKey(t.Context(), p256)
	providertest.Status(t, "generate while locked", err, wire.StatusBadState)
	mentions(t, err, token.Serial, "locked until somebody gives its PIN", "parsecctl provider unlock token")
	providertest.Status(t, "can do while locked", p.CanDo(providers.Capability{Attributes: p256}), wire.StatusBadState)
	if s := p.State(); s.Condition != providers.Locked || s.Remedy == "" {
		t.Errorf("state %+v", s)
	}
	if n := shim.Count("C_Login"); n != 0 {
		t.Fatalf("%d logins without a PIN", n)
	}

	out, err := p.Unlock(t.Context(), providers.UnlockOptions{PIN: []byte(tokentest.PIN)})
	if err != nil || out.Already || !out.Until.IsZero() || !strings.Contains(out.Token, token.Serial) {
		t.Fatalf("%+v, %v", out, err)
	}
	condition(t, p, providers.Ready)
	key := providertest.Generate(t, p, p256)
	if out, err := p.Unlock(t.Context(), providers.UnlockOptions{PIN: []byte("000000")}); err != nil || !out.Already {
		t.Errorf("a second time: %+v, %v", out, err)
	}
	if n := shim.Count("C_Login"); n != 1 {
		t.Errorf("%d logins", n)
	}

	shim.Set("C_SignInit crash") // a new helper logs in with the PIN that was given
	if err := sign(t, p, key); err == nil {
		t.Error("signed")
	}
	shim.Set()
	eventually(t, func() bool { return sign(t, p, key) == nil })
	if n := shim.Count("C_Login"); n < 2 {
		t.Errorf("%d logins", n)
	}

	if err := p.Lock(t.Context()); err != nil {
		t.Fatal(err)
	}
	err = sign(t, p, key)
	providertest.Status(t, "sign after lock", err, wire.StatusBadState)
	if err := unlock(t, p, tokentest.PIN); err != nil {
		t.Fatal(err)
	}
	if err := sign(t, p, key); err != nil {
		t.Error(err)
	}
}

// TestUnlockWithWrongPIN: a wrong PIN is sent once, whoever gives it how often, and a pause
// follows it.
func TestUnlockWithWrongPIN(t *testing.T) {
	tokentest.New(t).Token("wrong")
	l := &providertest.Logs{}
	p, shim, _ := prompted(t, func(o *pkcs11.Options) { o.Logger = l.Logger() })
	err := unlock(t, p, "654321")
	providertest.Status(t, "unlock", err, wire.StatusBadState)
	mentions(t, err, "CKR_PIN_INCORRECT", "remembered and not sent again", "parsecctl provider unlock token")
	mentions(t, unlock(t, p, tokentest.PIN), "the PIN that was given last was wrong", "try again in")
	eventually(t, func() bool {
		err = unlock(t, p, "654321")
		return !strings.Contains(err.Error(), "given last was wrong")
	})
	mentions(t, err, "refused this PIN before", "remove ")
	if n := shim.Count("C_Login"); n != 1 {
		t.Errorf("%d logins", n)
	}
	if s := p.State(); s.Condition != providers.Locked {
		t.Errorf("state %+v", s)
	}
	eventually(t, func() bool { return unlock(t, p, tokentest.PIN) == nil })
	for _, secret := range []string{"654321", tokentest.PIN} {
		if strings.Contains(l.String(), secret) {
			t.Errorf("the log has a PIN:\n%s", l)
		}
	}
}

// TestLastTry: the last try is used only when that is said.
func TestLastTry(t *testing.T) {
	tokentest.New(t).Token("last")
	p, shim, _ := prompted(t, nil)
	shim.Set("C_GetTokenInfo flags 0x20000")
	err := unlock(t, p, tokentest.PIN)
	providertest.Status(t, "unlock", err, wire.StatusBadState)
	mentions(t, err, "only one try is left", "parsecctl provider unlock token --last-try")
	if n := shim.Count("C_Login"); n != 0 {
		t.Errorf("%d logins", n)
	}
	if _, err := p.Unlock(t.Context(), providers.UnlockOptions{PIN: []byte(tokentest.PIN), LastTry: true}); err != nil {
		t.Error(err)
	}
}

// TestPINPad: a token with a PIN pad is asked when a person says so, and never else.
func TestPINPad(t *testing.T) {
	tokentest.New(t).Token("pad")
	p, shim, _ := prompted(t, nil)
	pad := providers.UnlockOptions{Pad: true}
	_, err := p.Unlock(t.Context(), pad)
	mentions(t, err, "it has no PIN pad")
	rules := []string{"C_GetTokenInfo flags 0x100", "C_Login pad " + tokentest.PIN}
	shim.Set(rules...)
	mentions(t, p.Connect(t.Context()), "parsecctl provider unlock token --pin-pad")
	if _, err := p.Unlock(t.Context(), pad); err != nil {
		t.Fatal(err)
	}
	key := providertest.Generate(t, p, p256)
	shim.Set(append(rules, "C_SignInit crash")...)
	if err := sign(t, p, key); err == nil {
		t.Error("signed")
	}
	shim.Set(rules...)
	eventually(t, func() bool { err = sign(t, p, key); return wire.StatusOf(err) == wire.StatusBadState })
	mentions(t, err, "must be typed on its PIN pad again", "--pin-pad")
	if n := shim.Count("PIN pad"); n != 1 {
		t.Errorf("the pad was asked %d times", n)
	}
}

// TestUnlockLifetime: the PIN is forgotten at the end of its time.
func TestUnlockLifetime(t *testing.T) {
	tokentest.New(t).Token("life")
	p, _, _ := prompted(t, func(o *pkcs11.Options) { o.Lifetime = 1500 * time.Millisecond })
	out, err := p.Unlock(t.Context(), providers.UnlockOptions{PIN: []byte(tokentest.PIN)})
	if err != nil || out.Until.IsZero() {
		t.Fatalf("%+v, %v", out, err)
	}
	providertest.Generate(t, p, p256)
	condition(t, p, providers.Locked)
	_, err = p.GenerateKey(t.Context(), p256)
	mentions(t, err, "locked until")
	if time.Now().Before(out.Until) {
		t.Error("it was forgotten too early")
	}
}

// TestUnlockIsForOneToken: another token in its place is not offered the PIN.
func TestUnlockIsForOneToken(t *testing.T) {
	h := tokentest.New(t)
	h.Token("one")
	p, shim, _ := prompted(t, nil)
	if err := unlock(t, p, tokentest.PIN); err != nil {
		t.Fatal(err)
	}
	logins := shim.Count("C_Login")
	h.Util("--delete-token", "--token", "one")
	h.Token("two")
	shim.Set("C_GenerateKeyPair crash") // the next helper sees the other token
	_, _ = p.GenerateKey(t.Context(), p256)
	shim.Set()
	var err error
	eventually(t, func() bool {
		_, err = p.GenerateKey(t.Context(), p256)
		return wire.StatusOf(err) == wire.StatusBadState
	})
	mentions(t, err, `token "two"`, "another token than the one that was unlocked")
	if n := shim.Count("C_Login") - logins; n != 0 {
		t.Errorf("the PIN was sent to the other token, %d times", n)
	}
}

// TestSharedLink: a second provider with the same settings, as during a reload, shares the
// login and the PIN; one with others does not.
func TestSharedLink(t *testing.T) {
	tokentest.New(t).Token("reload")
	first, shim, o := prompted(t, nil)
	if err := unlock(t, first, tokentest.PIN); err != nil {
		t.Fatal(err)
	}
	o.RefuseExport = true // not a matter of the link
	second := unconnected(t, o)
	if err := second.Connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(first.Close(), first.Close()); err != nil {
		t.Fatal(err)
	}
	providertest.Generate(t, second, p256)
	if n := shim.Count("C_Login"); n != 1 {
		t.Errorf("%d logins", n)
	}
	o.Sessions = 3
	other := unconnected(t, o)
	mentions(t, other.Connect(t.Context()), "locked until")
	_ = second.Close()
	o.Sessions = 0
	again := unconnected(t, o)
	mentions(t, again.Connect(t.Context()), "locked until")
}

// TestUnlockRefusals: what makes no sense is refused, and changes nothing.
func TestUnlockRefusals(t *testing.T) {
	tokentest.New(t).Token("refusals")
	configured := open(t, options(t))
	mentions(t, unlock(t, configured, tokentest.PIN), "not given by a person", "user_pin_prompt")
	mentions(t, configured.Lock(t.Context()), "not given by a person")
	p, shim, o := prompted(t, nil)
	for _, with := range []providers.UnlockOptions{{}, {PIN: []byte("1"), Pad: true}, {PIN: make([]byte, 2000)}} {
		_, err := p.Unlock(t.Context(), with)
		providertest.Status(t, "unlock", err, wire.StatusInvalidArgument)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Unlock(gone, providers.UnlockOptions{PIN: []byte(tokentest.PIN)}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if n := shim.Count("C_Login"); n != 0 {
		t.Errorf("%d logins", n)
	}
	o.PIN = pin("1")
	if _, err := pkcs11.New(t.Context(), o); err == nil {
		t.Error("two sources of the PIN")
	}
}

// TestHealing: a provider that started without token, library or PIN works when they come,
// without a request and without a PIN that is sent twice; the log has one record of each
// change.
func TestHealing(t *testing.T) {
	h := tokentest.New(t)
	l := &providertest.Logs{}
	shim := tokentest.NewShim(t)
	o := options(t)
	file := t.TempDir() + "/pin"
	o.Library, o.PIN, o.Logger, o.Name = shim.Library, pkcs11.PINFile(file), l.Logger(), "token"
	if err := os.WriteFile(file, []byte("000000\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := unconnected(t, o)
	mentions(t, p.Connect(t.Context()), "no token is initialised")
	condition(t, p, providers.Absent)
	h.Token("comes")
	condition(t, p, providers.Refused)
	mentions(t, p.Connect(t.Context()), "refused this PIN before")
	if n := shim.Count("C_Login"); n != 1 {
		t.Errorf("the wrong PIN was sent %d times", n)
	}
	if err := os.WriteFile(file, []byte(tokentest.PIN+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	condition(t, p, providers.Ready)
	providertest.Generate(t, p, p256)
	for _, change := range []string{"was=starting is=absent", "was=absent is=refused", "was=refused is=ready"} {
		if n := strings.Count(l.String(), change); n != 1 {
			t.Errorf("%d records of %s:\n%s", n, change, l)
		}
	}
}

// TestCloseWhileLibraryHangs: an attempt that hangs does not hold up the end.
func TestCloseWhileLibraryHangs(t *testing.T) {
	tokentest.New(t).Token("hang")
	shim := tokentest.NewShim(t)
	shim.Set("C_GetSlotList hang")
	o := options(t)
	o.Library = shim.Library
	p := unconnected(t, o)
	impatient, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := p.Connect(impatient); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if s := p.State(); s.Condition != providers.Starting {
		t.Errorf("%+v", s)
	}
	begun := time.Now()
	if err := p.Close(); err != nil || time.Since(begun) > 30*time.Second {
		t.Errorf("%v after %v", err, time.Since(begun))
	}
}
