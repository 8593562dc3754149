package kimtest

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/kim"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// Row is one row of key_mapping as the original wrote it.
type Row struct {
	KeyName           string `json:"key_name"`
	AuthenticatorID   int64  `json:"authenticator_id"`
	ApplicationName   string `json:"application_name"`
	ProviderUUID      string `json:"provider_uuid"`
	ProviderName      string `json:"provider_name"`
	KeyID             Hex    `json:"key_id_hex"`
	KeyIDVersion      int64  `json:"key_id_version"`
	Attributes        Hex    `json:"key_attributes_hex"`
	AttributesVersion int64  `json:"key_attributes_version"`
}

// Vector is one key that the original stored: as a row and, for its software provider, as
// a file of the on-disk layout.
type Vector struct {
	Row
	File    string
	Content Hex
}

// Hex is a byte string that the vector file has in hexadecimal.
type Hex []byte

// UnmarshalText decodes hexadecimal digits.
func (h *Hex) UnmarshalText(text []byte) (err error) {
	*h, err = hex.DecodeString(string(text))
	return err
}

// Vectors returns the 32 keys of testdata/parsec-kim.json, and the tables of a database of
// the original's: columns and constraints by table name.
func Vectors(tb testing.TB) (vectors []Vector, tables map[string][]string) {
	tb.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", "testdata", "parsec-kim.json"))
	if err != nil {
		tb.Fatal(err)
	}
	var file struct {
		Mbed []struct {
			KeyName string `json:"key_name"`
			Row     Row    `json:"sqlite_row"`
			File    string `json:"ondisk_file"`
			Content Hex    `json:"ondisk_hex"`
		} `json:"mbed_keys"`
		Other  []Row               `json:"other_provider_sqlite_rows"`
		Tables map[string][]string `json:"sqlite_tables"`
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		tb.Fatal(err)
	}
	for _, k := range file.Mbed {
		k.Row.KeyName = k.KeyName
		vectors = append(vectors, Vector{Row: k.Row, File: k.File, Content: k.Content})
	}
	for _, r := range file.Other {
		vectors = append(vectors, Vector{Row: r})
	}
	if len(vectors) != 27+5 || len(file.Tables) != 2 {
		tb.Fatalf("the vector file has %d keys and %d tables", len(vectors), len(file.Tables))
	}
	return vectors, file.Tables
}

// Entry returns the entry that a row stands for.
func (r Row) Entry(tb testing.TB) kim.Entry {
	tb.Helper()
	attrs, n, err := kim.DecodeAttributes(r.Attributes)
	if err != nil || n != len(r.Attributes) {
		tb.Fatalf("%s: %d bytes: %v", r.KeyName, n, err)
	}
	return kim.Entry{
		Owner:    kim.Owner{Auth: wire.AuthType(r.AuthenticatorID), App: r.ApplicationName},
		Name:     psa.KeyName(r.KeyName),
		Provider: kim.Provider{ID: kim.ProviderByUUID(r.ProviderUUID), UUID: r.ProviderUUID, Name: r.ProviderName},
		KeyID:    r.KeyID, Attributes: attrs,
	}
}
