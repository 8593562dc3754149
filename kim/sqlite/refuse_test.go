package sqlite_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/kim"
	"github.com/seed-73b3884f/parsec-agent/kim/kimtest"
	"github.com/seed-73b3884f/parsec-agent/kim/sqlite"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// refused opens a database that must not open, and checks the error and that nothing was
// written.
func refused(t *testing.T, path string, words ...string) {
	t.Helper()
	before := read(t, path)
	for range 2 { // a failed opening leaves no lock
		_, err := sqlite.Open(t.Context(), path)
		e, ok := errors.AsType[*wire.Error](err)
		if !ok {
			t.Fatalf("error %v", err)
		}
		if e.Object != path || e.Status != wire.StatusKeyInfoManagerError || e.Remedy == "" {
			t.Errorf("object %q, status %d, remedy %q", e.Object, e.Status, e.Remedy)
		}
		for _, w := range words {
			if !strings.Contains(e.Error(), w) {
				t.Errorf("error %q does not say %q", e, w)
			}
		}
	}
	if string(read(t, path)) != string(before) {
		t.Error("the file has changed")
	}
}

func TestRefusals(t *testing.T) {
	good := vectorRows(t)[0]
	ours := "CREATE TABLE agent_metadata (id TEXT, int_value); INSERT INTO agent_metadata VALUES ('schema_version', 1);" +
		"CREATE TABLE agent_key_mapping AS SELECT * FROM key_mapping;"
	for name, c := range map[string]struct {
		script string
		words  []string
	}{
		"newer schema":           {"UPDATE kim_metadata SET int_value = 2", []string{"schema_version", "is 2", "knows 1"}},
		"schema as text":         {"UPDATE kim_metadata SET int_value = 'x'", []string{"schema_version", `"x"`}},
		"mapping alone":          {"DROP TABLE kim_metadata", []string{"key_mapping and kim_metadata only one"}},
		"metadata alone":         {"DROP TABLE key_mapping", []string{"only one"}},
		"column missing":         {"ALTER TABLE key_mapping DROP COLUMN provider_name", []string{"provider_name"}},
		"key id version":         {"UPDATE key_mapping SET key_id_version = 2", []string{`key "ecdsa_p256"`, "key_id_version is 2"}},
		"attributes version":     {"UPDATE key_mapping SET key_attributes_version = 0", []string{"key_attributes_version is 0"}},
		"unknown authenticator":  {"UPDATE key_mapping SET authenticator_id = 5", []string{"authenticator 5", "authenticator_id is 5"}},
		"authenticator 254":      {"UPDATE key_mapping SET authenticator_id = 254", []string{"authenticator_id is 254"}},
		"negative authenticator": {"UPDATE key_mapping SET authenticator_id = -1", []string{"authenticator_id is -1"}},
		"authenticator 256+3":    {"UPDATE key_mapping SET authenticator_id = 259", []string{"authenticator_id is 259"}},
		"text authenticator":     {"UPDATE key_mapping SET authenticator_id = 'x'", []string{"column 1 is not an integer"}},
		"attributes cut":         {"UPDATE key_mapping SET key_attributes = x'01000000'", []string{"key_attributes", "end too early"}},
		"attributes empty":       {"UPDATE key_mapping SET key_attributes = x''", []string{"key_attributes"}},
		"attributes text":        {"UPDATE key_mapping SET key_attributes = 'text'", []string{"column 8 is not a blob"}},
		"attributes of ours": {
			"UPDATE key_mapping SET key_attributes = x'010000000a00000009000000ff00000000000000000000000001010000000500000006000000'",
			[]string{"unknown curve family 9"},
		},
		"blob name":       {"UPDATE key_mapping SET key_name = x'00'", []string{"key a blob of 1 bytes", "column 3 is not UTF-8 text"}},
		"broken name":     {"UPDATE key_mapping SET key_name = CAST(x'ff' AS TEXT)", []string{"column 3 is not UTF-8 text"}},
		"long name":       {"UPDATE key_mapping SET key_id = 1, key_name = printf('%.1000c', 'n')", []string{"(1000 bytes)", "column 6"}},
		"no provider":     {"PRAGMA writable_schema = 1; UPDATE key_mapping SET provider_uuid = x'00'", []string{"column 4"}},
		"write-ahead log": {"PRAGMA journal_mode = WAL", []string{"journal mode"}},
		"our mapping alone": {
			"CREATE TABLE agent_key_mapping (x)", []string{"agent_key_mapping and agent_metadata only one"},
		},
		"our newer schema": {ours + "DELETE FROM agent_key_mapping; UPDATE agent_metadata SET int_value = 9", []string{"agent_metadata is 9"}},
		"common key in ours": {
			ours + "UPDATE agent_key_mapping SET key_attributes = CAST(x'01000000' || key_attributes AS BLOB)",
			[]string{"agent_key_mapping", "belongs in key_mapping"},
		},
		"key in both": {
			ours + "UPDATE agent_key_mapping SET key_attributes = " +
				"x'01000000010000000A00000009000000FF00000000000000000000000001010000000500000006000000'",
			[]string{"another row of that key", "agent_key_mapping"},
		},
		"unknown key id version in ours": {
			ours + "DELETE FROM key_mapping; UPDATE agent_key_mapping SET key_id_version = 3",
			[]string{"agent_key_mapping", "key_id_version is 3"},
		},
		"adopted key with the original's attributes": {
			ours + "DELETE FROM key_mapping; UPDATE agent_key_mapping SET key_id_version = 2",
			[]string{"agent_key_mapping", "key_attributes"},
		},
		"ours not decodable": {ours + "DELETE FROM key_mapping", []string{"the row of agent_key_mapping", "key_attributes"}},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "kim.sqlite3")
			originalDatabase(t, path, good)
			shell(t, path, c.script)
			refused(t, path, c.words...)
		})
	}
}

