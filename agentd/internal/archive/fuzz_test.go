package archive

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/seed-73b3884f/parsec-agent/kim"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// FuzzRecord: a record has one encoding, and what is read could have been written.
func FuzzRecord(f *testing.F) {
	for _, r := range samples() {
		line, err := appendRecord(nil, &r)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(line)
	}
	f.Add([]byte(`{"record":"key"}`))
	f.Add([]byte(`,"material":"AAAA"}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		before := string(line)
		r, err := parseRecord(line)
		if string(line) != before {
			t.Error("the input was changed")
		}
		if err != nil {
			return
		}
		if err := r.check(); err != nil {
			t.Errorf("read, but not fit to be written: %v", err)
		}
		again, err := appendRecord(nil, r)
		if err != nil || string(again) != before {
			t.Errorf("read %q, written %q, %v", before, again, err)
		}
	})
}

// FuzzLines: a stream that is accepted is what a writer makes of its records. With end, the
// lines get a right end first, which mutation would never find.
func FuzzLines(f *testing.F) {
	withoutEnd := func(n int) string {
		lines := plain(f, samples()[:n])
		return lines[:strings.LastIndex(lines, "{\"record\":\"end\"")]
	}
	f.Add(plain(f, nil), false)
	f.Add(plain(f, samples()[:1])+"x", false)
	f.Add("", false)
	f.Add("\n\n", true)
	f.Add(withoutEnd(0), true)
	f.Add(withoutEnd(2), true)
	f.Fuzz(func(t *testing.T, lines string, end bool) {
		if end {
			keys, material := 0, 0
			for line := range strings.Lines(lines) {
				if strings.HasPrefix(line, `{"record":"key"`) {
					keys++
					if strings.Contains(line, materialField) {
						material++
					}
				}
			}
			lines = ended(keys, material, lines)
		}
		s, err := newScanner(strings.NewReader(lines))
		if err != nil {
			statusIsOurs(t, err)
			return
		}
		var buf bytes.Buffer
		p := plainWriter{}
		if err := p.begin(&buf, s.manifest); err != nil {
			t.Fatal(err)
		}
		for {
			rec, err := s.next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				statusIsOurs(t, err)
				return
			}
			if err := p.write(rec); err != nil {
				t.Fatalf("read, but not to be written: %v", err)
			}
		}
		if err := p.close(); err != nil {
			t.Fatal(err)
		}
		if buf.String() != lines {
			t.Errorf("read %q, written %q", lines, buf.String())
		}
	})
}

func statusIsOurs(t *testing.T, err error) {
	t.Helper()
	if s := wire.StatusOf(err); s != wire.StatusDataCorrupt && s != wire.StatusNotSupported {
		t.Errorf("status %d: %v", s, err)
	}
}

// Any records survive, in their order.
func TestAnyRecordsSurvive(t *testing.T) {
	attributes := rapid.SampledFrom([]psa.Attributes{
		{Type: psa.KeyAES, Bits: 128, Usage: psa.UsageEncrypt, Alg: psa.Algorithm{Kind: psa.AlgGCM, Truncated: true, Length: 12}},
		{Type: psa.KeyECCPair, Curve: psa.CurveMontgomery, Bits: 255, Usage: psa.UsageDerive, Alg: psa.Algorithm{
			Kind: psa.AlgECDH, KDF: psa.AlgHKDF, KDFHash: psa.HashSHA512,
		}},
		{Type: psa.KeyRawData, Bits: 1<<64 - 1, Usage: psa.UsageAll},
	})
	record := rapid.Custom(func(t *rapid.T) Record {
		id := wire.ProviderID(rapid.IntRange(0, 5).Draw(t, "provider"))
		r := Record{Entry: kim.Entry{
			Owner:      kim.Owner{Auth: wire.AuthType(rapid.IntRange(0, 4).Draw(t, "auth")), App: rapid.String().Draw(t, "app")},
			Name:       psa.KeyName(rapid.String().Draw(t, "name")),
			Provider:   kim.Provider{ID: id, UUID: kim.ProviderUUID(id), Name: rapid.String().Draw(t, "instance")},
			KeyID:      rapid.SliceOfN(rapid.Byte(), 0, 60).Draw(t, "key id"),
			Attributes: attributes.Draw(t, "attributes"),
		}}
		if rapid.Bool().Draw(t, "leaves") {
			r.Material = rapid.SliceOfN(rapid.Byte(), 1, 3000).Draw(t, "material")
		} else {
			r.Note = "cannot leave"
		}
		return r
	})
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOfNDistinct(record, 0, 12, func(r Record) [16]byte { return identity(&r) }).Draw(t, "records")
		var buf bytes.Buffer
		p := plainWriter{}
		err := p.begin(&buf, Manifest{Created: created})
		for i := range want {
			err = errors.Join(err, p.write(&want[i]))
		}
		if err := errors.Join(err, p.close()); err != nil {
			t.Fatal(err)
		}
		s, err := newScanner(thirds{&buf})
		if err != nil {
			t.Fatal(err)
		}
		got := []Record{}
		for {
			rec, err := s.next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, *rec)
		}
		if d := cmp.Diff(want, got, raw); d != "" {
			t.Error(d)
		}
	})
}

// thirds reads in pieces that fit no line.
type thirds struct{ r io.Reader }

func (h thirds) Read(p []byte) (int, error) { return h.r.Read(p[:max(1, len(p)/3)]) }

func BenchmarkWrite(b *testing.B) {
	records := samples()[:1]
	p := plainWriter{}
	if err := p.begin(io.Discard, Manifest{Created: created}); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		clear(p.seen)
		p.end = endLine{}
		if err := p.write(&records[0]); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRead(b *testing.B) {
	line, err := appendRecord(nil, &samples()[0])
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := parseRecord(line); err != nil {
			b.Fatal(err)
		}
	}
}
