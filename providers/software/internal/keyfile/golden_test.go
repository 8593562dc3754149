package keyfile_test

import (
	"bytes"
	_ "embed"
	"flag"
	"os"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/providers/software/internal/keyfile"
	"github.com/seed-73b3884f/parsec-agent/providers/software/internal/vectortest"
)

var update = flag.Bool("update", false, "write the golden file anew")

const goldenPath = "testdata/v1-key2-root01.psa_its"

// goldenFile is key 2 of the vectors, sealed under the root key of 32 bytes 01 by the
// first version. It must open for ever.
//
//go:embed testdata/v1-key2-root01.psa_its
var goldenFile []byte

func TestGolden(t *testing.T) {
	key, want := root(t, 1), vectortest.Keys(t)[0].File
	if *update {
		sealed, err := keyfile.Seal(key, 2, want)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(goldenPath, sealed, 0o600); err != nil {
			t.Fatal(err)
		}
		goldenFile = sealed
	}
	got, err := keyfile.Open(key, 2, goldenFile)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("opened %x, %v", got, err)
	}
}
