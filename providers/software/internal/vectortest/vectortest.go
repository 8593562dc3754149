// Package vectortest reads the keys that the original service wrote, testdata/parsec-kim.json,
// for the tests of the packages around it.
package vectortest

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/psa/psapb"
)

// Key is one key of the vectors.
type Key struct {
	Name string
	// KeyID is the id of the row, four bytes.
	KeyID []byte
	// Attributes are those of the row.
	Attributes psa.Attributes
	// FileName and File are the key file as the original wrote it.
	FileName string
	File     []byte
	// Data is what was imported.
	Data []byte
}

// Count is how many keys the vectors hold.
const Count = 27

// Keys returns all keys.
func Keys(tb testing.TB) []Key {
	tb.Helper()
	_, here, _, _ := runtime.Caller(0)
	b, err := os.ReadFile(filepath.Join(filepath.Dir(here), "../../../../testdata/parsec-kim.json"))
	if err != nil {
		tb.Fatal(err)
	}
	var file struct {
		Keys []struct {
			Name       string `json:"key_name"`
			Data       string `json:"key_data_hex"`
			Attributes string `json:"list_keys_attributes_hex"`
			Row        struct {
				KeyID string `json:"key_id_hex"`
			} `json:"sqlite_row"`
			FileName string `json:"psa_its_file"`
			File     string `json:"psa_its_hex"`
		} `json:"mbed_keys"`
	}
	if err := json.Unmarshal(b, &file); err != nil {
		tb.Fatal(err)
	}
	if len(file.Keys) != Count {
		tb.Fatalf("the vectors hold %d keys, not %d", len(file.Keys), Count)
	}
	keys := make([]Key, 0, Count)
	for _, k := range file.Keys {
		keys = append(keys, Key{
			Name: k.Name, KeyID: decode(tb, k.Row.KeyID), Attributes: attributes(tb, decode(tb, k.Attributes)),
			FileName: k.FileName, File: decode(tb, k.File), Data: decode(tb, k.Data),
		})
	}
	return keys
}

func attributes(tb testing.TB, b []byte) psa.Attributes {
	tb.Helper()
	var m psapb.KeyAttributes
	if err := psa.Unmarshal(b, &m); err != nil {
		tb.Fatal(err)
	}
	a, err := psa.DecodeAttributes(&m)
	if err != nil {
		tb.Fatal(err)
	}
	return a
}

func decode(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}
