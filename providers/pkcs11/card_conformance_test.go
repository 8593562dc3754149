package pkcs11_test

import (
	"crypto/x509"
	"slices"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/cardtest"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/tokentest"
	"github.com/seed-73b3884f/parsec-agent/providers/providertest"
)

// provision are the keys of the card: where a key of a kind lies, and what it is.
var provision = []struct {
	slot      cardtest.Slot
	algorithm cardtest.Algorithm
	usage     x509.KeyUsage
}{
	{cardtest.Authentication, cardtest.P256, x509.KeyUsageDigitalSignature},
	{cardtest.Signature, cardtest.RSA2048, x509.KeyUsageDigitalSignature},
	{cardtest.KeyManagement, cardtest.P256, x509.KeyUsageKeyAgreement},
	{cardtest.CardAuthentication, cardtest.P384, x509.KeyUsageDigitalSignature},
	{cardtest.Retired(1), cardtest.P384, x509.KeyUsageKeyAgreement},
	{cardtest.Retired(2), cardtest.RSA1024, x509.KeyUsageDigitalSignature},
	{cardtest.Retired(20), cardtest.RSA3072, x509.KeyUsageDigitalSignature},
}

// slotOf returns where the card has a key of a kind.
func slotOf(t *testing.T, a psa.Attributes) cardtest.Slot {
	t.Helper()
	type kind struct {
		rsa   bool
		bits  uint64
		agree bool
	}
	slot, ok := map[kind]cardtest.Slot{
		{false, 256, false}: cardtest.Authentication, {true, 2048, false}: cardtest.Signature,
		{false, 256, true}: cardtest.KeyManagement, {false, 384, false}: cardtest.CardAuthentication,
		{false, 384, true}: cardtest.Retired(1), {true, 1024, false}: cardtest.Retired(2), {true, 3072, false}: cardtest.Retired(20),
	}[kind{a.Type.RSA(), a.Bits, a.Alg.Kind.Agreement()}]
	if !ok {
		t.Fatalf("the card has no key for %s", providertest.Name(a))
	}
	return slot
}

// cardKey returns the key of a slot, whose CKA_ID the libraries do not agree on.
func cardKey(id byte, a psa.Attributes) providers.Key {
	return providers.Key{ID: providers.KeyID{id, 0, 0, 0}, Attributes: a}
}

// cardOptions are those for the only card of the pcscd of the test.
func cardOptions(tb testing.TB, library string) pkcs11.Options {
	tb.Helper()
	return pkcs11.Options{Library: library, PIN: pin(cardtest.PIN), Helper: tokentest.Helper(tb), StateDir: tb.TempDir()}
}

// insert starts pcscd and puts a card into its reader.
func insert(t *testing.T, reader string, c *cardtest.Card) (*cardtest.Reader, *cardtest.Daemon) {
	t.Helper()
	r := cardtest.NewReader(t)
	d := cardtest.Start(t, map[string]*cardtest.Reader{reader: r})
	r.Insert(0, c)
	c.Await(t)
	return r, d
}

// testCard runs the conformance suite on the keys of a card.
func testCard(t *testing.T, library, reader string, o cardtest.Options, id func(cardtest.Slot) byte, more ...string) {
	t.Helper()
	c := cardtest.New(o)
	for _, k := range provision {
		c.Put(t, k.slot, k.algorithm, k.usage)
	}
	insert(t, reader, c)
	newProvider := func(t *testing.T) providers.Provider { return open(t, cardOptions(t, library)) }
	providertest.Run(t, providertest.Config{
		New: newProvider,
		Reopen: func(t *testing.T, old providers.Provider) providers.Provider {
			if err := old.(*pkcs11.Provider).Close(); err != nil { //nolint:errcheck,forcetypeassert // New made it
				t.Fatal(err)
			}
			return newProvider(t)
		},
		Provision: func(t *testing.T, _ providers.Provider, a psa.Attributes) providers.Key {
			return cardKey(id(slotOf(t, a)), a)
		},
		Gaps:        append(slices.Clone(gaps), more...),
		RandomBytes: 20_000,
	})
	if n := c.Counts(); n.Refused != 0 || n.Operations == 0 {
		t.Errorf("the card counts %+v", n)
	}
}

func TestOpenSCConformance(t *testing.T) {
	testCard(t, cardtest.OpenSC(t), cardtest.AnyReader, cardtest.Options{}, cardtest.Slot.OpenSCID, cardGaps...)
}

// cardGaps are the kinds that PIV does not have besides those that SoftHSM2 lacks.
var cardGaps = []string{
	"ecc:secp-r1:192:ecdsa:sha256", "ecc:secp-r1:224:ecdsa:sha256", "ecc:secp-r1:521:ecdsa:sha256", "ecc:secp-r1:521:ecdh",
	"ecc:twisted-edwards:255:eddsa",
	"aes:128:gcm", "aes:192:gcm", "aes:256:gcm", "aes:128:gcm:12", "aes:256:ctr", "aes:256:ecb", "aes:256:cbc", "aes:256:cbc-pkcs7",
}

func TestYKCS11Conformance(t *testing.T) {
	// It knows RSA of 3072 bits on YubiKeys from firmware 5.7 only.
	testCard(t, cardtest.YKCS11(t), cardtest.YubiKeyReader, cardtest.Options{YubiKey: true}, cardtest.Slot.ID,
		append(slices.Clone(cardGaps), "rsa:3072:rsa-pkcs1:sha256")...)
}
