package sqlite_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/kim"
	"github.com/seed-73b3884f/parsec-agent/kim/kimtest"
	"github.com/seed-73b3884f/parsec-agent/kim/sqlite"
)

// shell runs statements in the sqlite3 shell: another program, as the original is.
func shell(tb testing.TB, path string, statements ...string) string {
	tb.Helper()
	tool, err := exec.LookPath("sqlite3")
	if err != nil {
		if os.Getenv("CI") != "" {
			tb.Fatal("the sqlite3 shell is missing: install the Debian package sqlite3")
		}
		tb.Skip("the sqlite3 shell is missing: install the Debian package sqlite3")
	}
	out, err := exec.CommandContext(tb.Context(), tool, "-batch", "-bail", path, strings.Join(statements, ";\n")+";").CombinedOutput()
	if err != nil {
		tb.Fatalf("sqlite3: %v: %s", err, out)
	}
	return string(out)
}

// originalDatabase makes a database with the tables and rows of the original.
func originalDatabase(tb testing.TB, path string, rows ...kimtest.Row) {
	tb.Helper()
	_, tables := kimtest.Vectors(tb)
	var script []string
	for _, name := range slices.Sorted(maps.Keys(tables)) {
		script = append(script, "CREATE TABLE "+name+" ("+strings.Join(tables[name], ", ")+")")
	}
	script = append(script, "INSERT INTO kim_metadata VALUES ('schema_version', 1)")
	for _, r := range rows {
		script = append(script, insertion(r))
	}
	shell(tb, path, script...)
}

