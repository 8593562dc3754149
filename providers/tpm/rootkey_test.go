package tpm_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/providers/providertest"
	"github.com/seed-73b3884f/parsec-agent/providers/software"
	"github.com/seed-73b3884f/parsec-agent/providers/tpm"
	"github.com/seed-73b3884f/parsec-agent/providers/tpm/tpmtest"
)

// TestSealedRootKey keeps software keys under a root key that only the TPM opens.
func TestSealedRootKey(t *testing.T) {
	dir := t.TempDir()
	p := open(t, tpm.Options{TCTI: tpmtest.Start(t).TCTI()})
	source := tpm.SealedRootKey{Provider: p, Path: filepath.Join(dir, "sealed"), PCRs: []uint{7}}
	if _, err := source.Load(t.Context()); !errors.Is(err, software.ErrNoRootKey) {
		t.Errorf("before there is one: %v", err)
	}
	start := func(source software.RootKeySource) (*software.Provider, error) {
		return software.Open(t.Context(), software.Options{KeyStorePath: filepath.Join(dir, "keys"), RootKey: source})
	}
	s, err := start(source)
	if err != nil {
		t.Fatal(err)
	}
	key := providertest.Generate(t, s, ecc(256))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err = start(source); err != nil {
		t.Fatal(err)
	}
	providertest.Exercise(t, s, key)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := source.Create(t.Context()); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a second root key: %v", err)
	}
	if st, err := os.Stat(source.Path); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", st, err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 2 {
		t.Errorf("%v, %v", entries, err)
	}
	stranger := source
	stranger.Provider = open(t, tpm.Options{TCTI: tpmtest.Start(t).TCTI()})
	if s, err := start(stranger); err == nil {
		if _, err = s.ExportKey(t.Context(), key); err == nil {
			t.Error("another TPM opens the root key")
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}
