package pkcs11_test

import (
	"crypto/x509"
	"slices"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/cardtest"
)

const (
	// recovery is how long after its return a card may be without service.
	recovery = time.Second
	// pcscdPoll is how often pcscd looks for a card in a reader that does not tell. It sees
	// a card that is back only after it has seen that it was gone.
	pcscdPoll = 400 * time.Millisecond
)

// signer makes a card with keys for signatures: with the PIN once, without, with the PIN
// each time.
func signer(t *testing.T, o cardtest.Options) *cardtest.Card {
	t.Helper()
	c := cardtest.New(o)
	for _, slot := range []cardtest.Slot{cardtest.Authentication, cardtest.CardAuthentication, cardtest.Signature} {
		c.Put(t, slot, cardtest.P256, x509.KeyUsageDigitalSignature)
	}
	return c
}

// removals takes the card out at random times and puts it in again while clients sign, and
// returns how long after each return service came back, the shortest time first. Requests that
// fail while the card is there, and failures that do not say what is the matter, are errors.
func removals(t *testing.T, library, name string, c *cardtest.Card, rounds int) []time.Duration {
	t.Helper()
	random := dice(t)
	reader, _ := insert(t, name, c)
	l := press(t, open(t, cardOptions(t, library)), 8, cardKey(1, p256), cardKey(1, p256), cardKey(4, p256), cardKey(2, p256))
	var took []time.Duration
	for range rounds {
		l.success(t)
		pause(t.Context(), time.Duration(random.IntN(300))*time.Millisecond)
		from := time.Now()
		reader.Remove(0)
		pause(t.Context(), time.Duration(random.IntN(1200))*time.Millisecond)
		reader.Insert(0, c)
		back := time.Now()
		if noticed := from.Add(pcscdPoll); noticed.After(back) {
			back = noticed
		}
		took = append(took, l.absence(t, from, back))
	}
	l.check(t)
	if n := l.precise(); n == 0 {
		t.Errorf("none of %d failures says that the token is absent", len(l.failed))
	}
	untouched(t, c)
	slices.Sort(took)
	t.Logf("service was back after %v (median), %v (maximum)", took[len(took)/2], took[len(took)-1])
	return took
}

func TestCardRemovals(t *testing.T) {
	took := removals(t, cardtest.OpenSC(t), cardtest.AnyReader, signer(t, cardtest.Options{}), rounds(20, 200))
	// The machine may be busy with other tests, and then some are late.
	late := took[len(took)/2]
	if rounds(0, 1) == 1 {
		late = took[len(took)*95/100]
	}
	if late > recovery {
		t.Errorf("it took %v", took)
	}
}

// TestYubiKeyRemovals: ykcs11 holds on to a card that was away, and sometimes has to be loaded
// anew, which takes longer than a second.
func TestYubiKeyRemovals(t *testing.T) {
	removals(t, cardtest.YKCS11(t), cardtest.YubiKeyReader, signer(t, cardtest.Options{YubiKey: true}), rounds(5, 50))
}

// untouched checks that no wrong PIN was ever said to the card.
func untouched(t *testing.T, c *cardtest.Card) {
	t.Helper()
	if n := c.Counts(); n.Refused != 0 || c.Tries() != 3 {
		t.Errorf("the card counts %+v and has %d tries left", n, c.Tries())
	}
}
