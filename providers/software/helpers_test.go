package software_test

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"go.uber.org/goleak"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/software"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// open opens a provider that is closed when the test ends, if the test did not close it.
func open(tb testing.TB, o software.Options) *software.Provider {
	tb.Helper()
	p, err := software.Open(tb.Context(), o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = p.Close() })
	return p
}

var p256 = psa.Attributes{
	Type: psa.KeyECCPair, Curve: psa.CurveSECPR1, Bits: 256, Usage: psa.UsageAll,
	Alg: psa.Algorithm{Kind: psa.AlgECDSA, Hash: psa.HashSHA256},
}

func idOf(key providers.Key) uint32 { return binary.LittleEndian.Uint32(key.ID) }

func keyWith(id uint32) providers.Key {
	return providers.Key{ID: binary.LittleEndian.AppendUint32(nil, id), Attributes: p256}
}

// fileOf returns the path of a key's file.
func fileOf(dir string, key providers.Key) string {
	const digits = "0123456789abcdef"
	name := []byte("0000000000000000.psa_its")
	for i := range 8 {
		name[15-i] = digits[idOf(key)>>(4*i)&15]
	}
	return filepath.Join(dir, string(name))
}

func read(tb testing.TB, path string) []byte {
	tb.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func write(tb testing.TB, path string, b []byte, mode os.FileMode) {
	tb.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		tb.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		tb.Fatal(err)
	}
}

func list(tb testing.TB, dir string) []string {
	tb.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		tb.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	slices.Sort(names)
	return names
}
