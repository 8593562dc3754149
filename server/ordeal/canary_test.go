package ordeal

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"
	_ "modernc.org/sqlite" // a dump of what the server wrote

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/pgtest"
	"github.com/seed-73b3884f/parsec-agent/server/processtest"
	. "github.com/seed-73b3884f/parsec-agent/server/servertest"
)

// Where canaries are looked for.
const (
	traffic = "traffic"
	stores  = "stores"
	logs    = "log"
)

// visible is what a server sees by design: what certificates and invitations show, and what it makes or is asked for itself.
var visible = map[string][]string{
	"e-mail of alice": {traffic, stores}, "name of alice": {traffic, stores}, "label of her laptop": {traffic, stores}, // certificates
	"e-mail of bob": {traffic, stores}, "name of bob": {traffic, stores}, // his invitation, and certificates
	"token of an invitation":         {traffic},         // the server makes it, gives it out, and keeps it sealed
	"secret for one-time codes":      {traffic},         // the same
	"key against a one-time code":    {traffic},         // the same
	"reveal token of a recovery":     {traffic},         // the server compares it, and keeps its digest
	"content that was not encrypted": {traffic, stores}, // the control: a client that does not encrypt
	"content in base64, compressed":  {traffic, stores}, // the same
}

// TestServerLearnsNothing: of a busy organisation, traffic and stores hold no content, name, key or passphrase but what is listed.
func TestServerLearnsNothing(t *testing.T) {
	for name, where := range map[string]func(t *testing.T, dir string) (args []string, dump func(*testing.T) []byte){
		"SQLite": func(_ *testing.T, dir string) ([]string, func(*testing.T) []byte) {
			return []string{"--data-dir=" + dir}, func(t *testing.T) []byte {
				return append(dumpSQLite(t, filepath.Join(dir, "server.sqlite3")), files(t, dir)...)
			}
		},
		"PostgreSQL": func(t *testing.T, dir string) ([]string, func(*testing.T) []byte) {
			database := pgtest.Database(t)
			return []string{"--data-dir=" + dir, "--db=" + database, "--blockstore=POSTGRESQL"}, func(t *testing.T) []byte { return dumpPostgres(t, database) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			args, dump := where(t, t.TempDir())
			p := processtest.Start(t, append(args, "--debug", "--spontaneous-organization-bootstrap", "--log-level=DEBUG")...)
			recording := processtest.Record(t, p)
			canaries := busy(t, Remote(t, recording.URL))
			p.Stop()
			f, found := find(canaries), map[string][]string{}
			for place, data := range map[string][]byte{traffic: recording.Bytes(), stores: dump(t), logs: []byte(p.Log())} {
				t.Logf("%s: %d bytes", place, len(data))
				here := map[string]bool{}
				f.in(data, here)
				for what := range here {
					found[what] = append(found[what], place)
				}
			}
			for _, what := range slices.Sorted(maps.Keys(canaries)) {
				slices.Sort(found[what])
				want := slices.Sorted(slices.Values(visible[what]))
				if !slices.Equal(found[what], want) {
					t.Errorf("%s is found in %q, and may be in %q", what, found[what], want)
				}
			}
			for what := range visible {
				if canaries[what] == nil {
					t.Errorf("%s is listed and is nothing that was looked for", what)
				}
			}
		})
	}
}

// dumpSQLite reads every value of every table.
func dumpSQLite(t *testing.T, path string) (all []byte) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	for _, table := range query(t, db, `SELECT name FROM sqlite_master WHERE type = 'table'`) {
		for _, v := range query(t, db, fmt.Sprintf(`SELECT * FROM %q`, table)) {
			all = append(append(all, v...), '\n')
		}
	}
	return all
}

func query(t *testing.T, db *sql.DB, q string) (values []string) {
	t.Helper()
	rows, err := db.QueryContext(context.WithoutCancel(t.Context()), q)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		row := make([]any, len(columns))
		for i := range row {
			row[i] = new(sql.RawBytes)
		}
		if err := rows.Scan(row...); err != nil {
			t.Fatal(err)
		}
		for _, v := range row {
			if b, ok := v.(*sql.RawBytes); ok {
				values = append(values, string(*b))
			}
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return values
}

// files reads every file of a directory, but for the server's own key and token.
func files(t *testing.T, dir string) (all []byte) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		all = append(append(all, b...), '\n')
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// dumpPostgres does the same with a database, blocks among it.
func dumpPostgres(t *testing.T, address string) (all []byte) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	c, err := pgx.Connect(ctx, address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close(ctx) }()
	tables, err := c.Query(ctx, `SELECT table_name FROM information_schema.tables WHERE table_schema NOT IN ('pg_catalog', 'information_schema')`)
	if err != nil {
		t.Fatal(err)
	}
	names, err := pgx.CollectRows(tables, pgx.RowTo[string])
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		rows, err := c.Query(ctx, "SELECT * FROM "+pgx.Identifier{name}.Sanitize())
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			values, err := rows.Values()
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range values {
				if b, ok := v.([]byte); ok {
					all = append(append(all, b...), '\n')
				} else {
					all = fmt.Appendln(all, v)
				}
			}
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// newest is the newest vlob that a device reads of a realm.
func read(t *testing.T, d *Device, req *cloud.VlobReadBatchReq) cloud.VlobItem {
	t.Helper()
	rep := Decode[cloud.VlobReadBatchOK](t, d.Do(req), req.DecodeReply)
	if len(rep.Items) != 1 {
		t.Fatalf("%d vlobs instead of one", len(rep.Items))
	}
	return rep.Items[0]
}
