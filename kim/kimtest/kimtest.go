// Package kimtest is the suite that every key info manager passes. What a store may do
// differently from another is declared in its Config; nothing is skipped.
//
// Tests of failing disks mount small file systems and need root; without it they are
// skipped on a developer's machine and fail under CI (environment variable CI). The crash
// test runs the test binary again as a child and kills it; PARSEC_SOAK makes it long.
package kimtest

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-73b3884f/parsec-agent/kim"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// Config describes the store under test.
type Config struct {
	// Open opens the store whose files lie in dir, which exists, creating it when it is
	// not there yet.
	Open func(tb testing.TB, dir string) (kim.Store, error)
	// ComparesProvider says that one owner may have one name once for each provider.
	ComparesProvider bool
	// ComparesAuth says that applications of two authenticators are two owners.
	ComparesAuth bool
	// MaxName is the longest name in bytes, 0 for no limit; EmptyName allows none.
	MaxName   int
	EmptyName bool
}

// Run runs the suite.
func Run(t *testing.T, c Config) {
	if crashing(t, c) {
		return
	}
	for _, test := range []struct {
		name string
		run  func(*testing.T, Config)
	}{
		{"LifeCycle", testLifeCycle},
		{"Reservations", testReservations},
		{"Identity", testIdentity},
		{"Copies", testCopies},
		{"Names", testNames},
		{"Extended", testExtended},
		{"Adopted", testAdopted},
		{"Unsound", testUnsound},
		{"Persistence", testPersistence},
		{"Sharing", testSharing},
		{"OneWinner", testOneWinner},
		{"ManyWriters", testManyWriters},
		{"Cancelled", testCancelled},
		{"FullDisk", testFullDisk},
		{"ReadOnlyDisk", testReadOnlyDisk},
		{"Model", testModel},
		{"Crash", testCrash},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, c) })
	}
}

// The owners and providers of the tests. A store on disk is opened with the authenticator
// of Alice and with these providers.
var (
	Alice    = kim.Owner{Auth: wire.AuthUnixPeer, App: "1000"}
	Bob      = kim.Owner{Auth: wire.AuthUnixPeer, App: "1001"}
	Software = kim.Provider{
		ID: wire.ProviderMbedCrypto, UUID: kim.ProviderUUID(wire.ProviderMbedCrypto), Name: "mbed-crypto-provider",
	}
	Token = kim.Provider{ID: wire.ProviderPKCS11, UUID: kim.ProviderUUID(wire.ProviderPKCS11), Name: "pkcs11-provider"}
)

// Ed25519 are attributes that only the extended encoding has.
func Ed25519() psa.Attributes {
	return psa.Attributes{
		Type: psa.KeyECCPair, Curve: psa.CurveEdwards, Bits: 255,
		Usage: psa.UsageSignMessage | psa.UsageVerifyMessage, Alg: psa.Algorithm{Kind: psa.AlgPureEdDSA},
	}
}

// P256Key is an entry of Alice's for a key that the original knows.
func P256Key(name string) kim.Entry {
	return entry(Alice, psa.KeyName(name), "\x02\x00\x00\x00", P256())
}

// Same compares two values in all their parts.
func Same(tb testing.TB, what string, got, want any) {
	tb.Helper()
	if d := cmp.Diff(want, got); d != "" {
		tb.Errorf("%s (-want +got):\n%s", what, d)
	}
}

// P256 are attributes that the original knows.
func P256() psa.Attributes {
	return psa.Attributes{
		Type: psa.KeyECCPair, Curve: psa.CurveSECPR1, Bits: 256, Usage: (psa.UsageSignHash | psa.UsageVerifyHash).Expand(),
		Alg: psa.Algorithm{Kind: psa.AlgECDSA, Hash: psa.HashSHA256},
	}
}

func entry(owner kim.Owner, name psa.KeyName, keyID string, attrs psa.Attributes) kim.Entry {
	return kim.Entry{Owner: owner, Name: name, Provider: Software, KeyID: []byte(keyID), Attributes: attrs}
}

func open(t *testing.T, c Config, dir string) kim.Store {
	t.Helper()
	s, err := c.Open(t, dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func create(tb testing.TB, s kim.Store, e kim.Entry) {
	tb.Helper()
	if err := Create(tb, s, e); err != nil {
		tb.Fatalf("cannot create %.50q: %v", e.Name, err)
	}
}

// Create makes an entry in one go.
func Create(tb testing.TB, s kim.Store, e kim.Entry) error {
	tb.Helper()
	r, err := s.Reserve(e.Owner, e.Name, e.Provider)
	if err != nil {
		return err
	}
	defer r.Release()
	if e.Adopted {
		return r.Adopt(tb.Context(), e.KeyID, e.Attributes)
	}
	return r.Commit(tb.Context(), e.KeyID, e.Attributes)
}
