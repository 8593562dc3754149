package software_test

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/providertest"
	"github.com/seed-73b3884f/parsec-agent/providers/software"
	"github.com/seed-73b3884f/parsec-agent/providers/software/internal/vectortest"
)

// original lays down the key files of the original, with its mode, and returns the keys.
func original(t *testing.T, dir string) []providers.Key {
	t.Helper()
	var keys []providers.Key
	for _, v := range vectortest.Keys(t) {
		write(t, filepath.Join(dir, v.FileName), v.File, 0o644)
		keys = append(keys, providers.Key{ID: v.KeyID, Attributes: v.Attributes})
	}
	return keys
}

// sized returns the attributes with the size of the vector, which a row may leave out, so
// that the suite can generate peers.
func sized(key providers.Key) providers.Key {
	if key.Attributes.Bits == 0 && key.Attributes.Type == psa.KeyECCPair {
		key.Attributes.Bits = 384
	}
	return key
}

// TestOriginalKeys takes over a store of the original, uses every key, encrypts every
// key, uses it again, goes back, and finds every file as the original wrote it.
func TestOriginalKeys(t *testing.T) {
	dir := t.TempDir()
	keys := original(t, dir)
	vectors := vectortest.Keys(t)
	o := software.Options{KeyStorePath: dir, KnownIDs: ids(keys)}
	exercise := func() {
		t.Helper()
		p := open(t, o)
		for i, key := range keys {
			providertest.Exercise(t, p, sized(key))
			data, err := p.ExportKey(t.Context(), key)
			if err != nil || !bytes.Equal(data, vectors[i].Data) {
				t.Errorf("%s: exported %x, %v", vectors[i].Name, data, err)
			}
		}
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
	}
	protect := func(form providers.Protection) {
		t.Helper()
		p := open(t, o)
		for i, key := range keys {
			if err := p.Protect(t.Context(), key, form); err != nil {
				t.Fatalf("%s: %v", vectors[i].Name, err)
			}
			if got := read(t, fileOf(dir, key)); bytes.Contains(got, vectors[i].Data) != (form == providers.ProtectionCompatible) {
				t.Errorf("%s: stored as\n%x", vectors[i].Name, got)
			}
		}
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
	}
	exercise()
	protect(providers.ProtectionEncrypted)
	exercise()
	protect(providers.ProtectionCompatible)
	exercise()
	for _, v := range vectors {
		if got := read(t, filepath.Join(dir, v.FileName)); !bytes.Equal(got, v.File) {
			t.Errorf("%s: the file became\n%x, was\n%x", v.Name, got, v.File)
		}
	}
}

// TestCompatibleImport imports what was imported into the original and compares the files.
func TestCompatibleImport(t *testing.T) {
	dir := t.TempDir()
	p := open(t, software.Options{KeyStorePath: dir, Storage: providers.ProtectionCompatible})
	for _, v := range vectortest.Keys(t) {
		id, err := p.ImportKey(t.Context(), v.Attributes, v.Data)
		if err != nil {
			t.Errorf("%s: %v", v.Name, err)
			continue
		}
		if !bytes.Equal(id, v.KeyID) {
			t.Errorf("%s: id %x, the original gave %x", v.Name, id, v.KeyID)
		}
		if got := read(t, filepath.Join(dir, v.FileName)); !bytes.Equal(got, v.File) {
			t.Errorf("%s: wrote\n%x, the original\n%x", v.Name, got, v.File)
		}
	}
	if names := list(t, dir); len(names) != vectortest.Count {
		t.Errorf("the store holds %q", names)
	}
}

// TestRowDisagrees gives every key file to a row of another type or size.
func TestRowDisagrees(t *testing.T) {
	dir := t.TempDir()
	p := open(t, software.Options{KeyStorePath: dir})
	for _, key := range original(t, dir) {
		key.Attributes.Bits = 7
		_, err := p.ArchiveKey(t.Context(), key)
		providertest.Status(t, "another size", err, wire.StatusDataInvalid)
		key.Attributes = psa.Attributes{Type: psa.KeyARC4, Bits: 0}
		_, err = p.ExportKey(t.Context(), key)
		providertest.Status(t, "another type", err, wire.StatusDataInvalid)
		_, err = p.MACCompute(t.Context(), key, psa.Algorithm{Kind: psa.AlgCMAC}, nil)
		providertest.Status(t, "another type in use", err, wire.StatusDataInvalid)
	}
}

func ids(keys []providers.Key) []providers.KeyID {
	out := make([]providers.KeyID, len(keys))
	for i, key := range keys {
		out[i] = key.ID
	}
	return out
}
