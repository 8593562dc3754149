package backup

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/server/pgtest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

func TestMain(m *testing.M) { pgtest.Exit(m.Run()) }

var update = flag.Bool("update", false, "write the golden backup anew")

const golden = "v1.backup"

// goldenRecords are what the golden backup has.
func goldenRecords(t testing.TB) []Record {
	t.Helper()
	at, err := trust.DateTimeFromMicros(1893456000000000)
	if err != nil {
		t.Fatal(err)
	}
	org, err := trust.NewOrganizationID("CoolOrg")
	if err != nil {
		t.Fatal(err)
	}
	id := trust.BlockID{}
	for i := range id {
		id[i] = byte(i)
	}
	other := id
	other[0] = 0xff
	block := &Block{Organization: org, ID: id, Size: 5}
	for i := range block.Sum {
		block.Sum[i] = byte(0xff - i)
	}
	return []Record{
		&Header{CreatedOn: at, Schema: 5, Program: "parsec-server 1.2.3", Blocks: true},
		&Table{Name: "agreement", Columns: []string{"name", "value"}},
		Row{"server key", []byte{1, 2, 3}},
		&Table{Name: "block", Columns: []string{"org", "id", "size", "gone"}},
		Row{int64(1), id[:], int64(5), nil},
		Row{int64(-1), []byte{}, int64(1 << 40), ""},
		&Table{Name: "empty", Columns: []string{"x"}},
		block,
		&Block{Organization: org, ID: other, Lost: true, Size: 7},
	}
}

func write(t testing.TB, records []Record) []byte {
	t.Helper()
	out := &bytes.Buffer{}
	w, err := NewWriter(out)
	for _, r := range records {
		err = errors.Join(err, w.Write(r))
	}
	if err := errors.Join(err, w.Finish()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// readAll reads a backup, and returns its records without the last one.
func readAll(content []byte) (all []Record, err error) {
	r, err := NewReader(bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	for {
		record, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		if _, end := record.(*End); !end {
			all = append(all, record)
		}
	}
}

// TestGolden: what was written once is read for ever, and is still written so.
func TestGolden(t *testing.T) {
	path, records := filepath.Join("testdata", golden), goldenRecords(t)
	if *update {
		if err := os.WriteFile(path, write(t, records), 0o600); err != nil {
			t.Fatal(err)
		}
		text, err := json.MarshalIndent(records, "", "\t")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path+".json", append(text, '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(content, write(t, records)) {
		t.Error("it is written otherwise")
	}
	if all, err := readAll(content); err != nil || !reflect.DeepEqual(all, records) {
		t.Errorf("it is read as %v, %v", all, err)
	}
}

// TestDamage: no byte of a backup can be another one, or be missing, or be too many.
func TestDamage(t *testing.T) {
	content := write(t, goldenRecords(t))
	for i := range content {
		for _, bit := range []byte{1, 0x80} {
			bad := bytes.Clone(content)
			bad[i] ^= bit
			if _, err := readAll(bad); !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrVersion) {
				t.Errorf("byte %d changed: %v", i, err)
			}
		}
		if _, err := readAll(content[:i]); !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrVersion) {
			t.Errorf("cut at byte %d: %v", i, err)
		}
	}
	if _, err := readAll(append(bytes.Clone(content), 0)); !errors.Is(err, ErrDamaged) {
		t.Errorf("a byte behind the end: %v", err)
	}
	for _, text := range []string{"parsec-server backup 2\n", "parsec-server key 1\n", "SQLite format 3\x00"} {
		if _, err := readAll(append([]byte(text), content[len(magic):]...)); !errors.Is(err, ErrVersion) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestOrder: records stand in the order of the format.
func TestOrder(t *testing.T) {
	records := goldenRecords(t)
	for name, bad := range map[string][]Record{
		"no header":       records[1:],
		"two headers":     append([]Record{records[0]}, records...),
		"only a header":   records[:1],
		"row before all":  {records[0], Row{}},
		"row after block": append(append([]Record{}, records...), Row{nil}),
		"values missing":  {records[0], records[1], Row{nil}},
		"no record":       {},
	} {
		if _, err := readAll(write(t, bad)); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := encode(Row{3.5}); err == nil {
		t.Error("a value of another type is written")
	}
	if _, err := encode(Row{make([]byte, maxRecord)}); err == nil {
		t.Error("a record that is too long is written")
	}
}

func FuzzReader(f *testing.F) {
	content := write(f, goldenRecords(f))
	f.Add(content)
	f.Add(content[:len(content)/2])
	f.Add([]byte(magic))
	f.Add(append([]byte(magic), 0xff, 0xff, 0xff, 0xff))
	f.Fuzz(func(t *testing.T, content []byte) {
		all, err := readAll(content)
		if err != nil {
			if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrVersion) {
				t.Fatal(err)
			}
			// Behind a wrong sum there may be records that are read: what they are is what they were.
			for _, r := range all {
				if _, err := encode(r); err != nil {
					t.Fatalf("%v: %v", r, err)
				}
			}
			return
		}
		if again := write(t, all); !bytes.Equal(again, content) {
			t.Fatalf("%s is written as %s", hex.EncodeToString(content), hex.EncodeToString(again))
		}
	})
}
