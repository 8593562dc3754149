package interop

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/agentd/agentdtest"
	"github.com/seed-73b3884f/parsec-agent/client"
	"github.com/seed-73b3884f/parsec-agent/kim"
	"github.com/seed-73b3884f/parsec-agent/kim/sqlite"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/cardtest"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/tokentest"
)

var cardKeys = psa.Attributes{
	Type: psa.KeyECCPair, Curve: psa.CurveSECPR1, Bits: 256, Usage: psa.UsageSignHash | psa.UsageVerifyHash,
	Alg: psa.Algorithm{Kind: psa.AlgECDSA, Hash: psa.HashSHA256},
}

// nameKeys enters keys of the card in the agent's key info manager: names for the caller,
// and the CKA_ID of each.
func nameKeys(t *testing.T, dir string, ids map[psa.KeyName]byte) {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(dir, "kim.sqlite3"))
	if err != nil {
		t.Fatal(err)
	}
	owner := kim.Owner{Auth: wire.AuthUnixPeer, App: strconv.Itoa(os.Getuid())}
	for name, id := range ids {
		r, err := store.Reserve(owner, name, kim.Provider{ID: wire.ProviderPKCS11, UUID: pkcs11.UUID, Name: pkcs11.DefaultName})
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Commit(t.Context(), []byte{id, 0, 0, 0}, cardKeys); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
}

// failure is a request that failed, with when it was made.
type failure struct {
	from, to time.Time
	err      error
}

// TestCardThroughTheSocket: eight clients of the agent sign with keys of a card that comes
// and goes. What fails while it is away says so; nothing fails while it is there.
func TestCardThroughTheSocket(t *testing.T) {
	card := cardtest.New(cardtest.Options{})
	card.Put(t, cardtest.Authentication, cardtest.P256, x509.KeyUsageDigitalSignature)
	card.Put(t, cardtest.Signature, cardtest.P256, x509.KeyUsageDigitalSignature)
	reader := cardtest.NewReader(t)
	daemon := cardtest.Start(t, map[string]*cardtest.Reader{cardtest.AnyReader: reader})
	reader.Insert(0, card)
	card.Await(t)
	dir := agentdtest.Dir(t)
	nameKeys(t, dir, map[psa.KeyName]byte{"once": 1, "always": 2})
	a := agentdtest.Start(t, agentdtest.Options{
		Dir: dir, Env: []string{daemon.Env(), pkcs11.HelperVariable + "=" + tokentest.Helper(t)},
		Config: agentdtest.Config(dir) + fmt.Sprintf("[[provider]]\nprovider_type = \"Pkcs11\"\nkey_info_manager = \"sqlite\"\nlibrary_path = %q\nuser_pin = \"str:%s\"\n",
			cardtest.OpenSC(t), cardtest.PIN),
	})
	provider := wire.ProviderPKCS11
	c, err := client.Dial(t.Context(), client.Options{Endpoint: a.Socket, Provider: &provider})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })

	ctx, stop := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	failures, done := make(chan failure, 1<<16), make(chan struct{}, 1<<20)
	for n := range 8 {
		name := []psa.KeyName{"once", "always"}[n%2]
		clients.Go(func() {
			for ctx.Err() == nil {
				from := time.Now()
				if _, err := c.SignHash(ctx, name, cardKeys.Alg, make([]byte, 32)); err == nil {
					done <- struct{}{}
				} else if ctx.Err() == nil {
					failures <- failure{from, time.Now(), err}
				}
			}
		})
	}
	var absences [][2]time.Time
	dice := rand.New(rand.NewPCG(seed(t), 0))
	for range rounds(5, 50) {
		next(t, done)
		from := time.Now()
		reader.Remove(0)
		time.Sleep(time.Duration(500+dice.IntN(500)) * time.Millisecond) // the time of absence
		for len(done) > 0 {
			<-done
		}
		reader.Insert(0, card)
		next(t, done)
		absences = append(absences, [2]time.Time{from, time.Now()})
	}
	stop()
	clients.Wait()
	close(failures)
	judge(t, failures, absences)
	if n := card.Counts(); n.Refused != 0 || card.Tries() != 3 {
		t.Errorf("the card counts %+v and has %d tries left", n, card.Tries())
	}
}

// next waits for a request that succeeds.
func next(t *testing.T, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		t.Fatal("no request succeeded in 30 s")
	}
}

// judge checks that failures lie in absences and that most say what to do.
func judge(t *testing.T, failures <-chan failure, absences [][2]time.Time) {
	t.Helper()
	all, precise := 0, 0
	for f := range failures {
		all++
		within := false
		for _, a := range absences {
			within = within || f.from.Before(a[1]) && a[0].Before(f.to)
		}
		if !within {
			t.Errorf("lost: %v", f.err)
		}
		if e, ok := errors.AsType[*wire.Error](f.err); ok && e.Status == wire.StatusHardwareFailure && strings.Contains(e.Reason, "no token is present") &&
			strings.HasPrefix(e.Remedy, "insert the token") {
			precise++
		}
	}
	t.Logf("%d failures, %d say that the card is absent", all, precise)
	if all == 0 || precise < all/2 {
		t.Errorf("%d of %d failures say that the card is absent", precise, all)
	}
}
