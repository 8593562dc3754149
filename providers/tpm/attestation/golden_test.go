package attestation_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/providers/tpm/attestation"
)

var update = flag.Bool("update", false, "write the golden report anew")

func vector(tb testing.TB, name string) []byte {
	tb.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func options(tb testing.TB) attestation.Options {
	tb.Helper()
	authorities, err := attestation.ParseCertificates(vector(tb, "authorities.pem"))
	if err != nil {
		tb.Fatal(err)
	}
	return attestation.Options{
		Now: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC), Authorities: authorities, Nonce: []byte("nonce of the verifier"),
	}
}

// TestGoldenStatement judges a statement that a real TPM made once.
func TestGoldenStatement(t *testing.T) {
	b := vector(t, "statement.bin")
	r := attestation.Verify(b, options(t))
	got, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	if *update {
		if err := os.WriteFile(filepath.Join("testdata", "report.json"), got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want := vector(t, "report.json"); !bytes.Equal(got, want) {
		t.Errorf("the report is\n%s, want\n%s", got, want)
	}
	o := options(t)
	o.Known = r.AttestationKey
	if r := attestation.Verify(b, o); r.Verdict != attestation.Verified {
		t.Errorf("%s: %s", r.Verdict, r.Reason)
	}
	s, err := attestation.DecodeStatement(b)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := s.Encode(); err != nil || !bytes.Equal(again, b) {
		t.Errorf("decoded and encoded differ: %v", err)
	}
}

// The encodings of docs/formats/attestation.md.
const (
	goldenChallenge = "5041525345434143" + "0001" + "000102030405060708090a0b0c0d0e0f" + "0003aabbcc" + "0002ddee"
	goldenAnswer    = "5041525345434152" + "0001" + "000102030405060708090a0b0c0d0e0f" + "0020" +
		"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
)

func TestGoldenChallenge(t *testing.T) {
	id := attestation.ChallengeID{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
	c := &attestation.Challenge{ID: id, Credential: []byte{0xaa, 0xbb, 0xcc}, Secret: []byte{0xdd, 0xee}}
	if got := hex.EncodeToString(c.Encode()); got != goldenChallenge {
		t.Errorf("%s", got)
	}
	secret := make([]byte, 32)
	for i := range secret {
		secret[i] = byte(i)
	}
	a := &attestation.Answer{ID: id, Secret: secret}
	if got := hex.EncodeToString(a.Encode()); got != goldenAnswer {
		t.Errorf("%s", got)
	}
}

func unhex(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func TestOtherVersionsAndLengths(t *testing.T) {
	for what, f := range map[string]struct {
		good   []byte
		decode func([]byte) error
	}{
		"statement": {vector(t, "statement.bin"), func(b []byte) error { _, err := attestation.DecodeStatement(b); return err }},
		"challenge": {unhex(t, goldenChallenge), func(b []byte) error { _, err := attestation.DecodeChallenge(b); return err }},
		"answer":    {unhex(t, goldenAnswer), func(b []byte) error { _, err := attestation.DecodeAnswer(b); return err }},
	} {
		if err := f.decode(f.good); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		newer := bytes.Clone(f.good)
		newer[9] = 2
		for _, bad := range [][]byte{newer, append(bytes.Clone(f.good), 0), f.good[1:], nil, make([]byte, attestation.MaxStatement+1)} {
			if err := f.decode(bad); !errors.Is(err, attestation.ErrFormat) {
				t.Errorf("%s of %d bytes: %v", what, len(bad), err)
			}
		}
		for n := range f.good {
			if err := f.decode(f.good[:n]); !errors.Is(err, attestation.ErrFormat) {
				t.Errorf("%s, %d bytes: %v", what, n, err)
			}
		}
	}
}

// FuzzStatement judges anything: no panic, and what decodes has one encoding.
func FuzzStatement(f *testing.F) {
	f.Add(vector(f, "statement.bin"))
	f.Add([]byte("PARSECAS\x00\x01"))
	o := options(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		r := attestation.Verify(b, o)
		if r.Verdict == attestation.Verified {
			t.Fatal("verified without a challenge")
		}
		s, err := attestation.DecodeStatement(b)
		if err != nil {
			if r.Verdict != attestation.Refused || !errors.Is(err, attestation.ErrFormat) {
				t.Fatal(r.Verdict, err)
			}
			return
		}
		if again, err := s.Encode(); err != nil || !bytes.Equal(again, b) {
			t.Fatalf("read and written differ: %v", err)
		}
		_, _, _ = attestation.NewChallenge(b) // must not panic
	})
}

func FuzzChallenge(f *testing.F) {
	f.Add(unhex(f, goldenChallenge))
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, err := attestation.DecodeChallenge(b); err == nil && !bytes.Equal(c.Encode(), b) {
			t.Fatal("read and written differ")
		}
	})
}

func FuzzAnswer(f *testing.F) {
	f.Add(unhex(f, goldenAnswer))
	f.Fuzz(func(t *testing.T, b []byte) {
		if a, err := attestation.DecodeAnswer(b); err == nil && !bytes.Equal(a.Encode(), b) {
			t.Fatal("read and written differ")
		}
	})
}
