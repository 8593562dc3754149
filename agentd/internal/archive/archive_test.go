package archive

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/google/go-cmp/cmp"

	"github.com/seed-73b3884f/parsec-agent/kim"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

var update = flag.Bool("update", false, "write testdata/v1.age anew")

const passphrase = "correct horse battery staple"

var created = time.Date(2026, 7, 8, 9, 10, 11, 0, time.UTC)

func software(name string) kim.Provider {
	return kim.Provider{ID: wire.ProviderMbedCrypto, UUID: kim.ProviderUUID(wire.ProviderMbedCrypto), Name: name}
}

// samples are records of many shapes.
func samples() []Record {
	p256 := psa.Attributes{
		Type: psa.KeyECCPair, Curve: psa.CurveSECPR1, Bits: 256, Usage: psa.UsageSignHash.Expand(),
		Alg: psa.Algorithm{Kind: psa.AlgECDSA, Hash: psa.HashAny},
	}
	names := []psa.KeyName{
		"web/tls", "", "line\nfeed\x00nul", `","material":"AAAA"}`, `{"record":"end"`, "\u2028<&>ä漢\U0001f511", "\x7f\x01\\", "\ufffd",
	}
	records := make([]Record, 0, len(names)+4)
	for i, n := range names {
		records = append(records, Record{
			Entry:    kim.Entry{Owner: kim.Owner{Auth: wire.AuthUnixPeer, App: "1000"}, Name: n, Provider: software("mbed-crypto-provider"), KeyID: []byte{byte(i), 0, 0, 0}, Attributes: p256},
			Material: bytes.Repeat([]byte{byte(0xa0 + i)}, 32+i),
		})
	}
	tpm := kim.Provider{ID: wire.ProviderTPM, UUID: kim.ProviderUUID(wire.ProviderTPM), Name: "tpm"}
	return append(records,
		Record{ // the same name again, of others
			Entry:    kim.Entry{Owner: kim.Owner{Auth: wire.AuthJWTSVID, App: "spiffe://example.org/web"}, Name: "web/tls", Provider: software("mbed-crypto-provider"), KeyID: []byte{9, 0, 0, 0}, Attributes: p256},
			Material: Secret("m"),
		},
		Record{
			Entry:    kim.Entry{Owner: kim.Owner{Auth: wire.AuthUnixPeer, App: "1000"}, Name: "web/tls", Provider: software("second"), KeyID: []byte{9, 0, 0, 0}, Attributes: p256},
			Material: Secret("m"),
		},
		Record{ // no material, no key id, our own curve
			Entry: kim.Entry{Owner: kim.Owner{Auth: wire.AuthDirect, App: "app"}, Name: "ed", Provider: tpm, Attributes: psa.Attributes{
				Type: psa.KeyECCPair, Curve: psa.CurveEdwards, Bits: 255, Alg: psa.Algorithm{Kind: psa.AlgPureEdDSA},
			}},
			Note: "the key cannot leave its provider",
		},
		Record{
			Entry: kim.Entry{Owner: kim.Internal(), Name: "RootKeyTPM", Provider: tpm, KeyID: bytes.Repeat([]byte{7}, 42), Attributes: psa.Attributes{
				Type: psa.KeyRSAPublic, Bits: 2048,
			}},
			Note: "the key cannot leave its provider",
		},
	)
}

