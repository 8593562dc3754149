package pkcs11_test

import (
	"bytes"
	"os"
	"os/exec"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/cardtest"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/tokentest"
	"github.com/seed-73b3884f/parsec-agent/providers/providertest"
)

// TestCardHelperCrash: a helper that crashes under load is replaced, and no request notices.
func TestCardHelperCrash(t *testing.T) {
	c := signer(t, cardtest.Options{})
	insert(t, cardtest.AnyReader, c)
	for range rounds(1, 10) {
		o := cardOptions(t, cardtest.OpenSC(t))
		logged := &providertest.Logs{}
		o.Logger = logged.Logger()
		l := press(t, open(t, o), 8, cardKey(1, p256), cardKey(2, p256))
		for range 3 { // one that crashes more often in a row is left alone for a while
			// A request is repeated once: none shall meet two crashes.
			for range 3 * 8 {
				l.success(t)
			}
			if err := syscall.Kill(helperPID(t, logged), syscall.SIGSEGV); err != nil {
				t.Fatal(err)
			}
		}
		l.success(t)
		l.check(t)
		if len(l.failed) > 0 {
			t.Errorf("%d requests failed, the first one: %v", len(l.failed), l.failed[0].err)
		}
	}
	untouched(t, c)
}

// TestCardHelperHang: a helper that hangs is replaced after its time; the card in the other
// slot works meanwhile.
func TestCardHelperHang(t *testing.T) {
	one, two := signer(t, cardtest.Options{}), signer(t, cardtest.Options{})
	reader, _ := insert(t, cardtest.AnyReader, one)
	reader.Insert(1, two)
	two.Await(t)
	logged := &providertest.Logs{}
	o := cardOptions(t, cardtest.OpenSC(t))
	o.Logger, o.CallLimit, o.Token.Serial = logged.Logger(), 5*time.Second, one.Serial()
	hangs := open(t, o)
	other := cardOptions(t, cardtest.OpenSC(t))
	other.Token.Serial = two.Serial()
	l, works := press(t, hangs, 4, cardKey(1, p256)), press(t, open(t, other), 1, cardKey(1, p256))
	l.success(t)
	from, pid := time.Now(), helperPID(t, logged)
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	works.success(t)
	works.success(t)
	if again := helperPID(t, logged); again != pid {
		t.Errorf("the helper was replaced before the other card was used")
	}
	l.absence(t, from, from.Add(o.CallLimit))
	l.check(t)
	works.check(t)
	if len(works.failed) > 0 {
		t.Errorf("the other card failed: %v", works.failed[0].err)
	}
	untouched(t, one)
	untouched(t, two)
}

// TestCardDaemonRestart: pcscd ends and comes back under load.
func TestCardDaemonRestart(t *testing.T) {
	c := signer(t, cardtest.Options{})
	_, daemon := insert(t, cardtest.AnyReader, c)
	p := open(t, cardOptions(t, cardtest.OpenSC(t)))
	l := press(t, p, 8, cardKey(1, p256), cardKey(2, p256))
	var took []time.Duration
	for range rounds(3, 20) {
		l.success(t)
		from := time.Now()
		daemon.Stop()
		pause(t.Context(), 300*time.Millisecond)
		daemon.Start()
		took = append(took, l.absence(t, from, time.Now()))
	}
	l.check(t)
	slices.Sort(took)
	t.Logf("service was back after %v", took)
	if median := took[len(took)/2]; median > recovery {
		t.Errorf("it took %v", took)
	}
	untouched(t, c)
}

// TestCardCompetition: another program signs on the same card with a login of its own.
func TestCardCompetition(t *testing.T) {
	tokentest.Need(t, "opensc", "pkcs11-tool")
	c := signer(t, cardtest.Options{})
	insert(t, cardtest.AnyReader, c)
	library := cardtest.OpenSC(t)
	p := open(t, cardOptions(t, library))
	l := press(t, p, 4, cardKey(1, p256), cardKey(2, p256))
	l.success(t) // the others can be so quick that they leave the card to nobody
	var others sync.WaitGroup
	for _, id := range []string{"01", "02"} {
		others.Go(func() {
			for range rounds(5, 50) {
				cmd := exec.CommandContext(t.Context(), "pkcs11-tool", "--module", library, "--login", "--pin", cardtest.PIN,
					"--sign", "--mechanism", "ECDSA", "--id", id, "--input-file", "/dev/stdin", "--output-file", os.DevNull)
				cmd.Stdin = bytes.NewReader(make([]byte, 32))
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Errorf("pkcs11-tool: %v\n%s", err, out)
				}
			}
		})
	}
	others.Wait()
	l.success(t)
	l.check(t)
	if len(l.failed) > 0 {
		t.Errorf("%d requests failed, the first one: %v", len(l.failed), l.failed[0].err)
	}
	untouched(t, c)
}
