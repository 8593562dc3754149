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

// TestCardRemovals takes the card out at random times and puts it in again while clients
// sign.
func TestCardRemovals(t *testing.T) {
	random := dice(t)
	c := signer(t, cardtest.Options{})
	reader, _ := insert(t, cardtest.AnyReader, c)
	p := open(t, cardOptions(t, cardtest.OpenSC(t)))
	l := press(t, p, 8, cardKey(1, p256), cardKey(1, p256), cardKey(4, p256), cardKey(2, p256))
	var took []time.Duration
	for range rounds(20, 200) {
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
	slices.Sort(took)
	median, most := took[len(took)/2], took[len(took)-1]
	t.Logf("service was back after %v (median), %v (maximum)", median, most)
	// The machine may be busy with other tests; a soak has it for itself.
	if rounds(0, 1) == 1 && most > recovery || median > recovery {
		t.Errorf("it took %v", took)
	}
	if n := l.precise(); n < len(l.failed)*9/10 {
		t.Errorf("only %d of %d failures say that the token is absent", n, len(l.failed))
	}
	untouched(t, c)
}

// untouched checks that no wrong PIN was ever said to the card.
func untouched(t *testing.T, c *cardtest.Card) {
	t.Helper()
	if n := c.Counts(); n.Refused != 0 || c.Tries() != 3 {
		t.Errorf("the card counts %+v and has %d tries left", n, c.Tries())
	}
}
