package command_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/command"
	"github.com/seed-73b3884f/parsec-agent/server/pgtest"
	. "github.com/seed-73b3884f/parsec-agent/server/servertest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// runs runs a command in this process, and wants its exit status and texts in what it says.
func runs(t *testing.T, status int, texts []string, args ...string) {
	t.Helper()
	out := &bytes.Buffer{}
	p := &command.Program{Out: out, Err: out, Version: "test", Getenv: func(string) string { return "" }}
	if got := p.Run(t.Context(), args); got != status {
		t.Fatalf("%q: exit status %d: %s", args, got, out)
	}
	for _, text := range texts {
		if !strings.Contains(out.String(), text) {
			t.Errorf("%q: %s, want %q", args, out, text)
		}
	}
}

// TestBackupAndRestore: a backup that is taken beside a running server is restored by its key alone, into the other database too.
func TestBackupAndRestore(t *testing.T) {
	dir, path := t.TempDir(), filepath.Join(t.TempDir(), "backup")
	place := "--data-dir=" + dir
	p := start(t, "run", "--port=0", place, "--spontaneous-organization-bootstrap")
	o := Remote(t, p.URL()).Bootstrapped()
	realm := o.First.CreateRealm()
	vlob, blocks := o.First.VlobReq(realm, 0, "content"), [5]trust.BlockID{}
	OK(t, o.First.Do(vlob))
	for i := range blocks {
		blocks[i] = trust.NewBlockID()
		OK(t, o.First.Do(&cloud.BlockCreateReq{BlockID: blocks[i], RealmID: realm, Block: []byte("content")}))
	}
	runs(t, 0, []string{"The backup is whole", "5 of 5 blocks", filepath.Join(dir, "server.key")}, "backup", path, place)
	runs(t, 1, []string{"there is one already"}, "backup", path, place)
	runs(t, 0, []string{"is whole"}, "restore", "--dry-run", path)
	p.Kill()
	other := t.TempDir()
	runs(t, 1, []string{"server.key", "no such file"}, "restore", path, "--data-dir="+other)
	if err := os.WriteFile(filepath.Join(other, "server.key"), Must(os.ReadFile(filepath.Join(dir, "server.key"))), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, db := range []string{"--db=", "--db=" + pgtest.Database(t)} {
		args := []string{"--data-dir=" + other}
		if db != "--db=" {
			args = append(args, db, "--blockstore=POSTGRESQL")
		}
		runs(t, 0, []string{"is whole", "It is restored"}, append([]string{"restore", path}, args...)...)
		runs(t, 1, []string{"is not empty"}, append([]string{"restore", path}, args...)...)
		p := start(t, append([]string{"run", "--port=0"}, args...)...)
		o.URL = p.URL()
		reads := []cloud.Request{&cloud.VlobReadBatchReq{RealmID: realm, Vlobs: []trust.VlobID{vlob.VlobID}}}
		for _, id := range blocks {
			reads = append(reads, &cloud.BlockReadReq{BlockID: id, RealmID: realm})
		}
		for _, req := range reads {
			if a := o.First.Do(req); a.Reply != "ok" || !bytes.Contains(a.Body, []byte("content")) {
				t.Errorf("%s: %s: %q", req.Command(), a.Reply, a.Body)
			}
		}
		o.Enrol("bob", trust.Standard)
		again := filepath.Join(t.TempDir(), "again")
		runs(t, 0, []string{"The backup is whole"}, append([]string{"backup", again}, args...)...)
		p.Kill()
	}
	runs(t, 2, []string{"takes one path"}, "backup")
	runs(t, 2, []string{"goes with its process"}, "backup", "x", "--db=MOCKED")
	runs(t, 3, []string{"cannot open the store"}, "backup", filepath.Join(t.TempDir(), "x"), "--data-dir="+t.TempDir())
}

// TestMigrate: migrations are shown, applied, and left to the administrator where he wants it.
func TestMigrate(t *testing.T) {
	for name, database := range map[string]func(t *testing.T) string{
		"SQLite":     func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "server.sqlite3") },
		"PostgreSQL": func(t *testing.T) string { return pgtest.Database(t) },
	} {
		t.Run(name, func(t *testing.T) {
			args := []string{"--data-dir=" + t.TempDir(), "--db=" + database(t)}
			run := append([]string{"run", "--port=0", "--explicit-migrations"}, args...)
			pending := append([]string{"migrate", "--dry-run"}, args...)
			for range 2 {
				runs(t, 0, []string{"version 0", "pending: 0001_people"}, pending...)
			}
			runs(t, 1, []string{"run parsec-server migrate"}, run...)
			runs(t, 0, []string{"version 0", "applied: 0001_people", "applied: 0005_enrolments"}, append([]string{"migrate"}, args...)...)
			runs(t, 0, []string{"which is the newest"}, append([]string{"migrate"}, args...)...)
			runs(t, 0, []string{"which is the newest"}, pending...)
			start(t, run...)
		})
	}
}
