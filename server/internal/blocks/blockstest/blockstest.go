// Package blockstest is the suite that every block store passes. What a store may do
// differently from another is declared in its Config; nothing is skipped.
//
// The crash test runs the test binary again as a child and kills it; PARSEC_SOAK makes it
// long. PARSEC_SEED repeats a run of the random ones.
package blockstest

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Config describes the store under test.
type Config struct {
	// Place makes a new, empty place for a store and returns what Open is given, also in a
	// child process.
	Place func(t testing.TB) string
	// Open opens the store that is at a place.
	Open func(t testing.TB, place string) (blocks.Store, error)
	// Volatile says that what is stored does not outlive the store: the tests that open a
	// second one have nothing to see.
	Volatile bool
	// MayAllLose says that of several who create one id at once possibly none is
	// acknowledged, for the store has several parts.
	MayAllLose bool
	// Slow says that an operation takes so long that the random tests do fewer.
	Slow bool
}

// Run runs the suite.
func Run(t *testing.T, c Config) {
	if crashing(t, c) {
		return
	}
	for _, test := range []struct {
		name      string
		run       func(*testing.T, Config)
		restarted bool
	}{
		{name: "LifeCycle", run: testLifeCycle},
		{name: "Sizes", run: testSizes},
		{name: "Organizations", run: testOrganizations},
		{name: "NeverOverwritten", run: testNeverOverwritten},
		{name: "Copies", run: testCopies},
		{name: "Invalid", run: testInvalid},
		{name: "Cancelled", run: testCancelled},
		{name: "Pages", run: testPages},
		{name: "OneWinner", run: testOneWinner},
		{name: "SameContent", run: testSameContent},
		{name: "ManyWriters", run: testManyWriters},
		{name: "Model", run: testModel},
		{name: "Persistence", run: testPersistence, restarted: true},
		{name: "TwoStores", run: testTwoStores, restarted: true},
		{name: "Crash", run: testCrash, restarted: true},
	} {
		if !test.restarted || !c.Volatile {
			t.Run(test.name, func(t *testing.T) { test.run(t, c) })
		}
	}
}

// Org returns an organisation.
func Org(t testing.TB, name string) trust.OrganizationID {
	t.Helper()
	org, err := trust.NewOrganizationID(name)
	if err != nil {
		t.Fatal(err)
	}
	return org
}

// Content returns size bytes that follow from an id and a variant, so that a look tells
// whether a block is whole. They do not compress.
func Content(id trust.BlockID, variant byte, size int) []byte {
	sum := sha256.Sum256(append(id[:], variant))
	b := make([]byte, 0, size+len(sum))
	for len(b) < size {
		b = append(b, sum[:]...)
		sum = sha256.Sum256(sum[:])
	}
	return b[:size]
}

func open(t testing.TB, c Config, place string) blocks.Store {
	t.Helper()
	s, err := c.Open(t, place)
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

func is(t testing.TB, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}

func create(t testing.TB, s blocks.Store, org trust.OrganizationID, id trust.BlockID, data []byte) {
	t.Helper()
	if err := s.Create(t.Context(), org, id, data); err != nil {
		t.Fatalf("create %s of %d bytes: %v", id, len(data), err)
	}
}

func remove(t testing.TB, s blocks.Store, org trust.OrganizationID, id trust.BlockID) {
	t.Helper()
	if err := s.Delete(t.Context(), org, id); err != nil {
		t.Fatalf("delete %s: %v", id, err)
	}
}

func holds(t testing.TB, s blocks.Store, org trust.OrganizationID, id trust.BlockID, want []byte) {
	t.Helper()
	got, err := s.Read(t.Context(), org, id)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s in %s has %d bytes, %v; want %d", id, org, len(got), err, len(want))
	}
}

func absent(t testing.TB, s blocks.Store, org trust.OrganizationID, id trust.BlockID) {
	t.Helper()
	_, err := s.Read(t.Context(), org, id)
	is(t, "read what is absent", err, blocks.ErrNotFound)
}

// ids lists an organisation.
func ids(t testing.TB, s blocks.Store, org trust.OrganizationID) []trust.BlockID {
	t.Helper()
	all := []trust.BlockID{}
	for e, err := range blocks.All(t.Context(), s, org) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e.ID)
	}
	return all
}

// seed is PARSEC_SEED, or the time: it is printed, so that a finding can be repeated.
func seed(t testing.TB) uint64 {
	t.Helper()
	n := uint64(time.Now().UnixNano())
	if text := os.Getenv("PARSEC_SEED"); text != "" {
		var err error
		if n, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("PARSEC_SEED: %v", err)
		}
	}
	t.Logf("PARSEC_SEED=%d repeats this run", n)
	return n
}
