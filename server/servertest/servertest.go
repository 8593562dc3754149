// Package servertest starts servers for tests, in the process of the test, on SQLite or PostgreSQL, with a clock of the test's own, and
// makes organisations on them with the certificates of package trust. A test package that uses PostgreSQL has
//
//	func TestMain(m *testing.M) { pgtest.Exit(m.Run()) }
package servertest

import (
	"bytes"
	"context"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server"
	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks"
	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks/memory"
	"github.com/seed-73b3884f/parsec-agent/server/internal/guard"
	"github.com/seed-73b3884f/parsec-agent/server/internal/rules"
	"github.com/seed-73b3884f/parsec-agent/server/internal/secrets"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	"github.com/seed-73b3884f/parsec-agent/server/pgtest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Options choose a server. The zero value is one on SQLite.
type Options struct {
	// Store is the address of a database, empty for a new one of SQLite.
	Store string
	// Clock is the time of another server that this one shares, nil for one of its own.
	Clock *Clock
	// Blocks opens the block store, one in memory if it is nil.
	Blocks func(context.Context, *pgxpool.Pool) (blocks.Store, error)
	// Address is the server's for links, nil for that under which it is asked.
	Address *trust.ServerAddress
	// Limits are what requests are held to, none where they are zero.
	Limits guard.Limits
	// Mail sends mails, nil where there is no way to.
	Mail rules.Mailer
	// Webhooks reach other servers, nil where none are reached.
	Webhooks rules.Webhooks
	// Configure changes what an administrator decides: anybody may bootstrap, ping is answered, no keep-alives.
	Configure func(*rules.Config)
}

// Server is a running server.
type Server struct {
	*server.Server
	// URL is where it answers.
	URL   string
	Clock *Clock
	t     testing.TB
	// database is its kind, empty for a server in another process.
	database string
}

// TB is the test that the server is for.
func (s *Server) TB() testing.TB { return s.t }

// For is the server for a part of a test.
func (s *Server) For(t testing.TB) *Server {
	other := *s
	other.t = t
	return &other
}

// Each runs a test on a server of each kind of database. That of PostgreSQL is shared by all tests of a package: organisations keep
// them apart.
func Each(t *testing.T, o Options, test func(t *testing.T, s *Server)) {
	t.Run(SQLite, func(t *testing.T) { test(t, New(t, o)) })
	t.Run(PostgreSQL, func(t *testing.T) {
		o.Store = shared(t)
		test(t, New(t, o))
	})
}

// database is what the tests of a package share.
var database struct {
	sync.Mutex // guards the field below

	url string
}

func shared(t testing.TB) string {
	t.Helper()
	database.Lock()
	defer database.Unlock()
	if database.url == "" {
		database.url = pgtest.Database(t)
	}
	return database.url
}

// New starts a server, which ends with the test.
func New(t testing.TB, o Options) *Server {
	t.Helper()
	if o.Store == "" {
		o.Store = "sqlite:" + filepath.Join(t.TempDir(), "server.sqlite3")
	}
	if o.Blocks == nil {
		o.Blocks = func(context.Context, *pgxpool.Pool) (blocks.Store, error) { return memory.New(1 << 30), nil }
	}
	key, err := secrets.NewBox(bytes.Repeat([]byte{7}, secrets.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	config := rules.Config{
		Server: cloud.ServerConfigOK{
			Account: cloud.AccountDisabled, OpenBao: &cloud.OpenBaoDisabled{}, CryptPad: &cloud.CryptPadDisabled{},
			OrganizationBootstrap: cloud.BootstrapSpontaneous, AdvisoryDeviceFileProtection: []string{},
		},
		Initial: tables.Settings{OutsiderAllowed: true, MinimumArchivingPeriod: 2592000}, Debug: true,
	}
	if o.Configure != nil {
		o.Configure(&config)
	}
	_, fuzzing := t.(*testing.F)
	log := &logged{t: t, stopped: fuzzing} // what is fuzzed must not write to it
	clock := o.Clock
	if clock == nil {
		clock = &Clock{at: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)}
	}
	s, err := server.Open(t.Context(), server.Options{
		Store: o.Store, Blocks: o.Blocks, Key: key, Address: o.Address, Mail: o.Mail, Webhooks: o.Webhooks, Rules: config, Limits: o.Limits, Clock: clock.Now,
		AdministrationToken: secrets.NewToken(AdministrationToken), Log: slog.New(slog.NewTextHandler(log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(s.Handler())
	t.Cleanup(func() {
		log.stop()
		s.Hang()
		h.Close()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return &Server{Server: s, URL: h.URL, Clock: clock, t: t, database: databaseOf(o.Store)}
}

// Clock is a time that only moves when it is told to.
type Clock struct {
	mu sync.Mutex
	at time.Time
}

// Now returns the time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

// Advance moves the time.
func (c *Clock) Advance(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(by)
}

// Tick moves the time by a second and returns it: certificates that are signed so are in order.
func (c *Clock) Tick() trust.DateTime {
	c.Advance(time.Second)
	return Must(trust.DateTimeOf(c.Now()))
}

// Must returns a value that a test knows to be right.
func Must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// logged shows the log of a server with its test, until it ends.
type logged struct {
	mu      sync.Mutex
	t       testing.TB
	stopped bool
}

func (l *logged) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.stopped {
		l.t.Log(string(bytes.TrimRight(line, "\n")))
	}
	return len(line), nil
}

func (l *logged) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stopped = true
}

// Remote is a server in another process. Certificates are dated a minute ago, so that what is dated now is newer.
func Remote(t testing.TB, url string) *Server {
	return &Server{URL: url, Clock: &Clock{at: time.Now().Add(-time.Minute)}, t: t}
}
