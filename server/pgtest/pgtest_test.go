package pgtest_test

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/seed-73b3884f/parsec-agent/server/pgtest"
)

func TestMain(m *testing.M) { pgtest.Exit(m.Run()) }

// create makes a table x with the row "kept".
func create(t *testing.T, url string) {
	t.Helper()
	c, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close(context.Background()) }()
	if _, err := c.Exec(t.Context(), "CREATE TABLE x AS SELECT 'kept' AS s"); err != nil {
		t.Fatal(err)
	}
}

// query returns the one text that a statement gives.
func query(t *testing.T, url, sql string) string {
	t.Helper()
	c, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close(context.Background()) }()
	var s string
	if err := c.QueryRow(t.Context(), sql).Scan(&s); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return s
}

func TestDatabasesAreApart(t *testing.T) {
	a, b := pgtest.Database(t), pgtest.Database(t)
	if a == b {
		t.Fatalf("%s twice", a)
	}
	create(t, a)
	if got := query(t, b, "SELECT count(*)::text FROM pg_tables WHERE tablename = 'x'"); got != "0" {
		t.Errorf("the other database has the table: %s", got)
	}
}

func TestStopAndKillKeepData(t *testing.T) {
	s := pgtest.Start(t, pgtest.Options{Settings: map[string]string{"max_connections": "17"}})
	url := s.Database(t)
	if got := query(t, url, "SHOW max_connections"); got != "17" {
		t.Errorf("max_connections is %s", got)
	}
	create(t, url)
	for _, end := range []func() error{s.Stop, s.Kill} {
		if err := end(); err != nil {
			t.Fatal(err)
		}
		if c, err := pgx.Connect(t.Context(), url); err == nil {
			t.Fatalf("it still answers: %v", c.Close(t.Context()))
		}
		if err := s.Start(); err != nil {
			t.Fatal(err)
		}
		if got := query(t, url, "SELECT s FROM x"); got != "kept" {
			t.Errorf("the row is %q", got)
		}
	}
}

func TestRunsWithoutPrivilege(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root could give it a privilege")
	}
	url := pgtest.Database(t)
	if got := query(t, url, "SELECT pg_read_file('/proc/self/status', 0, 4096)"); !strings.Contains(got, "\nUid:\t") || strings.Contains(got, "\nUid:\t0\t") {
		t.Errorf("it runs as root:\n%s", got)
	}
}
