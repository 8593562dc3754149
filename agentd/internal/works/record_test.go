package works

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

func golden(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "v1-failed.json"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func examples() map[string]*record {
	open := record{
		Version: 1, ID: "00112233445566778899aabbccddeeff", Kind: KindGreet, Key: "k", Subject: "the invitation of bob@acme.example.com to Acme",
		Device: "ffeeddccbbaa99887766554433221100", Begun: 1_700_000_000_000, Deadline: 1_700_086_400_000,
	}
	failed, done := open, open
	failed.Ended = 1_700_000_060_000
	failed.Failure = failure(&wire.Error{Status: wire.StatusBadState, Object: "o", Reason: "it was cancelled", Remedy: "begin it again", Reference: "0a"}, true)
	done.Ended = 1_700_000_060_000
	done.Result = &Result{
		Server: "parsec3://example.com", Organization: "Acme", Fingerprint: "00ff", User: strings.Repeat("1", 32), Device: strings.Repeat("2", 32),
		Name: "Bob", Email: "bob@acme.example.com", Label: "laptop", Profile: "STANDARD", Replaced: strings.Repeat("3", 32),
	}
	return map[string]*record{"v1-open.json": &open, "v1-failed.json": &failed, "v1-done.json": &done}
}

// TestGolden: records of the past are read for ever, and written the same. UPDATE_GOLDEN=1 writes them.
func TestGolden(t *testing.T) {
	for name, r := range examples() {
		path := filepath.Join("testdata", name)
		want, err := r.encode()
		if err != nil {
			t.Fatal(err)
		}
		if os.Getenv("UPDATE_GOLDEN") != "" {
			if err := os.WriteFile(path, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(path)
		if err != nil || string(got) != string(want) {
			t.Errorf("%s: %v\n%s\nwant\n%s", name, err, got, want)
		}
		if _, err := decodeRecord(got); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRecordIsRefused(t *testing.T) {
	good := string(golden(t))
	for what, bad := range map[string]string{
		"nothing":        "",
		"a version":      strings.Replace(good, `"version": 1`, `"version": 2`, 1),
		"an id":          strings.Replace(good, "00112233", "0011223", 1),
		"a kind":         strings.Replace(good, `"greet"`, `"eat"`, 1),
		"a field":        strings.Replace(good, `"key"`, `"lock"`, 1),
		"a second value": good + "{}",
		"no reason":      strings.Replace(good, "it was cancelled", "", 1),
		"not ended":      strings.Replace(good, `"ended": 1700000060000,`, "", 1),
		"not UTF-8":      strings.Replace(good, "bob", "b\xffb", 1),
		"too large":      strings.Repeat(" ", maxRecord) + good,
	} {
		if bad == good {
			t.Fatalf("%s: nothing was changed", what)
		}
		if r, err := decodeRecord([]byte(bad)); !errors.Is(err, errRecord) {
			t.Errorf("%s: %v, %v", what, r, err)
		}
	}
}

func TestTextsAreCut(t *testing.T) {
	long := strings.Repeat("é", maxText)
	f := failure(&wire.Error{Status: wire.StatusBadState, Object: long, Reason: long, Remedy: long, Reference: long}, false)
	r := record{
		Version: 1, ID: newID(), Kind: KindClaim, Key: "k", Subject: cut(long), Begun: 1, Deadline: 1, Ended: 1, Failure: f,
	}
	b, err := r.encode()
	if err != nil || len(f.Reason) != maxText {
		t.Fatal(len(f.Reason), err)
	}
	if _, err := decodeRecord(b); err != nil {
		t.Error(err)
	}
}

// FuzzRecord: what is read as a record is written as one that says the same.
func FuzzRecord(f *testing.F) {
	for name := range examples() {
		b, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := decodeRecord(b)
		if err != nil {
			if !errors.Is(err, errRecord) {
				t.Fatal(err)
			}
			return
		}
		once, err := r.encode()
		if err != nil {
			return // larger than what is written
		}
		again, err := decodeRecord(once)
		if err != nil {
			t.Fatal(err)
		}
		twice, err := again.encode()
		if err != nil || string(once) != string(twice) {
			t.Fatalf("%s\nbecomes\n%s, %v", once, twice, err)
		}
	})
}