func TestRefusesOtherFiles(t *testing.T) {
	dir := t.TempDir()
	good := filepath.Join(dir, "good")
	originalDatabase(t, good, vectorRows(t)...)
	whole := read(t, good)
	for name, content := range map[string][]byte{
		"text":      []byte(strings.Repeat("this is no database. ", 50)),
		"one byte":  {0},
		"truncated": whole[:len(whole)/2],
		"header":    whole[:100],
		"scribbled": append(append([]byte{}, whole[:4096]...), make([]byte, len(whole)-4096)...),
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		refused(t, path)
	}
	if _, err := sqlite.Open(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "no regular file") {
		t.Errorf("a directory: %v", err)
	}
	if _, err := sqlite.Open(t.Context(), filepath.Join(good, "below")); err == nil || !strings.Contains(err.Error(), "directory") {
		t.Errorf("below a file: %v", err)
	}
}

func TestLocked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kim.sqlite3")
	release := kimtest.LockFile(t, path+".lock")
	_, err := sqlite.Open(t.Context(), path)
	if !errors.Is(err, kim.ErrLocked) || !strings.Contains(err.Error(), path) {
		t.Errorf("%v, want ErrLocked with the path", err)
	}
	release()
	mustOpen(t, path)
}

// TestChangedByOthers: a write after another program's is refused, changes nothing, and a
// reload makes it good.
func TestChangedByOthers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kim.sqlite3")
	s := mustOpen(t, path)
	first := kimtest.P256Key("first")
	if err := kimtest.Create(t, s, first); err != nil {
		t.Fatal(err)
	}
	foreign := vectorRows(t)[0]
	shell(t, path, insertion(foreign))
	before := read(t, path)
	pending, err := s.Reserve(kimtest.Alice, "pending", kimtest.Software)
	if err != nil {
		t.Fatal(err)
	}
	changed := first
	changed.KeyID = []byte("changed")
	for what, err := range map[string]error{
		"create": kimtest.Create(t, s, kimtest.P256Key("second")), "delete": s.Delete(t.Context(), first), "update": s.Update(t.Context(), changed),
	} {
		if err == nil || !strings.Contains(err.Error(), "another program") || wire.StatusOf(err) != wire.StatusKeyInfoManagerError {
			t.Errorf("%s: %v", what, err)
		}
	}
	if string(read(t, path)) != string(before) {
		t.Error("the file has changed")
	}
	kimtest.Same(t, "memory", s.All(), []kim.Entry{first})

	again := mustOpen(t, path) // as a reload does
	if len(s.All()) != 2 || len(again.All()) != 2 {
		t.Errorf("%d and %d entries after a reload", len(s.All()), len(again.All()))
	}
	if err := pending.Commit(t.Context(), []byte("id"), kimtest.P256()); err != nil {
		t.Errorf("a reservation from before: %v", err)
	}
	if err := kimtest.Create(t, again, kimtest.P256Key("second")); err != nil {
		t.Error(err)
	}
	if err := kimtest.Create(t, s, foreign.Entry(t)); !errors.Is(err, kim.ErrExists) {
		t.Errorf("create what the other program created: %v", err)
	}
}

// TestReservedNameTakenByOthers: the row of the other program stays.
func TestReservedNameTakenByOthers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kim.sqlite3")
	s := mustOpen(t, path)
	foreign := vectorRows(t)[0]
	want := foreign.Entry(t)
	r, err := s.Reserve(want.Owner, want.Name, kimtest.Software)
	if err != nil {
		t.Fatal(err)
	}
	shell(t, path, insertion(foreign))
	mustOpen(t, path)
	if err := r.Commit(t.Context(), []byte("mine"), kimtest.Ed25519()); !errors.Is(err, kim.ErrExists) {
		t.Errorf("commit in our table: %v", err)
	}
	if r, err = s.Reserve(want.Owner, want.Name, kimtest.Software); err == nil {
		r.Release()
		t.Error("the name is free")
	}
	kimtest.Same(t, "all", s.All(), []kim.Entry{want})
}

func TestReplacedFile(t *testing.T) {
	dir := t.TempDir()
	path, other := filepath.Join(dir, "kim.sqlite3"), filepath.Join(dir, "other")
	s := mustOpen(t, path)
	originalDatabase(t, other, vectorRows(t)...)
	if err := os.Rename(other, path); err != nil {
		t.Fatal(err)
	}
	if err := kimtest.Create(t, s, kimtest.P256Key("k")); err == nil || !strings.Contains(err.Error(), "replaced") {
		t.Errorf("create in a replaced file: %v", err)
	}
	again := mustOpen(t, path)
	if n := len(again.All()); n != 32 {
		t.Errorf("%d entries after a reload", n)
	}
	if err := kimtest.Create(t, s, kimtest.P256Key("k")); err != nil {
		t.Error(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := kimtest.Create(t, s, kimtest.P256Key("l")); err == nil {
		t.Error("create in a removed file succeeds")
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("the removed file is there again")
	}
}

// TestBusy: another program holds SQLite's lock.
func TestBusy(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kim.sqlite3")
	s := mustOpen(t, path)
	end := holdTransaction(t, path)
	if err := kimtest.Create(t, s, kimtest.P256Key("k")); err == nil || !strings.Contains(err.Error(), "another program holds a lock") {
		t.Errorf("create while locked: %v", err)
	}
	end()
	if err := kimtest.Create(t, s, kimtest.P256Key("k")); err != nil {
		t.Error(err)
	}
}