func insertion(r kimtest.Row) string {
	return fmt.Sprintf("INSERT INTO key_mapping VALUES (%d, %s, %s, %s, %s, x'%x', %d, x'%x', %d)", r.AuthenticatorID,
		quote(r.ApplicationName), quote(r.KeyName), quote(r.ProviderUUID), quote(r.ProviderName),
		[]byte(r.KeyID), r.KeyIDVersion, []byte(r.Attributes), r.AttributesVersion)
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

func vectorRows(tb testing.TB) (rows []kimtest.Row) {
	tb.Helper()
	vectors, _ := kimtest.Vectors(tb)
	for _, v := range vectors {
		rows = append(rows, v.Row)
	}
	return rows
}

func mustOpen(tb testing.TB, path string) *sqlite.Store {
	tb.Helper()
	s, err := sqlite.Open(tb.Context(), path)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	return s
}

func read(tb testing.TB, path string) []byte {
	tb.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func TestTakesOverTheOriginalsRows(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kim.sqlite3")
	rows := vectorRows(t)
	originalDatabase(t, path, rows...)
	before := read(t, path)
	s := mustOpen(t, path)
	if string(read(t, path)) != string(before) {
		t.Error("opening changes the file")
	}
	if len(s.All()) != len(rows) {
		t.Errorf("%d entries of %d rows", len(s.All()), len(rows))
	}
	dump := shell(t, path, "SELECT hex(key_id), hex(key_attributes) FROM key_mapping ORDER BY key_name")
	for _, r := range rows {
		want := r.Entry(t)
		got, err := s.Get(want.Owner, want.Name, want.Provider)
		if err != nil {
			t.Fatalf("%s: %v", r.KeyName, err)
		}
		kimtest.Same(t, r.KeyName, got, want)
		if err := s.Update(t.Context(), got); err != nil { // writes the same again
			t.Fatal(err)
		}
	}
	if after := shell(t, path, "SELECT hex(key_id), hex(key_attributes) FROM key_mapping ORDER BY key_name"); after != dump {
		t.Errorf("rewritten rows differ:\n%s\n%s", after, dump)
	}
}

// TestWritesTheOriginalsRows copies every key of the original into a new database of ours
// and compares the two files as another program sees them.
func TestWritesTheOriginalsRows(t *testing.T) {
	dir := t.TempDir()
	theirs, our := filepath.Join(dir, "theirs"), filepath.Join(dir, "new", "directory", "kim.sqlite3")
	rows := vectorRows(t)
	originalDatabase(t, theirs, rows...)
	s := mustOpen(t, our)
	for _, r := range rows {
		if err := kimtest.Create(t, s, r.Entry(t)); err != nil {
			t.Fatalf("%s: %v", r.KeyName, err)
		}
	}
	for _, question := range []string{
		"SELECT *, typeof(authenticator_id), typeof(key_id), typeof(key_attributes), typeof(key_name), hex(key_id), hex(key_attributes) FROM key_mapping ORDER BY 1, 2, 3",
		"SELECT *, typeof(int_value) FROM kim_metadata",
		"SELECT name, type FROM sqlite_master ORDER BY name",
		"PRAGMA table_info(kim_metadata)", "PRAGMA table_info(key_mapping)", "PRAGMA index_info(sqlite_autoindex_key_mapping_1)",
		"PRAGMA user_version", "PRAGMA journal_mode", "PRAGMA encoding", "PRAGMA application_id", "PRAGMA integrity_check",
		"PRAGMA auto_vacuum",
	} {
		kimtest.Same(t, question, shell(t, our, question), shell(t, theirs, question))
	}
	if fi, err := os.Stat(our); err != nil || fi.Mode() != 0o600 {
		t.Errorf("mode %v, %v", fi.Mode(), err)
	}
}

func TestModeIsTightened(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kim.sqlite3")
	originalDatabase(t, path)
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	mustOpen(t, path)
	if fi, err := os.Stat(path); err != nil || fi.Mode() != 0o600 {
		t.Errorf("mode %v, %v", fi.Mode(), err)
	}
}

// TestOurTables: they come when first needed, and the original's table stays without what
// it cannot parse.
func TestOurTables(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kim.sqlite3")
	s := mustOpen(t, path)
	if err := kimtest.Create(t, s, kimtest.P256Key("common")); err != nil {
		t.Fatal(err)
	}
	const tables = "SELECT group_concat(name) FROM (SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name)"
	kimtest.Same(t, "tables", shell(t, path, tables), "key_mapping,kim_metadata\n")
	e := kimtest.P256Key("extended")
	e.Attributes = kimtest.Ed25519()
	if err := kimtest.Create(t, s, e); err != nil {
		t.Fatal(err)
	}
	kimtest.Same(t, "tables", shell(t, path, tables), "agent_key_mapping,agent_metadata,key_mapping,kim_metadata\n")
	kimtest.Same(t, "the original's", shell(t, path, "SELECT key_name FROM key_mapping"), "common\n")
	kimtest.Same(t, "ours", shell(t, path, "SELECT key_name, hex(key_attributes) FROM agent_key_mapping"),
		"extended|01000000010000000A00000009000000FF00000000000000000000000001010000000500000006000000\n")
	kimtest.Same(t, "our version", shell(t, path, "SELECT * FROM agent_metadata"), "schema_version|1\n")
}

// TestAdoptedRow: an adopted key is in our table whatever its attributes are, so that the
// original neither meets its id nor deletes it.
func TestAdoptedRow(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kim.sqlite3")
	s := mustOpen(t, path)
	e := kimtest.P256Key("adopted")
	e.KeyID = []byte("an id of ours")
	r, err := s.Reserve(e.Owner, e.Name, e.Provider)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Adopt(t.Context(), e.KeyID, e.Attributes); err != nil {
		t.Fatal(err)
	}
	kimtest.Same(t, "the original's", shell(t, path, "SELECT count(*) FROM key_mapping"), "0\n")
	kimtest.Same(t, "ours", shell(t, path, "SELECT key_name, CAST(key_id AS TEXT), key_id_version, hex(key_attributes) FROM agent_key_mapping"),
		"adopted|an id of ours|2|01000000010000000A0000000100000000010000000000000000000000010101010005000000030000000000000006000000\n")
}

func TestUnknownProvidersAreKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kim.sqlite3")
	strange := vectorRows(t)[0]
	strange.ProviderUUID, strange.ProviderName = "f0f0f0f0-0000-0000-0000-000000000000", "it's new"
	originalDatabase(t, path, strange)
	s := mustOpen(t, path)
	want := strange.Entry(t)
	if want.Provider.ID != kim.UnknownProvider {
		t.Fatal("the provider is known")
	}
	kimtest.Same(t, "all", s.All(), []kim.Entry{want})
	taken := want
	taken.Provider = kimtest.Software
	if err := kimtest.Create(t, s, taken); err == nil {
		t.Error("the name is not taken")
	}
}

// TestOddFiles: what the original starts with, we start with.
func TestOddFiles(t *testing.T) {
	good := vectorRows(t)[0]
	for name, script := range map[string]string{
		"no version row":     "DELETE FROM kim_metadata",
		"another table":      "CREATE TABLE other (x)",
		"another column":     "ALTER TABLE key_mapping ADD COLUMN note TEXT",
		"trailing bytes":     "UPDATE key_mapping SET key_attributes = CAST(key_attributes || x'0102' AS BLOB)",
		"volatile lifetime":  "UPDATE key_mapping SET key_attributes = CAST(x'00' || substr(key_attributes, 2) AS BLOB)",
		"empty key id":       "UPDATE key_mapping SET key_id = x''",
		"other metadata":     "INSERT INTO kim_metadata VALUES ('other', 7)",
		"any provider":       "UPDATE key_mapping SET provider_uuid = '', provider_name = ''",
		"authenticator none": "UPDATE key_mapping SET authenticator_id = 0",
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "kim.sqlite3")
			originalDatabase(t, path, good)
			shell(t, path, script)
			s := mustOpen(t, path)
			if len(s.All()) != 1 {
				t.Fatalf("%d entries", len(s.All()))
			}
			if err := kimtest.Create(t, s, kimtest.P256Key("new")); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestPathsWithMeaning: characters that a URI or SQLite would read as something else.
func TestPathsWithMeaning(t *testing.T) {
	for _, name := range []string{"a b", "a?mode=memory", "a%41", "a#b", ":memory:", "file:x", "é", "a&b=c"} {
		path := filepath.Join(t.TempDir(), name)
		s := mustOpen(t, path)
		if err := kimtest.Create(t, s, kimtest.P256Key("k")); err != nil {
			t.Errorf("%q: %v", name, err)
		}
		if fi, err := os.Stat(path); err != nil || fi.Size() == 0 {
			t.Errorf("%q: nothing is in the file: %v", name, err)
		}
	}
}

func TestRelativeAndLinkedPathsShare(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	s := mustOpen(t, "kim.sqlite3")
	if err := os.Symlink("kim.sqlite3", "link"); err != nil {
		t.Fatal(err)
	}
	linked := mustOpen(t, filepath.Join(dir, "link"))
	if err := kimtest.Create(t, s, kimtest.P256Key("k")); err != nil {
		t.Fatal(err)
	}
	if len(linked.All()) != 1 {
		t.Error("two paths of one file have two memories")
	}
}

// holdTransaction keeps a write transaction open in another program.
func holdTransaction(t *testing.T, path string) (end func()) {
	t.Helper()
	shell(t, path, "SELECT 1") // the tool is there
	other := exec.CommandContext(t.Context(), "sqlite3", "-batch", path)
	in, err := other.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := other.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(in, "BEGIN IMMEDIATE;\nSELECT 'held';\n"); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "held\n" {
		t.Fatalf("sqlite3 said %q: %v", line, err)
	}
	return func() {
		t.Helper()
		if err := errors.Join(in.Close(), other.Wait()); err != nil {
			t.Error(err)
		}
	}
}
