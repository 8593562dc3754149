package original

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/seed-73b3884f/parsec-agent/server/internal/rules"
	"github.com/seed-73b3884f/parsec-agent/server/internal/secrets"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/pgtest"
)

func TestMain(m *testing.M) { pgtest.Exit(m.Run()) }

// TestPlanHasAllTables: whoever adds a table of organisations says how an import fills it, or adds it here, with the reason.
func TestPlanHasAllTables(t *testing.T) {
	notImported := []string{
		"condemned_block", // nothing is being removed
	}
	all, err := plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	version, err := store.Newest()
	if err != nil {
		t.Fatal(err)
	}
	tables, err := store.Schema(t.Context(), version)
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		planned := slices.ContainsFunc(all, func(s selection) bool { return s.Name == table.Name })
		of := table.Columns[0].Name == "org" || table.Name == organizationTable
		if exempt := slices.Contains(notImported, table.Name); of != (planned || exempt) {
			t.Errorf("table %s: has rows of organisations %v, planned %v, exempt %v", table.Name, of, planned, exempt)
		}
	}
	for name := range rules.ProtectedColumns() {
		table, column, _ := strings.Cut(name, ".")
		found := slices.ContainsFunc(all, func(s selection) bool {
			return s.Name == table && slices.ContainsFunc(s.columns, func(c store.Column) bool { return c.Name == column && c.Kind == "BLOB" })
		})
		if !found {
			t.Errorf("there is no column %s", name)
		}
	}
}

func TestExpand(t *testing.T) {
	const us = "CAST(extract(epoch FROM %) * 1000000 AS bigint)"
	for text, want := range map[string]string{
		"SELECT 1":                    "SELECT 1",
		"SELECT us(a.b) AS c":         "SELECT " + strings.Replace(us, "%", "a.b", 1) + " AS c",
		"us(coalesce(a, max(b))), us": strings.Replace(us, "%", "coalesce(a, max(b))", 1) + ", us",
		"us(a) us(b)":                 strings.Replace(us, "%", "a", 1) + " " + strings.Replace(us, "%", "b", 1),
	} {
		if got := expand(text); got != want {
			t.Errorf("%s is %s, want %s", text, got, want)
		}
	}
}

// TestForeign: a database that is not the original's, or one of another version, is refused before anything is read of it.
func TestForeign(t *testing.T) {
	for name, sql := range map[string]string{
		"empty":     "",
		"other":     "CREATE TABLE migration (id INTEGER)",
		"older":     "CREATE TABLE vlob_atom (); CREATE TABLE migration (_id INTEGER); INSERT INTO migration VALUES (23)",
		"newer":     "CREATE TABLE vlob_atom (); CREATE TABLE migration (_id INTEGER); INSERT INTO migration VALUES (24), (25)",
		"no number": "CREATE TABLE vlob_atom (); CREATE TABLE migration (_id INTEGER)",
	} {
		t.Run(name, func(t *testing.T) {
			address := pgtest.Database(t)
			c, err := pgx.Connect(t.Context(), address)
			if err == nil {
				_, err = c.Exec(t.Context(), sql)
				err = errors.Join(err, c.Close(t.Context()))
			}
			if err != nil {
				t.Fatal(err)
			}
			s, err := store.Connect(t.Context(), address)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if _, err := look(t.Context(), s); !errors.Is(err, ErrForeign) {
				t.Errorf("%v, want %v", err, ErrForeign)
			}
		})
	}
}

// TestRows: what cannot be in a table is refused with the reason, texts of JSON get our form, and secrets are kept and recognised.
func TestRows(t *testing.T) {
	all, err := plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	table := func(name string) *selection {
		for i := range all {
			if all[i].Name == name {
				return &all[i]
			}
		}
		t.Fatalf("no table %s", name)
		return nil
	}
	invitation := table("invitation")
	token := []byte("0123456789abcdef")
	row := []any{int64(3), token, token, int64(1), int64(1), int64(5), token, "zoe@example.com", nil, nil, nil}
	if err := invitation.check(row); err != nil {
		t.Error(err)
	}
	row[6] = nil
	if err := invitation.check(row); err == nil || !strings.Contains(err.Error(), "an external service invited") {
		t.Error(err)
	}
	row[6] = token
	box, err := secrets.NewBox(make([]byte, secrets.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	k := newKeeper(box)
	kept, err := k.keep(invitation, 7, row)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range kept {
		if secret := i == 1 || i == 2; secret == reflect.DeepEqual(v, row[i]) {
			t.Errorf("column %d is %v", i, v)
		}
	}
	for name, change := range map[string]func(r []any){
		"nothing": func([]any) {}, "a number": func(r []any) { r[3] = int64(2) }, "a digest": func(r []any) { r[1] = token },
		"a sealed secret": func(r []any) { r[2] = r[1] }, "a text": func(r []any) { r[7] = "x@example.com" }, "a null": func(r []any) { r[7] = nil },
	} {
		ours := slices.Clone(kept)
		change(ours)
		if same, err := k.same(invitation, 7, row, ours); same != (name == "nothing") || err != nil && name != "a sealed secret" {
			t.Errorf("%s changed: %v, %v", name, same, err)
		}
	}
	if same, err := k.same(invitation, 8, row, kept); same || err == nil {
		t.Error("a secret of another organisation is taken for it")
	}
	enrollment := table("enrollment")
	texts := make([]any, len(enrollment.columns))
	texts[9] = `["AAAA\nAAAA", "BBBB"]`
	if enrollment.columns[9].Name != "submit_chain" {
		t.Fatal(enrollment.columns[9].Name)
	}
	if err := enrollment.normalize(texts); err != nil || texts[9] != `["AAAAAAAA","BBBB"]` {
		t.Errorf("%v, %v", texts[9], err)
	}
	texts[9] = "{}"
	if err := enrollment.normalize(texts); err == nil {
		t.Error("a chain that is none is taken")
	}
}
