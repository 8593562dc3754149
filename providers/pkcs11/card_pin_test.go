package pkcs11_test

import (
	"crypto/x509"
	"os/exec"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/cardtest"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/tokentest"
	"github.com/seed-73b3884f/parsec-agent/providers/providertest"
)

// TestCardWrongPIN: a service that is started again and again with a wrong PIN costs the
// card one try, with either library.
func TestCardWrongPIN(t *testing.T) {
	for name, c := range map[string]struct {
		library, reader string
		options         cardtest.Options
	}{
		"opensc": {cardtest.OpenSC(t), cardtest.AnyReader, cardtest.Options{}},
		"ykcs11": {cardtest.YKCS11(t), cardtest.YubiKeyReader, cardtest.Options{YubiKey: true}},
	} {
		t.Run(name, func(t *testing.T) {
			card := signer(t, c.options)
			insert(t, c.reader, card)
			o := cardOptions(t, c.library)
			o.PIN = pin("654321")
			for range 20 {
				_, err := pkcs11.Open(t.Context(), o)
				providertest.Status(t, "open", err, wire.StatusBadState)
				mentions(t, err, "CKR_PIN_INCORRECT", "correct user_pin")
			}
			if n := card.Counts(); n.Refused != 1 || card.Tries() != 2 {
				t.Errorf("the card counts %+v and has %d tries left", n, card.Tries())
			}
			o.PIN = pin(cardtest.PIN)
			if err := sign(t, open(t, o), cardKey(1, p256)); err != nil {
				t.Error(err)
			}
		})
	}
}

// verify says a PIN to the card as another program would.
func verify(t *testing.T, secret string, ok bool) {
	t.Helper()
	tokentest.Need(t, "opensc", "pkcs11-tool")
	out, err := exec.CommandContext(t.Context(), "pkcs11-tool", "--module", cardtest.OpenSC(t), "--login", "--pin", secret, "--list-objects").CombinedOutput()
	if (err == nil) != ok {
		t.Fatalf("pkcs11-tool: %v\n%s", err, out)
	}
}

// TestCardLastTry: with one try left not even the right PIN is sent; when somebody has used
// it himself, service goes on.
func TestCardLastTry(t *testing.T) {
	card := signer(t, cardtest.Options{})
	insert(t, cardtest.AnyReader, card)
	verify(t, "000001", false)
	verify(t, "000002", false)
	before := card.Counts()
	o := cardOptions(t, cardtest.OpenSC(t))
	_, err := pkcs11.Open(t.Context(), o)
	providertest.Status(t, "open", err, wire.StatusBadState)
	mentions(t, err, "only one try is left", "log in with the right PIN yourself")
	if n := card.Counts(); n.Verified != before.Verified || n.Refused != before.Refused {
		t.Errorf("a PIN was sent: %+v, before %+v", n, before)
	}
	verify(t, cardtest.PIN, true)
	p := open(t, o)
	if err := sign(t, p, cardKey(1, p256)); err != nil {
		t.Error(err)
	}
	if err := p.Close(); err != nil { // or the next one would share its login
		t.Error(err)
	}
	verify(t, "000001", false)
	verify(t, "000002", false)
	verify(t, "000003", false)
	_, err = pkcs11.Open(t.Context(), o)
	mentions(t, err, "locked", "PUK")
}

// changingPIN is a PIN that the test changes.
type changingPIN struct{ now string }

func (p *changingPIN) Use(f func([]byte) error) error { return f([]byte(p.now)) }

// TestCardAlwaysAuthenticate: a key that wants the PIN for each use gets it each time, with
// all algorithms; a PIN that was changed meanwhile costs one try, and works again when it is
// configured.
func TestCardAlwaysAuthenticate(t *testing.T) {
	card := cardtest.New(cardtest.Options{})
	card.Put(t, cardtest.Authentication, cardtest.P256, x509.KeyUsageDigitalSignature)
	card.Put(t, cardtest.Signature, cardtest.P384, x509.KeyUsageDigitalSignature)
	insert(t, cardtest.AnyReader, card)
	secret := &changingPIN{cardtest.PIN}
	o := cardOptions(t, cardtest.OpenSC(t))
	o.PIN = secret
	p := open(t, o)
	p384 := p256
	p384.Bits, p384.Alg = 384, psa.Algorithm{Kind: psa.AlgECDSA, Hash: psa.HashSHA384}
	key := cardKey(2, p384)
	before := card.Counts()
	providertest.Exercise(t, p, key)
	providertest.Exercise(t, p, key)
	if n := card.Counts(); n.Verified-before.Verified < n.Operations-before.Operations {
		t.Errorf("%d operations, %d PINs", n.Operations-before.Operations, n.Verified-before.Verified)
	}
	untouched(t, card)

	card.ChangePIN("567890")
	for range 5 {
		_, err := p.SignHash(t.Context(), key, p384.Alg, make([]byte, 48))
		providertest.Status(t, "sign with the PIN of before", err, wire.StatusBadState)
	}
	if n := card.Counts(); n.Refused != 1 {
		t.Errorf("the card counts %+v", n)
	}
	secret.now = "567890"
	if _, err := p.SignHash(t.Context(), key, p384.Alg, make([]byte, 48)); err != nil {
		t.Errorf("with the new PIN: %v", err)
	}
	if n := card.Counts(); n.Refused != 1 {
		t.Errorf("the card counts %+v", n)
	}
}

// TestCardAlwaysAuthenticateWithTypedPIN: the PIN that a person gave serves such a key too,
// also when the card was away and the request has to log in first, until it is forgotten.
func TestCardAlwaysAuthenticateWithTypedPIN(t *testing.T) {
	card := signer(t, cardtest.Options{})
	reader, _ := insert(t, cardtest.AnyReader, card)
	o := cardOptions(t, cardtest.OpenSC(t))
	o.PIN, o.Prompt = nil, true
	p := unconnected(t, o)
	key := cardKey(2, p256)
	providertest.Status(t, "sign while it is locked", sign(t, p, key), wire.StatusBadState)
	if _, err := p.Unlock(t.Context(), providers.UnlockOptions{PIN: []byte(cardtest.PIN)}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := sign(t, p, key); err != nil {
			t.Fatal(err)
		}
	}
	reader.Remove(0)
	eventually(t, func() bool { return sign(t, p, key) != nil })
	reader.Insert(0, card)
	eventually(t, func() bool { return sign(t, p, key) == nil })
	if err := p.Lock(t.Context()); err != nil {
		t.Fatal(err)
	}
	providertest.Status(t, "sign after the lock", sign(t, p, key), wire.StatusBadState)
	untouched(t, card)
}

// TestCardWithoutPIN: without a PIN what needs none works, and the rest says what it needs.
func TestCardWithoutPIN(t *testing.T) {
	card := signer(t, cardtest.Options{})
	insert(t, cardtest.AnyReader, card)
	o := cardOptions(t, cardtest.OpenSC(t))
	o.PIN = nil
	p := open(t, o)
	providertest.Exercise(t, p, cardKey(4, p256))
	for _, id := range []byte{1, 2} {
		if _, err := p.ExportPublicKey(t.Context(), cardKey(id, p256)); err != nil {
			t.Errorf("export the public half of key %d: %v", id, err)
		}
		if err := sign(t, p, cardKey(id, p256)); err == nil {
			t.Errorf("key %d signs without a PIN", id)
		} else {
			mentions(t, err, "user_pin")
		}
	}
	if n := card.Counts(); n.Refused != 0 || n.Verified != 0 {
		t.Errorf("the card counts %+v", n)
	}
}
