package rootkey_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/providers/software/internal/rootkey"
)

// The vectors of docs/formats/root-key.md: the recovery key of the bytes 00 to 1f, and the
// root key of the other tests encrypted to it.
const (
	goldenText = "000GD-40R4X-0M300-E209K-185G3-R38ED-1W811-24GKZ-2GAH1-C5RR2-34D1B-P70XX-3RFPG"
	goldenCopy = "50415253454357000100000000000000e535f2ffd8439d1eb1eec466734bb0dba60697dafa9e6039555ffb3f592c7970b3b6628ee063a0ae0eb8e12fccb375b6f413df864bc8c323d300a15254ae7b05da75e28ba8af6e013e8e6b996476a2b685f7ba34b1fd4fd0a8350a7eda3ce2332f45c84027dd126f"
)

func parse(tb testing.TB, text string) *rootkey.RecoveryKey {
	tb.Helper()
	k, err := rootkey.ParseRecoveryKey([]byte(text))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(k.Wipe)
	return k
}

func TestGoldenRecovery(t *testing.T) {
	recovery := parse(t, goldenText)
	if got := string(recovery.Text()); got != goldenText {
		t.Errorf("%s", got)
	}
	file, err := hex.DecodeString(goldenCopy)
	if err != nil {
		t.Fatal(err)
	}
	k, err := rootkey.ParseCopy(file, recovery)
	if err != nil {
		t.Fatal(err)
	}
	defer k.Wipe()
	if k.ID() != newKey(t, secret).ID() {
		t.Error("another key")
	}
}

func TestRecoveryKeysDiffer(t *testing.T) {
	a, b := rootkey.NewRecoveryKey(), rootkey.NewRecoveryKey()
	if bytes.Equal(a.Text(), b.Text()) {
		t.Error("two new recovery keys are equal")
	}
	for range 100 {
		text := rootkey.NewRecoveryKey().Text()
		if again := parse(t, string(text)).Text(); !bytes.Equal(again, text) || len(text) != 77 {
			t.Fatalf("%s became %s", text, again)
		}
	}
}

// TestWrittenDown reads what people make of a recovery key, and finds their mistakes.
func TestWrittenDown(t *testing.T) {
	want := rootkey.NewRecoveryKey().Text()
	for _, same := range []string{
		strings.ToLower(string(want)), strings.ReplaceAll(string(want), "-", " "), strings.ReplaceAll(string(want), "-", ""),
		"  " + strings.ReplaceAll(string(want), "-", "\r\n") + "\n", strings.NewReplacer("0", "o", "1", "l").Replace(string(want)),
	} {
		if got := parse(t, same).Text(); !bytes.Equal(got, want) {
			t.Errorf("%q", same)
		}
	}
	const symbols = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	plain := bytes.ReplaceAll(want, []byte("-"), nil)
	for i := range plain {
		for _, s := range []byte(symbols) {
			bad := bytes.Clone(plain)
			if bad[i] == s {
				continue
			}
			bad[i] = s
			if _, err := rootkey.ParseRecoveryKey(bad); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("group %d of", i/5+1)) {
				t.Fatalf("symbol %d: %v", i, err)
			}
		}
		if i == 0 || plain[i] == plain[i-1] {
			continue
		}
		bad := bytes.Clone(plain)
		bad[i], bad[i-1] = bad[i-1], bad[i]
		if _, err := rootkey.ParseRecoveryKey(bad); err == nil {
			t.Fatalf("symbols %d and %d changed places", i-1, i)
		}
	}
	swapped := bytes.Clone(plain)
	copy(swapped, plain[5:10])
	copy(swapped[5:], plain[:5])
	if _, err := rootkey.ParseRecoveryKey(swapped); err == nil && !bytes.Equal(plain[:5], plain[5:10]) {
		t.Error("two groups changed places")
	}
	for text, reason := range map[string]string{
		"":                                "has 65 characters, this has 0",
		string(plain[:64]):                "this has 64",
		string(plain) + "0":               "this has 66",
		"U" + string(plain[1:]):           "another character is in group 1",
		string(bytes.Repeat(plain, 8)):    "bytes",
		"!" + strings.Repeat("0", 64):     "another character",
		string(plain[:60]) + "\xff\xff00": "group 13",
	} {
		if _, err := rootkey.ParseRecoveryKey([]byte(text)); !errors.Is(err, rootkey.ErrFormat) || !strings.Contains(err.Error(), reason) {
			t.Errorf("%d bytes: %v, want %q", len(text), err, reason)
		}
	}
}

func TestCopyTampered(t *testing.T) {
	k, recovery := newKey(t, secret), rootkey.NewRecoveryKey()
	b, err := k.MarshalCopy(recovery)
	if err != nil || len(b) != rootkey.CopySize {
		t.Fatal(len(b), err)
	}
	read, err := rootkey.ParseCopy(b, recovery)
	if err != nil || read.ID() != k.ID() {
		t.Fatal(err)
	}
	read.Wipe()
	if bytes.Contains(b, secret[:8]) {
		t.Error("the root key can be read")
	}
	for i := range len(b) * 8 {
		c := bytes.Clone(b)
		c[i/8] ^= 1 << (i % 8)
		if _, err := rootkey.ParseCopy(c, recovery); err == nil {
			t.Fatalf("bit %d", i)
		}
	}
	for n := range b {
		if _, err := rootkey.ParseCopy(b[:n], recovery); !errors.Is(err, rootkey.ErrFormat) {
			t.Fatalf("%d bytes: %v", n, err)
		}
	}
	if _, err := rootkey.ParseCopy(b, rootkey.NewRecoveryKey()); !errors.Is(err, rootkey.ErrWrongRecoveryKey) {
		t.Errorf("another recovery key: %v", err)
	}
}

func TestRecoveryKeyIsNeverPrinted(t *testing.T) {
	k := rootkey.NewRecoveryKey()
	text := string(k.Text())
	var out bytes.Buffer
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "key", k)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d", "%q"} {
		fmt.Fprintf(&out, verb, k)
		fmt.Fprintf(&out, verb, struct{ K *rootkey.RecoveryKey }{k})
	}
	if _, err := json.Marshal(k); err == nil {
		t.Error("a recovery key was marshalled")
	}
	_, err := rootkey.ParseRecoveryKey([]byte("0" + text[1:5] + "U"))
	fmt.Fprint(&out, k.String(), k.GoString(), err)
	for group := range strings.SplitSeq(text, "-") {
		if strings.Contains(out.String(), group) {
			t.Errorf("%s occurs in %s", group, out.String())
		}
	}
}

func FuzzParseRecoveryKey(f *testing.F) {
	f.Add([]byte(goldenText))
	f.Add([]byte(strings.ToLower(goldenText)))
	f.Fuzz(func(t *testing.T, b []byte) {
		k, err := rootkey.ParseRecoveryKey(b)
		if err != nil {
			if !errors.Is(err, rootkey.ErrFormat) {
				t.Fatal(err)
			}
			return
		}
		again, err := rootkey.ParseRecoveryKey(k.Text())
		if err != nil || !bytes.Equal(again.Text(), k.Text()) {
			t.Fatal("read and written differ")
		}
	})
}

func FuzzParseCopy(f *testing.F) {
	file, err := hex.DecodeString(goldenCopy)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(file)
	recovery := parse(f, goldenText)
	f.Fuzz(func(t *testing.T, b []byte) {
		k, err := rootkey.ParseCopy(b, recovery)
		if err != nil {
			return
		}
		defer k.Wipe()
		if !bytes.Equal(b, file) {
			t.Fatal("another copy opens")
		}
	})
}
