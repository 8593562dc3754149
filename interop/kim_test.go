package interop

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	_ "modernc.org/sqlite" // the driver

	"github.com/seed-73b3884f/parsec-agent/agentd/agentdtest"
	"github.com/seed-73b3884f/parsec-agent/interop/original"
	"github.com/seed-73b3884f/parsec-agent/interop/socket"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/psa/psapb"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// storedKey is one key of testdata/parsec-kim.json, in every form that the original gave it.
type storedKey struct {
	Name       string `json:"key_name"`
	Import     string `json:"import_request_body_hex"`
	Data       string `json:"key_data_hex"`
	Attributes string `json:"list_keys_attributes_hex"`
	Row        row    `json:"sqlite_row"`
	File       string `json:"psa_its_file"`
	FileData   string `json:"psa_its_hex"`
	OnDisk     string `json:"ondisk_file"`
	OnDiskData string `json:"ondisk_hex"`
}

// row is a row of key_mapping.
type row struct {
	KeyName           string `json:"key_name"`
	AuthenticatorID   int    `json:"authenticator_id"`
	Application       string `json:"application_name"`
	UUID              string `json:"provider_uuid"`
	Provider          string `json:"provider_name"`
	KeyID             string `json:"key_id_hex"`
	KeyIDVersion      int    `json:"key_id_version"`
	Attributes        string `json:"key_attributes_hex"`
	AttributesVersion int    `json:"key_attributes_version"`
}

type kimFile struct {
	Keys  []storedKey         `json:"mbed_keys"`
	Other []row               `json:"other_provider_sqlite_rows"`
	Table map[string][]string `json:"sqlite_tables"`
}

func loadKIM(t *testing.T) kimFile {
	t.Helper()
	data, err := os.ReadFile("../testdata/parsec-kim.json")
	if err != nil {
		t.Fatal(err)
	}
	var f kimFile
	if err := json.Unmarshal(data, &f); err != nil {
		t.Fatal(err)
	}
	if len(f.Keys) != 27 || len(f.Other) != 5 {
		t.Fatalf("%d keys and %d further rows, want 27 and 5", len(f.Keys), len(f.Other))
	}
	return f
}

// database writes the rows as the original's SQLite key info manager holds them.
func (f kimFile) database(t *testing.T, path string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	exec := func(statement string, args ...any) {
		t.Helper()
		if _, err := db.ExecContext(t.Context(), statement, args...); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	for table, columns := range f.Table {
		exec("CREATE TABLE " + table + " (" + strings.Join(columns, ", ") + ")")
	}
	exec("INSERT INTO kim_metadata VALUES ('schema_version', 1)")
	rows := slices.Clone(f.Other)
	for _, k := range f.Keys {
		k.Row.KeyName = k.Name
		rows = append(rows, k.Row)
	}
	for _, r := range rows {
		exec("INSERT INTO key_mapping VALUES (?,?,?,?,?,?,?,?,?)", r.AuthenticatorID, r.Application, r.KeyName, r.UUID, r.Provider,
			unhex(t, r.KeyID), r.KeyIDVersion, unhex(t, r.Attributes), r.AttributesVersion)
	}
}

// lay writes the state directory that the original left behind.
func (f kimFile) lay(t *testing.T, s original.Settings) {
	t.Helper()
	if s.Manager != "OnDisk" {
		f.database(t, filepath.Join(s.Dir, "kim.sqlite3"))
	}
	for _, k := range f.Keys {
		write(t, filepath.Join(s.Dir, k.File), 0o644, unhex(t, k.FileData))
		if s.Manager == "OnDisk" {
			write(t, filepath.Join(s.Dir, "mappings", k.OnDisk), 0o600, unhex(t, k.OnDiskData))
		}
	}
}

func write(t *testing.T, path string, mode os.FileMode, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, mode); err != nil {
		t.Fatal(err)
	}
}

// TestStateOfTheOriginal serves the recorded state, in both layouts, and uses every key
// against known answers; in compatible storage nothing that was there changes.
func TestStateOfTheOriginal(t *testing.T) {
	if os.Getuid() != 0 {
		needRoot(t)
		t.Skip("the recorded keys belong to uid 0")
	}
	file := loadKIM(t)
	for _, manager := range []string{"SQLite", "OnDisk"} {
		for _, storage := range []string{"compatible", "encrypted"} {
			t.Run(manager+"-"+storage, func(t *testing.T) {
				s := original.Settings{Dir: agentdtest.Dir(t), Manager: manager, Storage: storage}
				file.lay(t, s)
				a := agentdtest.Start(t, agentdtest.Options{Dir: s.Dir, Config: s.Config()})
				u := &using{t: t, session: socket.Session{Path: a.Socket, Provider: wire.ProviderMbedCrypto}}
				u.list(file)
				for _, k := range file.Keys {
					t.Run(k.Name, func(t *testing.T) { u.use(t, k) })
				}
				a.Stop()
				file.unchanged(t, s)
			})
		}
	}
}

// list compares ListKeys with the recorded attributes.
func (u *using) list(file kimFile) {
	u.t.Helper()
	m := &psapb.ListKeysResult{}
	if err := u.session.Do(u.t.Context(), wire.OpListKeys, nil, m); err != nil {
		u.t.Fatal(err)
	}
	got := map[string]string{}
	for _, k := range m.GetKeys() {
		b, err := psa.Marshal(k.GetAttributes())
		if err != nil {
			u.t.Fatal(err)
		}
		got[k.GetName()] = fmt.Sprintf("%x", b)
	}
	for _, k := range file.Keys {
		if got[k.Name] != k.Attributes {
			u.t.Errorf("%s is listed with %s, want %s", k.Name, got[k.Name], k.Attributes)
		}
	}
	if len(got) != len(file.Keys) {
		u.t.Errorf("%d keys are listed, want %d", len(got), len(file.Keys))
	}
}

// unchanged compares key files, rows and mapping files with the recorded ones.
func (f kimFile) unchanged(t *testing.T, s original.Settings) {
	t.Helper()
	same := func(path, want string) {
		t.Helper()
		got, err := os.ReadFile(filepath.Join(s.Dir, path))
		if err != nil || !bytes.Equal(got, unhex(t, want)) {
			t.Errorf("%s is %x, %v, was %s", path, got, err, want)
		}
	}
	for _, k := range f.Keys {
		same(k.File, k.FileData)
		if s.Manager == "OnDisk" {
			same(filepath.Join("mappings", k.OnDisk), k.OnDiskData)
		}
	}
	if s.Manager == "OnDisk" {
		return
	}
	db, err := sql.Open("sqlite", filepath.Join(s.Dir, "kim.sqlite3"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var rows int
	err = db.QueryRowContext(t.Context(), "SELECT count(*) FROM key_mapping").Scan(&rows)
	if err != nil || rows != len(f.Keys)+len(f.Other) {
		t.Errorf("%d rows, %v, want %d", rows, err, len(f.Keys)+len(f.Other))
	}
}