// write returns an archive of the records, made with little work.
func write(t testing.TB, records []Record) []byte {
	t.Helper()
	var buf bytes.Buffer
	w, err := NewWriter(t.Context(), &buf, WriterOptions{
		Passphrase: []byte(passphrase), AgentVersion: "1.2.3", Created: created, Keys: len(records), testOnlyWorkFactor: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range records {
		if err := w.Write(&records[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// open opens an archive that must be right.
func open(t testing.TB, archive []byte) *Reader {
	t.Helper()
	r, err := NewReader(t.Context(), bytes.NewReader(archive), []byte(passphrase))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// rest reads what is left.
func rest(t testing.TB, r *Reader) []Record {
	t.Helper()
	records := []Record{}
	for {
		rec, err := r.Next()
		if errors.Is(err, io.EOF) {
			return records
		}
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, *rec)
	}
}

// raw makes go-cmp look at material instead of its redaction.
var raw = cmp.Options{
	cmp.Transformer("material", func(s Secret) string { return string(s) }),
	cmp.Transformer("entry", func(r kim.Entry) any {
		return [...]any{r.Owner, r.Name, r.Provider, string(r.KeyID), r.Attributes}
	}),
}

func TestRoundTrip(t *testing.T) {
	want := samples()
	archive := write(t, want)
	r := open(t, archive)
	if d := cmp.Diff(Manifest{AgentVersion: "1.2.3", Created: created, Keys: len(want)}, r.Manifest()); d != "" {
		t.Error(d)
	}
	if r.Keys() != len(want) {
		t.Errorf("%d keys", r.Keys())
	}
	for range 2 {
		if d := cmp.Diff(want, rest(t, r), raw); d != "" {
			t.Error(d)
		}
		if _, err := r.Next(); !errors.Is(err, io.EOF) {
			t.Errorf("after the end: %v", err)
		}
		if err := r.Rewind(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.Next(); err != nil {
		t.Error(err)
	}
	if err := r.Rewind(); err != nil { // in the middle
		t.Error(err)
	}
	if d := cmp.Diff(want, rest(t, r), raw); d != "" {
		t.Error(d)
	}
	r.Close()
	if _, err := r.Next(); !errors.Is(err, errClosed) {
		t.Errorf("closed: %v", err)
	}
	if err := r.Rewind(); !errors.Is(err, errClosed) {
		t.Errorf("closed: %v", err)
	}
}

func TestEmptyArchive(t *testing.T) {
	if got := rest(t, open(t, write(t, nil))); len(got) != 0 {
		t.Errorf("%d records", len(got))
	}
}

func TestLargestRecord(t *testing.T) {
	r := samples()[0]
	r.Owner.App = strings.Repeat("\x01", MaxApp)
	r.Name = psa.KeyName(strings.Repeat("\x02", MaxName))
	r.KeyID = bytes.Repeat([]byte{3}, MaxKeyID)
	r.Material = bytes.Repeat([]byte{4}, MaxMaterial)
	want := []Record{r}
	if d := cmp.Diff(want, rest(t, open(t, write(t, want))), raw); d != "" {
		t.Error("the largest record does not survive")
	}
}

// What was written once opens for ever.
func TestGoldenArchive(t *testing.T) {
	const file = "testdata/v1.age"
	if *update {
		if err := os.WriteFile(file, write(t, samples()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	archive, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(samples(), rest(t, open(t, archive)), raw); d != "" {
		t.Error(d)
	}
}

// The default costs of an archive are those that the format document states, and age's own
// reader opens it.
func TestDefaultCost(t *testing.T) {
	var buf bytes.Buffer
	begin := time.Now()
	w, err := NewWriter(t.Context(), &buf, WriterOptions{Passphrase: []byte(passphrase)})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("derivation with work factor %d: %v", workFactor, time.Since(begin))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	header, _, _ := strings.Cut(buf.String(), "\n---")
	if lines := strings.Split(header, "\n"); !strings.HasPrefix(lines[1], "-> scrypt ") || !strings.HasSuffix(lines[1], " 17") {
		t.Errorf("header %q", header)
	}
	if m := open(t, buf.Bytes()).Manifest(); time.Since(m.Created) > time.Hour {
		t.Errorf("created %v", m.Created)
	}
}

func TestAnyAgeReaderOpensIt(t *testing.T) {
	id, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := age.Decrypt(bytes.NewReader(write(t, samples())), id)
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(plain)
	objects := []map[string]any{}
	for d.More() {
		var o map[string]any
		if err := d.Decode(&o); err != nil {
			t.Fatal(err)
		}
		objects = append(objects, o)
	}
	n := len(samples())
	if len(objects) != n+2 || objects[0]["format"] != format || objects[1]["name"] != "web/tls" || objects[n+1]["keys"] != float64(n) {
		t.Errorf("%d objects: first %v, last %v", len(objects), objects[0], objects[len(objects)-1])
	}
}

func TestPassphrase(t *testing.T) {
	archive := write(t, samples())
	for _, p := range []string{"wrong", passphrase + " ", strings.ToUpper(passphrase)} {
		if _, err := NewReader(t.Context(), bytes.NewReader(archive), []byte(p)); !errors.Is(err, ErrPassphrase) || wire.StatusOf(err) != wire.StatusNotPermitted {
			t.Errorf("%q: %v", p, err)
		}
	}
	for name, p := range map[string]string{"empty": "", "line": "a\nb", "return": "a\r", "NUL": "\x00", "long": strings.Repeat("a", MaxPassphrase+1)} {
		_, rerr := NewReader(t.Context(), bytes.NewReader(archive), []byte(p))
		_, werr := NewWriter(t.Context(), io.Discard, WriterOptions{Passphrase: []byte(p)})
		if wire.StatusOf(rerr) != wire.StatusInvalidArgument || wire.StatusOf(werr) != wire.StatusInvalidArgument {
			t.Errorf("%s: %v, %v", name, rerr, werr)
		}
	}
}

// One derivation at a time, and waiting for it can be given up.
func TestDerivationsAreOneAtATime(t *testing.T) {
	archive := write(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	err := derive(t.Context(), func() error {
		cancel()
		_, werr := NewWriter(ctx, io.Discard, WriterOptions{Passphrase: []byte(passphrase)})
		_, rerr := NewReader(ctx, bytes.NewReader(archive), []byte(passphrase))
		if !errors.Is(werr, context.Canceled) || !errors.Is(rerr, context.Canceled) {
			t.Errorf("%v, %v", werr, rerr)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	open(t, archive)
}

func TestSecretsAreNotPrinted(t *testing.T) {
	const secret = "TOPSECRETMATERIAL"
	r := Record{Entry: samples()[0].Entry, Material: Secret(secret)}
	var out strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		fmt.Fprintf(&out, verb+verb+verb, r, &r, r.Material)
	}
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(h).Info("x", "record", r, "pointer", &r, "material", r.Material)
	}
	if _, err := json.Marshal(r); err == nil {
		t.Error("JSON of a record")
	}
	for _, form := range []string{secret, fmt.Sprintf("%x", secret), fmt.Sprintf("%X", secret), "84 79 80 83", "VE9QU0VDUkVU"} {
		if strings.Contains(out.String(), form) {
			t.Errorf("printed as %s: %s", form, out.String())
		}
	}
}

func TestBuffersAreWiped(t *testing.T) {
	secret := bytes.Repeat([]byte("SECRET"), 3000) // more than one buffer
	records := samples()
	records[0].Material = secret
	coded := []byte("U0VDUkVU") // in base64
	var buf bytes.Buffer
	p := plainWriter{}
	if err := p.begin(&buf, Manifest{Created: created}); err != nil {
		t.Fatal(err)
	}
	for i := range records {
		if err := p.write(&records[i]); err != nil {
			t.Fatal(err)
		}
	}
	if bytes.Contains(p.line[:cap(p.line)], coded) {
		t.Error("the writer keeps a record")
	}
	if !bytes.Contains(records[0].Material, []byte("SECRET")) {
		t.Error("the writer took what is the caller's")
	}
	if err := p.close(); err != nil {
		t.Fatal(err)
	}
	s, err := newScanner(&buf)
	if err != nil {
		t.Fatal(err)
	}
	for {
		rec, err := s.next()
		if err != nil {
			break
		}
		if bytes.Contains(s.lines.buf[:s.lines.start], coded) {
			t.Error("the reader keeps a line")
		}
		rec.Wipe()
		if len(bytes.Trim(rec.Material, "\x00")) > 0 {
			t.Error("material is not wiped")
		}
	}
	s.lines.wipe()
	if bytes.Contains(s.lines.buf, coded) {
		t.Error("the reader keeps its buffer")
	}
}
